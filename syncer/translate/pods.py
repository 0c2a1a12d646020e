"""Pods: the whole spec of the host pod."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from syncer.errors import Refused
from syncer.identity import Identity
from syncer.kube.objects import Key, Obj
from syncer.translate import (
    containers,
    downward_api,
    etc_hosts,
    images,
    nested_fields,
    podsecurity,
    resize,
    scheduling,
    volumes,
)
from syncer.translate.context import Scope
from syncer.translate.fields import COPY, DROP, MAP, REFUSE, Verdict, apply

LONGEST_GRACE = 3600
"""Seconds; a pod that asks for more would outlive its namespace (threats J2)."""

POD_SPEC: dict[str, Verdict] = {
    "activeDeadlineSeconds": COPY,
    "affinity": MAP,  # labels under the host's keys, among the virtual cluster's own pods
    "automountServiceAccountToken": MAP,  # always false: the host's token is not the tenant's
    "containers": MAP,  # each field by field, as below
    "dnsConfig": MAP,  # the nameserver is the virtual cluster's
    "dnsPolicy": MAP,  # None: dnsConfig says what the virtual cluster's would
    "enableServiceLinks": MAP,  # always false: they would name the host's services
    "ephemeralContainers": DROP,  # a subresource of its own, never part of a create
    "evictionResponders": REFUSE,  # alpha in 1.37; they would answer for the host's own drains
    "hostAliases": COPY,
    "hostIPC": COPY,  # Pod Security judges the final pod
    "hostNetwork": COPY,  # Pod Security judges the final pod
    "hostPID": COPY,  # Pod Security judges the final pod
    "hostUsers": COPY,
    "hostname": COPY,
    "hostnameOverride": REFUSE,  # alpha in 1.34, stable in 1.37: not offered yet
    "imagePullSecrets": MAP,  # names of the twins; for the product's own images the operator's too
    "initContainers": MAP,  # each field by field, as below
    "nodeName": MAP,  # an affinity: the host's scheduler is never passed by (threats A9)
    "nodeSelector": MAP,  # none where the virtual cluster's own scheduler has obeyed it
    "os": COPY,
    "overhead": DROP,  # the host's RuntimeClass admission fills it in
    "preemptionPolicy": DROP,  # nobody else's pods are pushed off their nodes (threats A11)
    "priority": DROP,  # follows from the class
    "priorityClassName": MAP,  # only the host's own (threats A11)
    "readinessGates": DROP,  # their conditions live on the virtual pod; see status.py
    "resourceClaims": REFUSE,  # they reach devices of the host (threats A8)
    "resources": COPY,
    "restartPolicy": COPY,
    "runtimeClassName": MAP,  # only the host's own; others are refused (threats A12)
    "schedulerName": DROP,  # the host's own scheduler places all pods
    "schedulingGroup": REFUSE,  # alpha in 1.36
    "schedulingGates": MAP,  # the pod reaches the host when its last gate is gone
    "securityContext": COPY,  # Pod Security judges the final pod
    "serviceAccount": MAP,  # always the one without rights
    "serviceAccountName": MAP,  # always the one without rights
    "setHostnameAsFQDN": COPY,
    "shareProcessNamespace": COPY,
    "subdomain": DROP,  # names pods by a Service, which on the host has another name; etc_hosts.py
    "terminationGracePeriodSeconds": MAP,  # an hour at most (threats J2)
    "tolerations": MAP,  # those of node.kubernetes.io/* only (threats A10)
    "topologySpreadConstraints": MAP,  # labels under the host's keys
    "volumes": MAP,  # each by its type, as below
    "workloadRef": REFUSE,  # alpha in 1.35
}


def key(virt_pod: Obj) -> Key:
    """Return the pod's key."""
    meta = virt_pod["metadata"]
    return Key("pods", meta["namespace"], meta["name"])


