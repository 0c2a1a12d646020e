"""Optional add-ons of a host cluster, put into a lab that is up: `scripts/lab extra NAME…`.

They cost minutes to compile, so neither `scripts/lab up` nor `scripts/up` has them: who needs one
asks for it. Asked again, nothing changes. What an extra is:

    EXTRAS[name]        its images and, where its manifests are not files of ours, who renders them
    extras/<name>/      its manifests; ${NAME} stands for what `_values` gives
    go/<name>/          the pins of its Go module
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import yaml

from lab import (
    addons,
    buildah,
    certmanager,
    databases,
    imageregistry,
    kuberouter,
    kwok,
    metricsserver,
    prometheus,
    traefik,
)
from lab.addresses import SERVICE_CIDR
from lab.api import Api, Obj, wait
from lab.assets import Assets
from lab.buildah import Recipe
from lab.cache import Cache
from lab.errors import LabError
from lab.lab import READY, Lab
from lab.paths import LAB_SOURCE


@dataclass(frozen=True)
class Extra:
    """One optional add-on."""

    images: Callable[[Cache], Sequence[Recipe]]
    render: Callable[[Assets], str] | None = None
    """Returns manifests that are applied before those of the directory."""
    furnish: Callable[[Lab, Assets], None] | None = None
    """Does what is left to do when everything runs."""


EXTRAS = {
    "traefik": Extra(traefik.recipes),
    "cert-manager": Extra(certmanager.recipes, certmanager.render),
    "metrics-server": Extra(metricsserver.recipes),
    "kwok": Extra(kwok.recipes, kwok.render),
    "databases": Extra(databases.recipes),
    "kube-router": Extra(kuberouter.recipes),
    "registry": Extra(imageregistry.recipes, furnish=imageregistry.furnish),
    # Its kinds only: nothing runs.
    "prometheus-operator": Extra(lambda _: (), prometheus.render),
}

# Kinds that are waited for, by the condition that says that they work.
_CONDITIONS = {
    "APIService": "Available",
    "Certificate": "Ready",
    "ClusterIssuer": "Ready",
    "CustomResourceDefinition": "Established",
    "Node": "Ready",
}


def bring(lab: Lab, assets: Assets, names: Iterable[str]) -> None:
    """Build, load and apply extras; return when everything of them works."""
    for name in names:
        extra = EXTRAS[name]
        lab.load([buildah.build(assets.cache, recipe) for recipe in extra.images(assets.cache)])
        objects = manifests(name, _values(lab), extra.render(assets) if extra.render else "")
        with lab.progress.task(f"extra {name}", quiet=True) as task:
            api = Api(lab.kubeconfig)
            for obj in objects:
                task.note(f"applying {_title(obj)}")
                _until(lab, f"applying {_title(obj)}", partial(_applied, api, obj))
            for obj in objects:
                task.note(f"waiting for {_title(obj)}")
                _until(lab, _title(obj), partial(works, api, obj))
        if extra.furnish:
            extra.furnish(lab, assets)


def manifests(name: str, values: dict[str, str], rendered: str) -> list[Obj]:
    """Return an extra's objects, in the order of their files."""
    own = LAB_SOURCE / "extras" / name
    files = sorted(own.iterdir()) if own.exists() else []
    texts = [rendered, *(file.read_text() for file in files)]
    objects = []
    for text in texts:
        for key, value in values.items():
            text = text.replace(f"${{{key}}}", value)  # noqa: PLW2901 (the same text, filled in)
        objects += [obj for obj in yaml.safe_load_all(text) if obj]
    return objects


def works(api: Api, obj: Obj) -> bool:
    """Tell whether an object does what it is for; of most kinds that is to exist."""
    kind, meta = obj["kind"], obj["metadata"]
    if kind == "Deployment":
        return addons.available(api, meta["namespace"], meta["name"])
    if kind not in _CONDITIONS:
        return True
    conditions = api.get(api.path(obj)).get("status", {}).get("conditions") or ()
    return any(c["type"] == _CONDITIONS[kind] and c["status"] == "True" for c in conditions)


def _values(lab: Lab) -> dict[str, str]:
    return {
        "DATABASES_IMAGE": databases.TAG,
        "KUBE_ROUTER_IMAGE": kuberouter.TAG,
        "KWOK_IMAGE": kwok.TAG,
        "METRICS_SERVER_IMAGE": metricsserver.TAG,
        "NODE_1": str(lab.registration.addresses.node(1)),
        "OPEN_PORT": str(imageregistry.PORTS[imageregistry.OPEN]),
        "OPEN_REGISTRY": imageregistry.OPEN,
        "PRIVATE_PORT": str(imageregistry.PORTS[imageregistry.PRIVATE]),
        "PRIVATE_REGISTRY": imageregistry.PRIVATE,
        "REGISTRY_IMAGE": imageregistry.TAG,
        "SERVICE_CIDR": str(SERVICE_CIDR),
        "TRAEFIK_IMAGE": traefik.TAG,
    }


def _title(obj: Obj) -> str:
    return f"{obj['kind']} {obj['metadata']['name']}"


def _applied(api: Api, obj: Obj) -> bool:
    """Apply; a kind's definition or its webhook may just have been applied themselves."""
    api.apply(obj)
    return True


def _until(lab: Lab, what: str, done: Callable[[], bool]) -> None:
    """Wait, and name what the API server said last when it takes too long."""
    said = ""

    def attempt() -> bool:
        nonlocal said
        try:
            return done()
        except LabError as error:
            said = f" {error}"
            return False

    try:
        wait(what, READY, attempt, lambda: lab.processes.check("kube-apiserver"))
    except LabError as error:
        raise LabError(f"{error}{said}") from None
