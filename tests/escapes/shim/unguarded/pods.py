"""What a pod may be: Pod Security, accounts, tokens, scheduling."""

from __future__ import annotations

from typing import Any

from .registry import Patch, guard


def _nothing(*_: Any, **__: Any) -> Any:
    return iter(())


@guard(
    "pod-security-pod",
    "translate.podsecurity._baseline_pod",
    "A1-hostpath",
    "A2-hostpid",
    "A2-sysctl",
)
def pod_security_pod(patch: Patch) -> None:
    patch.attr("syncer.translate.podsecurity._baseline_pod", _nothing)


@guard(
    "pod-security-container",
    "translate.podsecurity._baseline_container",
    *("A2-privileged", "A2-hostport", "A2-cap-sys-admin", "A2-procmount"),
)
def pod_security_container(patch: Patch) -> None:
    patch.attr("syncer.translate.podsecurity._baseline_container", _nothing)


@guard(
    "pod-security-context",
    "translate.podsecurity._context",
    "A2-seccomp",
    "A2-pod-",
    "A2-selinux",
    "A2-apparmor",
)
def pod_security_context(patch: Patch) -> None:
    patch.attr("syncer.translate.podsecurity._context", _nothing)


@guard("probe-hosts", "translate.podsecurity._hosts", "A3-")
def probe_hosts(patch: Patch) -> None:
    patch.attr("syncer.translate.podsecurity._hosts", _nothing)


@guard(
    "every-container", "translate.podsecurity.containers_of", "A2-privileged", "A3-liveness-httpget"
)
def every_container(patch: Patch) -> None:
    patch.attr(
        "syncer.translate.podsecurity.containers_of",
        lambda spec: iter(spec.get("containers") or ()),
    )


@guard("ephemeral-judge", "translate.pods.ephemeral_containers", "A6-")
def ephemeral_judge(patch: Patch) -> None:
    def make(judge: Any) -> Any:
        return lambda spec, scope: None if spec.get("ephemeralContainers") else judge(spec, scope)

    patch.wrap("syncer.translate.pods._judge", make)


def _to_host(patch: Patch, change: Any) -> None:
    """Let a change of the host pod's spec follow its translation."""

    def make(to_host: Any) -> Any:
        def changed(virt_pod: Any, *args: Any, **named: Any) -> Any:
            host_pod = to_host(virt_pod, *args, **named)
            change(virt_pod["spec"], host_pod["spec"])
            return host_pod

        return changed

    patch.wrap("syncer.translate.pods.to_host", make)


@guard("service-account", "translate.pods.to_host: serviceAccountName", "B1-syncer", "B1-own")
def service_account(patch: Patch) -> None:
    _to_host(patch, lambda virt, host: host.update(serviceAccountName=virt["serviceAccountName"]))


@guard("automount", "translate.pods.to_host: automountServiceAccountToken", "B1-automount")
def automount(patch: Patch) -> None:
    _to_host(patch, lambda _virt, host: host.update(automountServiceAccountToken=True))


@guard("service-links", "translate.pods.to_host: enableServiceLinks", "B1-service-links")
def service_links(patch: Patch) -> None:
    _to_host(
        patch,
        lambda virt, host: host.update(enableServiceLinks=virt.get("enableServiceLinks", True)),
    )


@guard("tokens", "translate.volumes._projection", "B2-")
def tokens(patch: Patch) -> None:
    def make(projection: Any) -> Any:
        def raw(pod: Any, key: Any, source: Any, *rest: Any) -> Any:
            return (
                source if "serviceAccountToken" in source else projection(pod, key, source, *rest)
            )

        return raw

    patch.wrap("syncer.translate.volumes._projection", make)
    patch.attr("syncer.translate.nested_fields.check", lambda spec, _shape: spec)


@guard("tolerations", "translate.scheduling.tolerations", "A10-toleration")
def tolerations(patch: Patch) -> None:
    patch.attr(
        "syncer.translate.scheduling.tolerations", lambda pod: pod["spec"].get("tolerations")
    )


@guard("node-pool", "translate.pods._placement: the operator's node selector", "A10-nodeselector")
def node_pool(patch: Patch) -> None:
    def make(placement: Any) -> Any:
        return lambda virt, scope, chosen: placement(virt, scope._replace(node_selector=()), chosen)

    patch.wrap("syncer.translate.pods._placement", make)


@guard("classes", "translate.pods._classes", "A11-", "A12-runtimeclass")
def classes(patch: Patch) -> None:
    fields = ("runtimeClassName", "priorityClassName")
    patch.attr(
        "syncer.translate.pods._classes",
        lambda spec, _of: {each: spec.get(each) for each in fields},
    )


@guard("pull-secrets", "translate.pods.to_host: imagePullSecrets", "B6-", "D5-pull-secret")
def pull_secrets(patch: Patch) -> None:
    _to_host(
        patch, lambda virt, host: host.update(imagePullSecrets=virt.get("imagePullSecrets") or [])
    )


@guard("dns", "translate.pods._dns", "E8-clusterfirst", "E8-hostnet")
def dns(patch: Patch) -> None:
    patch.attr(
        "syncer.translate.pods._dns",
        lambda pod, _ip, _domain: {
            "dnsPolicy": pod["spec"].get("dnsPolicy"),
            "dnsConfig": pod["spec"].get("dnsConfig"),
        },
    )


@guard("grace", "translate.pods.LONGEST_GRACE", "J2-grace")
def grace(patch: Patch) -> None:
    patch.attr("syncer.translate.pods.LONGEST_GRACE", 2**31)


@guard("downward", "translate.downward_api.value", "I1-name", "I1-uid", "I1-account")
def downward(patch: Patch) -> None:
    patch.attr("syncer.translate.containers.downward_api.value", lambda _pod, _path: None)


@guard(
    "variable-sources",
    "translate.containers._env, nested_fields.check",
    "A8-filekeyref",
    "D5-env-secret",
)
def variable_sources(patch: Patch) -> None:
    patch.attr("syncer.translate.containers._env", lambda _pod, variable, _rename: variable)
    patch.attr("syncer.translate.nested_fields.check", lambda spec, _shape: spec)


@guard("variable-names", "translate.containers._env_from", "D5-envfrom")
def variable_names(patch: Patch) -> None:
    patch.attr("syncer.translate.containers._env_from", lambda source, _rename: source)


@guard("hostname", "translate.pods.to_host: hostname", "I1-hostname")
def hostname(patch: Patch) -> None:
    _to_host(patch, lambda virt, host: host if virt.get("hostname") else host.pop("hostname"))
