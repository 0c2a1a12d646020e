"""Names, and objects of others that have them."""

from __future__ import annotations

from typing import Any

from .registry import Patch, guard


@guard("separators", "identity._separators", "D1-")
def separators(patch: Patch) -> None:
    patch.attr("syncer.identity._separators", lambda _text: 2)


@guard("hash", "identity.Identity.hashed_name", "D2-")
def hash_(patch: Patch) -> None:
    def cut(_self: Any, key: Any, _virt_uid: str = "") -> str:
        return f"{key.name[:52].strip('-.')}-x"

    patch.attr("syncer.identity.Identity.hashed_name", cut)


@guard(
    "name-taken",
    "sync.generic.create_twin",
    "D3-service",
    "D4-service",
    "D4-pod",
    "D4-configmap",
    "D4-persistent",
)
def name_taken(patch: Patch) -> None:
    from syncer.errors import AlreadyExists  # noqa: PLC0415

    def make(create_twin: Any) -> Any:
        async def adopt(world: Any, host: Any, resource: Any, key: Any, obj: Any) -> Any:
            try:
                return await host.create(resource, world.ident.host_namespace, obj)
            except AlreadyExists:
                found = await host.get(
                    resource, world.ident.host_namespace, obj["metadata"]["name"]
                )
                fields = ("labels", "annotations", "ownerReferences")
                change = {name: obj["metadata"][name] for name in fields}
                made = await host.patch(resource, found, {"metadata": change})
                world.host[key.kind].put_written(made)
                return made

        assert create_twin
        return adopt

    patch.wrap("syncer.sync.generic.create_twin", make)
    patch.wrap("syncer.sync.pods.reconciler.create_twin", make)


@guard(
    "lookalikes",
    "sync.plan.plan: Taken",
    "D4-lookalike-service",
    "D4-lookalike-configmap",
    "D4-lookalike-ingress",
)
def lookalikes(patch: Patch) -> None:
    from syncer.sync.plan import Patch as Change  # noqa: PLC0415
    from syncer.sync.plan import Taken, difference, with_fields  # noqa: PLC0415

    def make(plan: Any) -> Any:
        def adopting(virt_uid: Any, host: Any, desired: Any) -> Any:
            action = plan(virt_uid, host, desired)
            if isinstance(action, Taken):
                return Change(difference(host, with_fields(desired)))
            return action

        return adopting

    patch.wrap("syncer.sync.generic.plan", make)


@guard("pod-marks", "identity.Identity.is_ours", "D4-lookalike-pod")
def pod_marks(patch: Patch) -> None:
    patch.attr("syncer.identity.Identity.is_ours", lambda _self, _host: True)


@guard("certificates", "translate.certificates.is_made_for", "D4-tls")
def certificates(patch: Patch) -> None:
    patch.attr("syncer.sync.certificates.is_made_for", lambda _host, _name: True)


@guard("unused-objects", "state.references.References.wanted", "J1-unused")
def unused_objects(patch: Patch) -> None:
    patch.attr("syncer.state.references.References.wanted", lambda _self, _key: True)
