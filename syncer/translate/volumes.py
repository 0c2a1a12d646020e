"""Volumes: only types that stay within the namespace, every name in them mapped."""

from __future__ import annotations

from typing import NamedTuple

from syncer.errors import Refused
from syncer.kube.objects import Obj, uid_of
from syncer.translate import downward_api
from syncer.translate.containers import Rename
from syncer.translate.fields import COPY, MAP, REFUSE, Verdict, apply

DEFAULT_TOKEN_SECONDS = 3600  # what the API gives when a projected source does not say

VOLUME: dict[str, Verdict] = {
    "name": COPY,
    "configMap": MAP,  # the name of the twin
    "downwardAPI": MAP,  # what the virtual pod would say
    "emptyDir": COPY,
    "ephemeral": MAP,  # the twin of the claim that the virtual cluster makes
    "hostPath": COPY,  # Pod Security judges the final pod: privileged only (threats A1)
    "persistentVolumeClaim": MAP,  # the name of the twin
    "projected": MAP,  # names of the twins; tokens are those of the virtual API
    "secret": MAP,  # the name of the twin
    **dict.fromkeys(  # it leads out of the namespace (threats A1, A4, A5)
        [
            "awsElasticBlockStore",
            "azureDisk",
            "azureFile",
            "cephfs",
            "cinder",
            "csi",
            "fc",
            "flexVolume",
            "flocker",
            "gcePersistentDisk",
            "gitRepo",
            "glusterfs",
            "image",
            "iscsi",
            "nfs",
            "photonPersistentDisk",
            "portworxVolume",
            "quobyte",
            "rbd",
            "scaleIO",
            "storageos",
            "vsphereVolume",
        ],
        REFUSE,
    ),
}


class TokenWish(NamedTuple):
    """A service account token that a volume of the pod holds."""

    key: str
    """The key in the Secret with the pod's tokens, which may hold those of other pods too."""
    audience: str
    """Empty: the virtual API server's own."""
    seconds: int


class Place(NamedTuple):
    """Where a token is for a host pod."""

    secret: str
    key: str


def to_host(virt_pod: Obj, volume: Obj, token_secret: str, rename: Rename) -> Obj:
    """Return the host's form of a volume; raise Refused for types that leave the namespace."""
    name = volume["name"]
    mapped: Obj = {
        "configMap": _named(volume.get("configMap"), "name", "configmaps", rename),
        "secret": _named(volume.get("secret"), "secretName", "secrets", rename),
        "persistentVolumeClaim": _claim(virt_pod, volume, rename),
        "downwardAPI": _downward(virt_pod, volume.get("downwardAPI")),
        "projected": _projected(virt_pod, name, volume.get("projected"), token_secret, rename),
    }
    return apply(VOLUME, volume, mapped, where=f"volumes[{name}]")


def token_wishes(virt_pod: Obj) -> list[TokenWish]:
    """Return the tokens that the pod's volumes ask for."""
    return [
        TokenWish(
            token_key(virt_pod, volume["name"], index),
            source["serviceAccountToken"].get("audience", ""),
            int(source["serviceAccountToken"].get("expirationSeconds", DEFAULT_TOKEN_SECONDS)),
        )
        for volume in virt_pod["spec"].get("volumes") or ()
        for index, source in enumerate((volume.get("projected") or {}).get("sources") or ())
        if "serviceAccountToken" in source
    ]


def token_key(virt_pod: Obj, volume_name: str, index: int) -> str:
    """Return the token's key in the Secret with the pod's tokens."""
    return f"{uid_of(virt_pod)}.{volume_name}.{index}"


def token_places(virt_pod: Obj, host_pod: Obj) -> dict[str, Place]:
    """Return where the host pod, which cannot be changed, looks for its tokens: by `TokenWish.key`.

    Host pods of earlier versions have other names and keys than today's would.
    """
    found = {}
    mounted = {each["name"]: each for each in host_pod["spec"].get("volumes") or ()}
    for volume in virt_pod["spec"].get("volumes") or ():
        twins = (mounted.get(volume["name"], {}).get("projected") or {}).get("sources") or ()
        sources = (volume.get("projected") or {}).get("sources") or ()
        for index, (source, its_twin) in enumerate(zip(sources, twins, strict=False)):
            if "serviceAccountToken" in source and "secret" in its_twin:
                place = Place(its_twin["secret"]["name"], its_twin["secret"]["items"][0]["key"])
                found[token_key(virt_pod, volume["name"], index)] = place
    return found


def look_in(host_pod: Obj, secret: str, other: str) -> None:
    """Let a host pod that is not made yet look for its tokens in another Secret."""
    for volume in host_pod["spec"].get("volumes") or ():
        for source in (volume.get("projected") or {}).get("sources") or ():
            if (source.get("secret") or {}).get("name") == secret:
                source["secret"]["name"] = other


def _named(source: Obj | None, field: str, kind: str, rename: Rename) -> Obj | None:
    return None if source is None else {**source, field: rename(kind, source.get(field, ""))}


def _claim(virt_pod: Obj, volume: Obj, rename: Rename) -> Obj | None:
    if "ephemeral" in volume:
        # The virtual cluster's own controller makes this claim, under this name.
        claim = f"{virt_pod['metadata']['name']}-{volume['name']}"
        return {"claimName": rename("persistentvolumeclaims", claim)}
    return _named(
        volume.get("persistentVolumeClaim"), "claimName", "persistentvolumeclaims", rename
    )


def _downward(virt_pod: Obj, source: Obj | None) -> Obj | None:
    if source is None:
        return None
    return {**source, "items": downward_api.volume_items(virt_pod, source.get("items"))}


def _projected(
    virt_pod: Obj, volume_name: str, projected: Obj | None, token_secret: str, rename: Rename
) -> Obj | None:
    if projected is None:
        return None
    sources = [
        _projection(virt_pod, token_key(virt_pod, volume_name, index), source, token_secret, rename)
        for index, source in enumerate(projected.get("sources") or ())
    ]
    return {**projected, "sources": sources}


def _projection(virt_pod: Obj, key: str, source: Obj, token_secret: str, rename: Rename) -> Obj:
    match source:
        case {"serviceAccountToken": token}:
            items = [{"key": key, "path": token["path"]}]
            return {"secret": {"name": token_secret, "items": items}}
        case {"configMap": _}:
            return {"configMap": _named(source["configMap"], "name", "configmaps", rename)}
        case {"secret": _}:
            return {"secret": _named(source["secret"], "name", "secrets", rename)}
        case {"downwardAPI": _}:
            return {"downwardAPI": _downward(virt_pod, source["downwardAPI"])}
    raise Refused(
        "FieldRefused", f"projected source {', '.join(source)} is not offered in a virtual cluster"
    )
