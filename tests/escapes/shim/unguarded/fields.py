"""The verdicts of fields: what is refused or dropped is copied instead."""

from __future__ import annotations

import re
from typing import Any

from .registry import Patch, guard


def _copied(patch: Patch, table: str, *fields: str) -> None:
    from syncer.translate.fields import COPY  # noqa: PLC0415

    patch.items(f"syncer.translate.{table}", **dict.fromkeys(fields, COPY))


@guard("volume-types", "translate.volumes.VOLUME", "A4-", "A5-nfs", "A5-csi", "A5-iscsi")
def volume_types(patch: Patch) -> None:
    from syncer.translate.fields import REFUSE  # noqa: PLC0415
    from syncer.translate.volumes import VOLUME  # noqa: PLC0415

    _copied(
        patch, "volumes.VOLUME", *(name for name, verdict in VOLUME.items() if verdict is REFUSE)
    )


@guard(
    "pod-fields",
    "translate.pods.POD_SPEC: what is refused",
    "A8-resourceclaims",
    "A8-hostnameoverride",
)
def pod_fields(patch: Patch) -> None:
    _copied(patch, "pods.POD_SPEC", "resourceClaims", "hostnameOverride")


@guard("node-name", "translate.pods.POD_SPEC: nodeName", "A9-nodename")
def node_name(patch: Patch) -> None:
    _copied(patch, "pods.POD_SPEC", "nodeName")


@guard("scheduler", "translate.pods.POD_SPEC: schedulerName", "A12-scheduler")
def scheduler(patch: Patch) -> None:
    _copied(patch, "pods.POD_SPEC", "schedulerName")


@guard("external-ips", "translate.services.SERVICE_SPEC: externalIPs", "E1-externalips")
def external_ips(patch: Patch) -> None:
    _copied(patch, "services.SERVICE_SPEC", "externalIPs")


@guard(
    "load-balancer",
    "translate.services.SERVICE_SPEC: load balancers",
    "E1-loadbalancer",
    "E1-healthcheck",
)
def load_balancer(patch: Patch) -> None:
    _copied(
        patch, "services.SERVICE_SPEC", "loadBalancerIP", "loadBalancerClass", "healthCheckNodePort"
    )


@guard("external-name", "translate.services.stays_virtual", "E2-")
def external_name(patch: Patch) -> None:
    _copied(patch, "services.SERVICE_SPEC", "externalName")
    patch.attr("syncer.translate.services.stays_virtual", lambda _virt: False)


@guard("claim-selector", "translate.persistentvolumeclaims.CLAIM_SPEC: selector", "F2-selector")
def claim_selector(patch: Patch) -> None:
    _copied(patch, "persistentvolumeclaims.CLAIM_SPEC", "selector")


@guard(
    "volume-name",
    "sync.persistentvolumeclaims._check, translate.persistentvolumeclaims.CLAIM_SPEC: volumeName",
    "F2-volumename",
)
def volume_name(patch: Patch) -> None:
    _copied(patch, "persistentvolumeclaims.CLAIM_SPEC", "volumeName")

    def make(check: Any) -> Any:
        def unasked(virt: Any, offered: Any) -> None:
            check({**virt, "spec": {**virt["spec"], "volumeName": ""}}, offered)

        return unasked

    patch.wrap("syncer.sync.persistentvolumeclaims._check", make)


@guard(
    "claim-classes",
    "sync.persistentvolumeclaims._check: storageClassName",
    "F4-class",
    "F4-no-class",
    "F4-default",
    "F4-old",
)
def claim_classes(patch: Patch) -> None:
    patch.wrap(
        "syncer.sync.persistentvolumeclaims._check",
        lambda check: lambda virt, _offered: check(virt, ()),
    )


@guard(
    "attributes-class",
    "translate.persistentvolumeclaims.CLAIM_SPEC: volumeAttributesClassName",
    "F4-attributes",
)
def attributes_class(patch: Patch) -> None:
    _copied(patch, "persistentvolumeclaims.CLAIM_SPEC", "volumeAttributesClassName")


