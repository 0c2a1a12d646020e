"""Waiting for pods, and doing things in them."""

from __future__ import annotations

from tests.e2e import manifests
from tests.e2e.cluster import Obj
from tests.e2e.release import Release, Side, Virtual, virt_uid
from tests.e2e.shell import Done
from tests.e2e.waiting import Pending, brief, is_ready, until

START = 90.0  # seconds for a pod whose image is there, on a machine that is busy


def new_namespace(side: Side, name: str, **labels: str) -> str:
    """Create a namespace; return its name once pods can be created in it."""
    side.api.create(manifests.namespace(name, **labels))
    wait_account(side, name)
    return name


def wait_account(side: Side, namespace: str, name: str = "default") -> None:
    """Return once pods can be created: those of old clusters need their account's token first."""

    def ready() -> bool:
        # A cluster that has just begun may not have its own first account yet.
        first = side.api.find("ServiceAccount", "default", "kube-system")
        account = side.api.find("ServiceAccount", name, namespace)
        if first is None or account is None:
            return False
        return bool(account.get("secrets")) or not first.get("secrets")

    until(f"pods of {name} can be created in {namespace}", ready, START)


def wait_ready(side: Side, namespace: str, *names: str, seconds: float = START) -> list[Obj]:
    """Return these pods once all are Ready."""

    def ready() -> list[Obj]:
        found = [side.api.find("Pod", name, namespace) for name in names]
        pods = [pod for pod in found if pod is not None]
        if len(pods) < len(names) or not all(map(is_ready, pods)):
            raise Pending("; ".join(map(brief, pods)) or "none is there")
        return pods

    return until(f"pods {', '.join(names)} are ready", ready, seconds)


def wait_labelled(
    side: Side, namespace: str, labels: str, count: int, seconds: float = START
) -> list[Obj]:
    """Return the pods with these labels once exactly `count` exist and all are Ready."""

    def ready() -> list[Obj]:
        pods = side.api.all("Pod", namespace, labels)
        going = any(each["metadata"].get("deletionTimestamp") for each in pods)
        if len(pods) != count or going or not all(map(is_ready, pods)):
            raise Pending("; ".join(map(brief, pods)) or "none")
        return pods

    return until(f"{count} ready pods with {labels}", ready, seconds)


def wait_phase(side: Side, namespace: str, name: str, *phases: str, seconds: float = START) -> Obj:
    """Return a pod once it is in one of the phases."""

    def there() -> Obj:
        pod = side.api.find("Pod", name, namespace)
        if pod is None or pod["status"].get("phase") not in phases:
            raise Pending(brief(pod) if pod else "not there")
        return pod

    return until(f"pod {name} is {' or '.join(phases)}", there, seconds)


def wait_gone(
    side: Side, kind: str, namespace: str, name: str, uid: str, seconds: float = 60
) -> None:
    """Return once there is no object of this name and UID any more."""

    def gone() -> bool:
        found = side.api.find(kind, name, namespace)
        return found is None or found["metadata"]["uid"] != uid

    until(f"{kind} {name} is gone", gone, seconds)


def wait_settled(release: Release, virt: Virtual, seconds: float = 60) -> None:
    """Return once what earlier tests left is gone, and both sides have the same pods."""

    def settled() -> bool:
        ending = [
            each["metadata"]["name"]
            for each in virt.api.all("Namespace")
            if each["metadata"].get("deletionTimestamp")
        ]
        inside = {pod["metadata"]["uid"] for pod in virt.api.all("Pod")}
        outside = {virt_uid(pod) for pod in release.host_pods()}
        if ending or inside != outside:
            raise Pending(f"ending: {ending}, {len(inside)} pods inside, {len(outside)} outside")
        return True

    until("the virtual cluster has settled", settled, seconds)


def sources_of(pod: Obj) -> list[Obj]:
    """Return the sources of a pod's projected volumes."""
    return [
        source
        for volume in pod["spec"].get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    ]


def secrets_of(pod: Obj) -> set[str]:
    """Return the names of the Secrets in a pod's volumes."""
    volumes = pod["spec"].get("volumes") or ()
    named = {each["secret"]["secretName"] for each in volumes if "secret" in each}
    return named | {each["secret"]["name"] for each in sources_of(pod) if "secret" in each}


def execute(side: Side, namespace: str, pod: str, *command: str, stdin: bytes = b"") -> str:
    """Run a command in a pod by `kubectl exec`; return what it wrote."""
    flags = ["-i"] if stdin else []
    return side.kubectl("exec", *flags, "-n", namespace, pod, "--", *command, stdin=stdin).out


def attempt(side: Side, namespace: str, pod: str, *command: str) -> Done:
    """Run a command in a pod that may fail."""
    return side.kubectl("exec", "-n", namespace, pod, "--", *command, check=False)