def token_secret_name(ident: Identity, virt_pod: Obj) -> str:
    """Return the name of the Secret that is made for a pod's tokens, unless another has them.

    Never that of an earlier pod of the name: others may still have their tokens there.
    """
    meta = virt_pod["metadata"]
    return ident.hashed_name(Key("tokens", meta["namespace"], meta["name"]), meta["uid"])


def to_host(
    virt_pod: Obj,
    services: Iterable[Obj],
    dns_ip: str,
    scope: Scope,
    chosen: Obj | None = None,
    *,
    hosts_class: Callable[[str, str], bool] = lambda _kind, _name: False,
) -> Obj:
    """Return the host pod.

    `services` are the virtual services that the pod's environment names; `dns_ip` is the host
    ClusterIP of the virtual cluster's DNS; `chosen` is the host's node that the virtual cluster's
    own scheduler chose, None where the host's scheduler chooses; `hosts_class` tells whether a
    class of the virtual cluster is the copy of a host's. Raises Refused, also when the final pod
    does not meet the Pod Security level.
    """
    pod_key = key(virt_pod)
    ident, spec = scope.ident, virt_pod["spec"]
    token_secret = token_secret_name(ident, virt_pod)

    def rename(kind: str, name: str) -> str:
        return ident.host_name(Key(kind, pod_key.namespace, name)) if name else name

    environment = containers.service_env(
        services, scope.api_ip, links=spec.get("enableServiceLinks", True)
    )

    def container(source: Obj) -> Obj:
        made = containers.to_host(virt_pod, source, environment, rename)
        if made.get("image"):
            made["image"] = images.on_host(virt_pod, made["image"], scope.image_registry)
        if chosen is not None and made.get("resources"):
            made["resources"] = scheduling.offered(made["resources"], chosen)
        return made

    mapped: Obj = {
        **_placement(virt_pod, scope, chosen),
        "automountServiceAccountToken": False,
        "containers": [container(each) for each in spec["containers"]],
        "enableServiceLinks": False,
        "imagePullSecrets": [
            {"name": rename("secrets", each["name"])}
            for each in spec.get("imagePullSecrets") or ()
            if each.get("name")  # the API lets nameless ones pass
        ]
        or None,
        "initContainers": [container(each) for each in spec.get("initContainers") or ()] or None,
        "serviceAccountName": scope.workload_service_account,
        "terminationGracePeriodSeconds": min(
            spec.get("terminationGracePeriodSeconds", 30), LONGEST_GRACE
        ),
        "tolerations": scheduling.tolerations(virt_pod),
        "volumes": [
            volumes.to_host(virt_pod, each, token_secret, rename)
            for each in spec.get("volumes") or ()
        ]
        or None,
        **_dns(virt_pod, dns_ip, scope.cluster_domain),
        **_classes(spec, hosts_class),
    }
    if not spec.get("hostname"):
        # The pod's own name is its hostname, not the longer one that the host pod has.
        mapped["hostname"] = pod_key.name[:63].rstrip("-.").replace(".", "-")
    plain = apply(POD_SPEC, spec, mapped, where="spec")
    full = etc_hosts.with_full_name(plain, virt_pod, scope.hosts_image, scope.cluster_domain)
    host_pod: Obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(virt_pod, scope),
        "spec": images.with_secrets(virt_pod, full, scope, hosts_file=full is not plain),
    }
    _judge(host_pod["spec"], scope)
    return host_pod


def _placement(virt_pod: Obj, scope: Scope, chosen: Obj | None) -> Obj:
    enforced = dict(scope.node_selector)
    if chosen is not None:
        on_node = scheduling.on_node(chosen["metadata"]["name"])
        return {"affinity": on_node, "nodeSelector": enforced or None}
    release = scope.ident.release
    return {
        "affinity": scheduling.affinity(virt_pod, release),
        "nodeSelector": {**(virt_pod["spec"].get("nodeSelector") or {}), **enforced} or None,
        "topologySpreadConstraints": scheduling.spread(virt_pod, release),
    }


