"""Claims, the pods that use them, and what is shown of them."""

from __future__ import annotations

from typing import Any

from tests.e2e import manifests
from tests.e2e.cluster import ApiError, Obj
from tests.e2e.release import Release, Side, Virtual
from tests.e2e.waiting import Pending, until

CLAIM, VOLUME = "PersistentVolumeClaim", "PersistentVolume"
MOUNT = [{"name": "data", "mountPath": "/data"}]


def claim(name: str, space: str, **spec: Any) -> Obj:
    """Return a claim of 16Mi."""
    made = manifests.claim(name, space)
    made["spec"] |= spec
    return made


def user_of(name: str, space: str) -> Obj:
    """Return a pod that uses a claim."""
    data = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    container = manifests.idle(volumeMounts=MOUNT)
    return manifests.pod(f"uses-{name}", space, container, volumes=[data])


def bound(virt: Virtual, space: str, name: str) -> Obj:
    """Return a claim once it is bound."""

    def there() -> Obj:
        found = virt.api.get(CLAIM, name, space)
        if found["status"].get("phase") != "Bound":
            raise Pending(str(found["status"]))
        return found

    return until(f"claim {name} is bound", there)


def volume(virt: Virtual, claim: Obj, **spec: Any) -> Obj:
    """Return the volume of a bound claim once it is shown as bound and says this."""

    def shown() -> Obj:
        found = virt.api.find(VOLUME, claim["spec"]["volumeName"])
        if found is None or found["status"].get("phase") != "Bound":
            raise Pending(f"{found and found['status']}")
        if any(found["spec"].get(field) != value for field, value in spec.items()):
            raise Pending(str(found["spec"]))
        return found

    return until("the volume is shown", shown, 30)


def twin(release: Release, space: str, name: str) -> str:
    """Return the name of a claim's twin on the host."""
    return f"{name}-x-{space}-x-{release.name}"


def event(virt: Virtual, space: str, name: str, reason: str) -> Obj:
    """Return the event of this reason about an object."""

    def told() -> Obj | None:
        for each in virt.api.all("Event", space):
            if each["involvedObject"]["name"] == name and each["reason"] == reason:
                return each
        return None

    return until(f"event {reason} about {name}", told, 30)


def default_class(host: Side) -> Obj:
    """Return the host's default class."""
    classes = host.api.all("StorageClass")
    return next(each for each in classes if "true" in str(each["metadata"].get("annotations")))


def are_named_later(virt: Virtual, space: str, name: str) -> bool:
    """Tell whether the virtual API lets a claim be told its class once it is made, as from 1.25."""
    virt.api.create(claim("classless", space))
    try:
        virt.api.patch(CLAIM, "classless", space, {"spec": {"storageClassName": name}})
    except ApiError as error:
        if error.status != 422:
            raise
        return False
    finally:
        virt.api.delete(CLAIM, "classless", space)
    return True
