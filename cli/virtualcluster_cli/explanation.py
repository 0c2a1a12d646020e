"""What became of one object: its twin, its fields, its refusals, its events, what it waits for."""

from __future__ import annotations

from typing import Any, NamedTuple

from virtualcluster_cli import compare, kinds, waits
from virtualcluster_cli.api import Absent, Api, Obj
from virtualcluster_cli.compare import Field
from virtualcluster_cli.errors import NotFound
from virtualcluster_cli.installations import Installation, identity
from virtualcluster_cli.kinds import Type
from virtualcluster_cli.rules import rule_of
from virtualcluster_cli.shared.identity import Identity, virtual_key
from virtualcluster_cli.shared.objects import Key

SYNCER = "virtualcluster-syncer"
DNS = Key("services", "kube-system", "kube-dns")


class Explanation(NamedTuple):
    """All that is known about one object."""

    cluster: str
    kind: str
    namespace: str
    name: str
    state: str
    """synced, refused, waiting, inside only, shown from the host."""
    twin: str
    """The host's name, or the one that it would get."""
    exists: bool
    fields: list[Field]
    refusals: list[Obj]
    waits_for: list[str]
    events: list[Obj]
    host_events: list[Obj]

    def as_data(self) -> dict[str, Any]:
        """Return it for programs."""
        return {**self._asdict(), "fields": [each._asdict() for each in self.fields]}


def explain(host: Api, virt: Api, which: Installation, kind: Type, ref: Key) -> Explanation:
    """Return what became of a virtual object; raise NotFound when there is none."""
    virt_obj = virt.find(kind.path(ref.namespace, ref.name))
    if virt_obj is None:
        where = f" in namespace {ref.namespace}" if ref.namespace else ""
        raise NotFound(
            f"{virt.name} has no {kind.kind} {ref.name!r}{where}",
            "pass its namespace with -n" if kind.namespaced else "list them with kubectl get",
        )
    ident = identity(host, which)
    twin, stranger = _twin(host, ident, kind, ref, which)
    events = _events(virt, ref.namespace or "default", virt_obj)
    told = [each for each in events if _by_syncer(each) and _stands(each, twin)]
    refusals = [_refusal(each) for each in told]
    because = waits.synced(kind.plural, which)
    state = _state(virt_obj, twin, because, refusals, ident)
    waiting = list(waits.of_host(kind.plural, twin)) if twin else []
    if twin is None and not because:
        named = kind.plural in waits.NAMED_BY and ref in _all_named(virt, ref.namespace)
        waiting = list(waits.of_virtual(kind.plural, virt_obj, which, named))
        if kind.plural == "pods":
            waiting += _missing(host, virt, ident, virt_obj)
    if because:
        waiting = [f"nothing: {because}"]
    return Explanation(
        f"{which.namespace}/{which.name}",
        kind.kind,
        ref.namespace,
        ref.name,
        state,
        f"{ident.host_namespace}/{ident.host_name(ref)}" if not because else "",
        twin is not None,
        compare.fields(kind.plural, virt_obj, twin) if not because else [],
        refusals,
        [*waiting, *stranger],
        [_event(each) for each in events if each not in told],
        [_event(each) for each in _events(host, which.namespace, twin)] if twin else [],
    )


def of_host(host: Api, namespace: str, kind: Type, name: str) -> tuple[str, Key]:
    """Return the virtual cluster and the virtual object that a host object is the twin of."""
    found = host.find(kind.path(namespace, name))
    if found is None:
        raise NotFound(
            f"{host.name} has no {kind.kind} {name!r} in namespace {namespace}",
            "pass its namespace with -n",
        )
    key = virtual_key(found)
    labels = found["metadata"].get("labels") or {}
    cluster = labels.get("virtualcluster.dev/managed-by", "")
    if key is None or not cluster:
        raise NotFound(
            f"{kind.kind} {name!r} in namespace {namespace} does not belong to a virtual cluster",
            "it has no labels of a virtual cluster",
        )
    # The Secret that holds a pod's tokens has no virtual twin.
    return cluster, key._replace(kind="pods") if key.kind == "tokens" else key


def _twin(
    host: Api, ident: Identity, kind: Type, ref: Key, which: Installation
) -> tuple[Obj | None, list[str]]:
    """Return the twin, and what to say when somebody else's object has its name."""
    if waits.synced(kind.plural, which):
        return None, []
    there = kinds.resolve(host, kind.plural)
    # A hand-made Endpoints has the name of its service's twin.
    key = ref._replace(kind="services") if kind.plural == "endpoints" else ref
    found = host.find(there.path(ident.host_namespace, ident.host_name(key)))
    if found is None:
        return None, []
    if ident.is_ours(found) and virtual_key(found) == ref:
        return found, []
    return None, [f"the name {ident.host_name(key)}, which another object on the host has"]


def _state(
    virt_obj: Obj, twin: Obj | None, because: str, refusals: list[Obj], ident: Identity
) -> str:
    if because:
        return "shown from the host" if ident.shows(virt_obj) else "inside only"
    if refusals and twin is None:
        return "refused"
    if twin is None:
        return "waiting"
    return "synced, with refusals" if refusals else "synced"


def _missing(host: Api, virt: Api, ident: Identity, virt_pod: Obj) -> list[str]:
    """Return what a pod needs on the host first, as the syncer requires it."""
    found = []
    for ref in [*sorted(waits.references(virt_pod)), DNS]:
        path = f"/api/v1/namespaces/{{}}/{ref.kind}/{{}}"
        if host.find(path.format(ident.host_namespace, ident.host_name(ref))) is not None:
            continue
        if virt.find(path.format(ref.namespace, ref.name)) is not None or ref == DNS:
            found.append(f"{ref.kind} {ref.namespace}/{ref.name}, which is not on the host yet")
    return found


def _all_named(virt: Api, namespace: str) -> set[Key]:
    pods = virt.list(f"/api/v1/namespaces/{namespace}/pods")
    try:
        there = kinds.resolve(virt, "ingresses.networking.k8s.io")
        ingresses = virt.list(there.path(namespace))
    except (NotFound, Absent):
        ingresses = []
    return waits.named_by(pods, ingresses)


def _events(api: Api, namespace: str, obj: Obj) -> list[Obj]:
    uid = obj["metadata"]["uid"]
    found = api.list(f"/api/v1/namespaces/{namespace}/events", "", f"involvedObject.uid={uid}")
    return sorted(found, key=lambda each: each.get("lastTimestamp") or "")


def _by_syncer(event: Obj) -> bool:
    component = (event.get("source") or {}).get("component")
    return SYNCER in (component, event.get("reportingComponent"))


def _stands(event: Obj, twin: Obj | None) -> bool:
    """Tell whether a refusal may still hold: one from before the twin was made does not."""
    made = "" if twin is None else twin["metadata"].get("creationTimestamp", "")
    return (event.get("lastTimestamp") or "") >= made


def _refusal(event: Obj) -> Obj:
    reason, message = event.get("reason", ""), event.get("message", "")
    rule = rule_of(reason, message)
    return {
        "reason": reason,
        "rule": rule.title,
        "message": message,
        "cure": rule.cure,
        "last": event.get("lastTimestamp") or "",
    }


def _event(event: Obj) -> Obj:
    return {
        "last": event.get("lastTimestamp") or event.get("eventTime") or "",
        "type": event.get("type", ""),
        "reason": event.get("reason", ""),
        "message": event.get("message", ""),
    }