def ephemeral_containers(virt_pod: Obj, host_pod: Obj, scope: Scope) -> list[Obj]:
    """Return the host's form of the pod's ephemeral containers, judged like all others.

    They are added to a pod that was judged without them (threats A6).
    """
    pod_key = key(virt_pod)

    def rename(kind: str, name: str) -> str:
        ref = Key(kind, pod_key.namespace, name)
        return scope.ident.host_name(ref) if name else name

    environment = containers.service_env([], scope.api_ip, links=False)
    added = []
    for source in virt_pod["spec"].get("ephemeralContainers") or ():
        target = {k: v for k, v in source.items() if k == "targetContainerName"}
        made = containers.to_host(virt_pod, _plain(source), environment, rename)
        added.append({**made, **target})
    _judge({**host_pod["spec"], "ephemeralContainers": added}, scope)
    return added


def _plain(ephemeral: Obj) -> Obj:
    """Return an ephemeral container without the one field that other containers have not."""
    return {k: v for k, v in ephemeral.items() if k != "targetContainerName"}


def metadata(virt_pod: Obj, scope: Scope) -> Obj:
    """Return the host pod's metadata; of it, labels and annotations follow the virtual pod."""
    meta = scope.ident.metadata(key(virt_pod), virt_pod, controller=True)
    notes = {**downward_api.carried(virt_pod), resize.SIZES: resize.digest(virt_pod)}
    return {**meta, "annotations": {**meta["annotations"], **notes}}


def _judge(host_spec: Obj, scope: Scope) -> None:
    nested_fields.check(host_spec, "PodSpec")
    violations = podsecurity.violations(host_spec, scope.pod_security)
    if violations:
        raise Refused(
            "PodSecurity",
            f"violates Pod Security {scope.pod_security!r}: {'; '.join(violations)}",
        )


def _classes(spec: Obj, hosts_class: Callable[[str, str], bool]) -> Obj:
    """Return the classes that the pod may name on the host."""
    runtime, priority = spec.get("runtimeClassName"), spec.get("priorityClassName")
    if runtime and not hosts_class("runtimeclasses", runtime):
        raise Refused(
            "FieldRefused",
            "spec.runtimeClassName may name a RuntimeClass that is shown from the host only: remove"
            " it, or ask the host's operator for sync.runtimeClasses",
        )
    known = priority and hosts_class("priorityclasses", priority)
    return {"runtimeClassName": runtime or None, "priorityClassName": priority if known else None}


def _dns(virt_pod: Obj, dns_ip: str, domain: str) -> Obj:
    """Return dnsPolicy and dnsConfig that give the pod what its own policy would inside."""
    spec = virt_pod["spec"]
    policy = spec.get("dnsPolicy", "ClusterFirst")
    config = spec.get("dnsConfig") or {}
    inside = policy == "ClusterFirstWithHostNet" or (
        policy == "ClusterFirst" and not spec.get("hostNetwork")
    )
    if not inside:
        return {"dnsPolicy": policy, "dnsConfig": spec.get("dnsConfig")}
    namespace = virt_pod["metadata"]["namespace"]
    options = {each["name"]: each for each in ({"name": "ndots", "value": "5"},)}
    options.update({each["name"]: each for each in config.get("options") or ()})
    searches = [f"{namespace}.svc.{domain}", f"svc.{domain}", domain]
    searches += [each for each in config.get("searches") or () if each not in searches]
    nameservers = [dns_ip, *(each for each in config.get("nameservers") or () if each != dns_ip)]
    return {
        "dnsPolicy": "None",
        # Three nameservers are the API's limit; the first one is the virtual cluster's.
        "dnsConfig": {
            "nameservers": nameservers[:3],
            "searches": searches[:32],
            "options": list(options.values()),
        },
    }
