"""The inside of a virtual cluster, reached through a port-forward with the caller's own rights."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterator
from typing import Any

from virtualcluster_cli.access import Access
from virtualcluster_cli.api import Api
from virtualcluster_cli.errors import NoAnswer, NoRight, NotReady
from virtualcluster_cli.forward import PATIENCE as WAITING
from virtualcluster_cli.forward import Target, forwarded
from virtualcluster_cli.installations import API_PORT, Installation, admin_kubeconfig

ACTIONS = {"portforward": "forward ports of", "exec": "run commands in"}
PATIENCE = 20.0  # seconds for the first answer


def target_of(which: Installation, port: int = API_PORT) -> Target:
    """Return a port of the control plane's pod, of several that of one that is ready."""
    pod = f"{which.name}-0" if which.pod is None else which.pod["metadata"]["name"]
    return Target(which.namespace, pod, port)


@contextlib.contextmanager
def kubeconfig(
    host: Api, access: Access, which: Installation, patience: float = WAITING
) -> Iterator[dict[str, Any]]:
    """Give the administrator's kubeconfig, usable as long as the block lasts.

    `patience` is how long each of its connections waits for the pod.
    """
    config = copy.deepcopy(admin_kubeconfig(host, which))
    check_right(host, which.namespace)
    with forwarded(access, target_of(which), patience) as port:
        config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
        yield config


@contextlib.contextmanager
def api(
    host: Api, access: Access, which: Installation, patience: float = PATIENCE
) -> Iterator[Api]:
    """Give the virtual API once it answers; raise NotReady when it does not."""
    with kubeconfig(host, access, which, patience) as config:
        virt = Api(config, f"the virtual cluster {which.name!r}")
        try:
            _until_it_answers(virt, which, patience)
            yield virt
        finally:
            virt.close()


def check_right(host: Api, namespace: str, subresource: str = "portforward") -> None:
    """Raise NoRight when the caller may not do that to the namespace's pods."""
    asked = {"verb": "get", "resource": "pods", "subresource": subresource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {**asked, "namespace": namespace}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    if not host.json("POST", path, review)["status"].get("allowed"):
        raise NoRight(
            f"you are not allowed to {ACTIONS[subresource]} pods in namespace {namespace} of"
            f" {host.name}",
            f"ask its administrator for get and create of pods/{subresource} in namespace"
            f" {namespace}",
        )


def _until_it_answers(virt: Api, which: Installation, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            virt.version()
        except NoAnswer as error:
            if time.monotonic() > deadline:
                raise NotReady(
                    f"virtual cluster {which.name!r} does not answer ({error.cause})",
                    f"for the reason see: virtualcluster status {which.name} -n {which.namespace}",
                ) from None
            time.sleep(0.3)
        else:
            return