@guard("data-source", "translate.persistentvolumeclaims._source, nested_fields.check", "F3-", "D6-")
def data_source(patch: Patch) -> None:
    patch.attr(
        "syncer.translate.persistentvolumeclaims._source", lambda source, _namespace, _scope: source
    )
    patch.attr("syncer.translate.persistentvolumeclaims.check", lambda spec, _shape: spec)


@guard("default-backend", "translate.ingresses.INGRESS_SPEC: defaultBackend", "E4-default-backend")
def default_backend(patch: Patch) -> None:
    _copied(patch, "ingresses.INGRESS_SPEC", "defaultBackend")


@guard("secret-types", "translate.secrets.PLAIN_TYPES", "B3-", "C6-helm-secret")
def secret_types(patch: Patch) -> None:
    patch.attr("syncer.translate.secrets.PLAIN_TYPES", frozenset())


@guard(
    "volume-names",
    "translate.volumes._named",
    "D5-volume",
    "D5-projected",
    "D5-claim",
    "D5-translated",
)
def volume_names(patch: Patch) -> None:
    patch.attr("syncer.translate.volumes._named", lambda source, *_: source)


@guard(
    "backend-names",
    "translate.ingresses._backend, nested_fields.check",
    "D5-ingress-backend",
    "D5-ingress-resource",
)
def backend_names(patch: Patch) -> None:
    patch.attr("syncer.translate.ingresses._backend", lambda backend, _rename: backend)
    patch.attr("syncer.translate.ingresses.check", lambda spec, _shape: spec)


@guard("tls-names", "translate.ingresses.to_host: tls", "D5-ingress-tls")
def tls_names(patch: Patch) -> None:
    def make(to_host: Any) -> Any:
        def changed(virt: Any, scope: Any) -> Any:
            host = to_host(virt, scope)
            host["spec"]["tls"] = virt["spec"].get("tls")
            return host

        return changed

    patch.wrap("syncer.translate.ingresses.to_host", make)


@guard("annotation-list", "translate.ingresses._allowed", "C3-snippet", "C3-auth", "C3-alias")
def annotation_list(patch: Patch) -> None:
    patch.attr("syncer.translate.ingresses._allowed", lambda _key, _patterns: True)
    patch.attr("syncer.translate.ingresses.HARMLESS", re.compile(r"(?s).*"))


@guard("annotation-values", "translate.ingresses.HARMLESS", "C3-value")
def annotation_values(patch: Patch) -> None:
    patch.attr("syncer.translate.ingresses.HARMLESS", re.compile(r"(?s).*"))


@guard(
    "ingress-hosts",
    "translate.ingresses.check_hosts",
    "E4-platform",
    "E4-suffix",
    "E4-wildcard",
    "E4-tls",
)
def ingress_hosts(patch: Patch) -> None:
    patch.attr("syncer.translate.ingresses.check_hosts", lambda *_: None)


@guard(
    "ingress-class",
    "translate.ingresses.check_class",
    "E4-class",
    "E4-no-class",
    "E4-legacy",
    "E4-two",
)
def ingress_class(patch: Patch) -> None:
    patch.attr("syncer.translate.ingresses.check_class", lambda *_: None)


@guard("empty-host", "translate.ingresses._rule, check_hosts", "E4-empty-host")
def empty_host(patch: Patch) -> None:
    def make(rule: Any) -> Any:
        def raw(source: Any, rename: Any) -> Any:
            made = rule({**source, "host": source.get("host") or "x"}, rename)
            return made if source.get("host") else {k: v for k, v in made.items() if k != "host"}

        return raw

    patch.wrap("syncer.translate.ingresses._rule", make)
    patch.attr("syncer.translate.ingresses.check_hosts", lambda *_: None)


@guard("ingress-paths", "translate.ingresses.PATH", "E4-path")
def ingress_paths(patch: Patch) -> None:
    patch.attr("syncer.translate.ingresses.PATH", re.compile(r"(?s).*"))
