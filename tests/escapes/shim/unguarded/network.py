"""Addresses, and the kubelet endpoint."""

from __future__ import annotations

from typing import Any

from .registry import Patch, guard


@guard("endpoint-addresses", "translate.services._check_ip", "E3-endpoints", "E3-slice-node")
def endpoint_addresses(patch: Patch) -> None:
    patch.attr("syncer.translate.services._check_ip", lambda _ip, _own: None)


@guard("own-addresses", "state.pod_index.PodIndex.ips", "E3-forged-status")
def own_addresses(patch: Patch) -> None:
    told: set[str] = set()

    def noting(nodes: Any) -> Any:
        def seen(pod: Any) -> Any:
            told.add(((pod or {}).get("status") or {}).get("podIP", ""))
            return nodes(pod)

        return seen

    patch.wrap("syncer.state.pod_index._nodes", noting)  # which sees the pods of both sides
    patch.wrap("syncer.state.pod_index.PodIndex.ips", lambda ips: lambda self: {*ips(self), *told})


@guard("slice-service", "translate.services.slice_to_host", "E3-slice-label")
def slice_service(patch: Patch) -> None:
    def make(to_host: Any) -> Any:
        def raw(virt: Any, *rest: Any) -> Any:
            made = to_host(virt, *rest)
            label = "kubernetes.io/service-name"
            made["metadata"]["labels"][label] = virt["metadata"]["labels"][label]
            return made

        return raw

    patch.wrap("syncer.translate.services.slice_to_host", make)


@guard("strict", "sync.generic.Mirror.delete of what is refused", "E3-later", "E4-later")
def strict(patch: Patch) -> None:
    def make(delete: Any) -> Any:
        async def never(self: Any, key: Any, host_obj: Any) -> None:
            if not self.kind.strict:
                await delete(self, key, host_obj)

        return never

    patch.wrap("syncer.sync.generic.Mirror.delete", make)


@guard("stream-lookup", "app.kubelet_backend.PodLookup.find", "G1-")
def stream_lookup(patch: Patch) -> None:
    from syncer.kubelet import HostPod  # noqa: PLC0415

    class Anything(frozenset[str]):
        """Containers of all names."""

        def __contains__(self, _name: object) -> bool:
            return True

    def make(find: Any) -> Any:
        def by_host_name(self: Any, namespace: str, name: str) -> Any:
            found = find(self, namespace, name)
            return found or HostPod(namespace, name, "", "", Anything())

        return by_host_name

    patch.wrap("syncer.app.kubelet_backend.PodLookup.find", make)


@guard("stream-containers", "kubelet.resolve.resolve: container", "G4-", "G2-container")
def stream_containers(patch: Patch) -> None:
    def make(resolve: Any) -> Any:
        def unasked(lookup: Any, request: Any) -> Any:
            return resolve(lookup, request._replace(container=None))

        return unasked

    patch.wrap("syncer.kubelet.connection.resolve", make)


@guard("stream-uid", "kubelet.resolve.resolve: UID", "G7-")
def stream_uid(patch: Patch) -> None:
    def make(resolve: Any) -> Any:
        def unasked(lookup: Any, request: Any) -> Any:
            return resolve(lookup, request._replace(pod=request.pod._replace(virt_uid=None)))

        return unasked

    patch.wrap("syncer.kubelet.connection.resolve", make)


@guard("stream-query", "kubelet.query.log_pairs", "G3-")
def stream_query(patch: Patch) -> None:
    def raw(query: str, container: str) -> tuple[tuple[str, str], ...]:
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        return (("container", container), *((key, value) for key, _, value in pairs))

    patch.attr("syncer.kubelet.query.log_pairs", raw)
