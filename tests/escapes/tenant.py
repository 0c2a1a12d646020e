"""The tenant: cluster-admin inside, with nothing but the virtual API."""

from __future__ import annotations

from tests.e2e.cluster import ApiError, Cluster, Obj
from tests.escapes.case import Step

STRATEGIC = "application/strategic-merge-patch+json"


class NotTaken(Exception):
    """The virtual API itself does not take what the tenant sends: the case proves nothing."""


class Tenant:
    """Sends what cases say."""

    def __init__(self, virt: Cluster) -> None:
        self.virt = virt

    def send(self, *objects: Obj) -> Obj:
        """Create objects in this order; return the last one. Namespaces may be there already."""
        made: Obj = {}
        for each in objects:
            try:
                made = self.virt.create(each)
            except ApiError as error:
                if error.status == 409 and each["kind"] in ("Namespace", "ServiceAccount"):
                    continue
                what = f"{each['kind']} {each['metadata']['name']}"
                raise NotTaken(f"{what}: {error}") from error
            made.setdefault("kind", each["kind"])
        return made

    def act(self, obj: Obj, step: Step) -> None:
        """Do a later act on an object."""
        kind, meta = obj["kind"], obj["metadata"]
        namespace = meta.get("namespace", "")
        if step.patch is None:
            self.virt.delete(kind, meta["name"], namespace, grace=0)
            return
        path = self.virt.path(kind, namespace, meta["name"])
        content = STRATEGIC if step.sub == "ephemeralcontainers" else "application/merge-patch+json"
        if step.sub:
            path += f"/{step.sub}"
        try:
            self.virt.json("PATCH", path, step.patch, content_type=content)
        except ApiError as error:
            raise NotTaken(f"{kind} {meta['name']}, later: {error}") from error

    def forget(self, *objects: Obj) -> None:
        """Delete objects, whatever keeps them."""
        for each in objects:
            if each["kind"] in ("Namespace", "ServiceAccount"):
                continue
            meta = each["metadata"]
            try:
                if meta.get("finalizers") or each["kind"] in ("Pod", "Service"):
                    patch = {"metadata": {"finalizers": None}}
                    self.virt.patch(each["kind"], meta["name"], meta.get("namespace", ""), patch)
                self.virt.delete(each["kind"], meta["name"], meta.get("namespace", ""), grace=0)
            except ApiError:
                continue  # gone, or never taken
