"""The Pod Security Standards: each control, and the verdicts of upstream's own test pods."""

import json
from pathlib import Path
from typing import Any

import pytest

from syncer.errors import Refused
from syncer.kube.objects import Obj
from syncer.translate import pods
from syncer.translate.podsecurity import violations
from tests.unit.build import DNS_IP, SCOPE, pod

UPSTREAM = json.loads((Path(__file__).parents[1] / "data" / "pod-security-1.34.json").read_text())
# The fixtures' violation is an annotation: no annotation of a tenant reaches the host.
BY_ANNOTATION = {"apparmorprofile0", "apparmorprofile1"}
# Windows pods need less upstream; nobody has asked for them yet.
STRICTER = {"base_windows"}


def _cases(verdict: str) -> list[Any]:
    return [
        pytest.param(level, spec, id=f"{level}-{name}")
        for level, verdicts in UPSTREAM.items()
        for name, spec in verdicts[verdict].items()
        if name not in BY_ANNOTATION | STRICTER
    ]


def _to_host(level: str, spec: Obj) -> Obj:
    return pods.to_host(pod(**spec), [], DNS_IP, SCOPE._replace(pod_security=level))


@pytest.mark.parametrize(("level", "spec"), _cases("pass"))
def test_pod_that_upstream_lets_pass_reaches_the_host(level: str, spec: Obj) -> None:
    assert _to_host(level, spec)["kind"] == "Pod"


@pytest.mark.parametrize(("level", "spec"), _cases("fail"))
def test_pod_that_upstream_refuses_does_not_reach_the_host(level: str, spec: Obj) -> None:
    with pytest.raises(Refused):
        _to_host(level, spec)


def _container(context: Obj | None = None, **fields: Any) -> Obj:
    return {"name": "main", **({"securityContext": context} if context else {}), **fields}


def _spec(context: Obj | None = None, **fields: Any) -> Obj:
    return {
        "containers": [_container()],
        **({"securityContext": context} if context else {}),
        **fields,
    }


GOOD = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}

BASELINE = [
    ("hostNetwork", _spec(hostNetwork=True)),
    ("hostPID", _spec(hostPID=True)),
    ("hostIPC", _spec(hostIPC=True)),
    ("hostPath volume v", _spec(volumes=[{"name": "v", "hostPath": {"path": "/"}}])),
    ("sysctl kernel.msgmax", _spec({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})),
    ("seccomp", _spec({"seccompProfile": {"type": "Unconfined"}})),
    ("AppArmor", _spec({"appArmorProfile": {"type": "Unconfined"}})),
    ("seLinuxOptions", _spec({"seLinuxOptions": {"type": "spc_t"}})),
    ("seLinuxOptions", _spec({"seLinuxOptions": {"user": "system_u"}})),
    ("seLinuxOptions", _spec({"seLinuxOptions": {"role": "system_r"}})),
    ("hostProcess", _spec({"windowsOptions": {"hostProcess": True}})),
]
BASELINE_CONTAINER: list[tuple[str, Obj]] = [
    ("is privileged", _container({"privileged": True})),
    ("capability NET_RAW", _container({"capabilities": {"add": ["NET_RAW"]}})),
    ("capability SYS_ADMIN", _container({"capabilities": {"add": ["CHOWN", "SYS_ADMIN"]}})),
    ("capability ALL", _container({"capabilities": {"add": ["ALL"]}})),
    ("procMount", _container({"procMount": "Unmasked"})),
    ("hostPort 80", _container(ports=[{"containerPort": 80, "hostPort": 80}])),
    ("seccomp", _container({"seccompProfile": {"type": "Unconfined"}})),
    ("AppArmor", _container({"appArmorProfile": {"type": "Unconfined"}})),
    ("seLinuxOptions", _container({"seLinuxOptions": {"type": "container_runtime_t"}})),
    ("hostProcess", _container({"windowsOptions": {"hostProcess": True}})),
]
RESTRICTED_CONTAINER: list[tuple[str, Obj]] = [
    ("allowPrivilegeEscalation", _container({**GOOD, "allowPrivilegeEscalation": True})),
    ("allowPrivilegeEscalation", _container({k: v for k, v in GOOD.items() if k[0] != "a"})),
    ("runAsNonRoot", _container({**GOOD, "runAsNonRoot": False})),
    ("runAsNonRoot", _container({k: v for k, v in GOOD.items() if k[0] != "r"})),
    ("runAsUser=0", _container({**GOOD, "runAsUser": 0})),
    ("seccompProfile", _container({k: v for k, v in GOOD.items() if k[0] != "s"})),
    ("seccomp", _container({**GOOD, "seccompProfile": {"type": "Unconfined"}})),
    ("drop ALL", _container({**GOOD, "capabilities": {"drop": ["NET_RAW"]}})),
    ("drop ALL", _container({**GOOD, "capabilities": {}})),
    ("capability CHOWN", _container({**GOOD, "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}})),
]
FIELDS = ("containers", "initContainers", "ephemeralContainers")


@pytest.mark.parametrize(("text", "spec"), BASELINE)
@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_pod_below_baseline_is_told_why(text: str, spec: Obj, level: str) -> None:
    assert any(text in each for each in violations(spec, level))


@pytest.mark.parametrize(("text", "container"), BASELINE_CONTAINER)
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_container_below_baseline_is_found_wherever_it_stands(
    text: str, container: Obj, field: str, level: str
) -> None:
    spec = {"containers": [_container(GOOD)], field: [container]}
    assert any("main" in each and text in each for each in violations(spec, level))


@pytest.mark.parametrize(("text", "container"), RESTRICTED_CONTAINER)
@pytest.mark.parametrize("field", FIELDS)
def test_container_below_restricted_is_found_wherever_it_stands(
    text: str, container: Obj, field: str
) -> None:
    spec = {"containers": [_container(GOOD)], field: [container]}
    assert any("main" in each and text in each for each in violations(spec, "restricted"))


@pytest.mark.parametrize(("text", "container"), RESTRICTED_CONTAINER)
def test_what_only_restricted_forbids_passes_baseline(text: str, container: Obj) -> None:
    if text != "seccomp":
        assert violations({"containers": [container]}, "baseline") == []


@pytest.mark.parametrize(
    ("context", "text"),
    [
        ({"runAsUser": 0}, "runAsUser=0"),
        ({"runAsNonRoot": False}, "runAsNonRoot"),
    ],
)
def test_restricted_forbids_the_pods_own_setting_even_if_every_container_overrides_it(
    context: Obj, text: str
) -> None:
    container = _container({**GOOD, "runAsUser": 1000})
    found = violations({"containers": [container], "securityContext": context}, "restricted")
    assert [text in each for each in found] == [True]


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [_container(GOOD)]},
        {
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "seccompProfile": {"type": "Localhost", "localhostProfile": "p"},
            },
            "containers": [
                _container(
                    {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                    }
                )
            ],
        },
    ],
)
@pytest.mark.parametrize("level", ["privileged", "baseline", "restricted"])
def test_restricted_pod_passes_every_level(spec: Obj, level: str) -> None:
    assert violations(spec, level) == []


@pytest.mark.parametrize(
    "context",
    [
        {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]},
        {"seLinuxOptions": {"type": "container_t", "level": "s0:c1"}},
        {"seLinuxOptions": {}},
        {"appArmorProfile": {"type": "Localhost"}},
        {"seccompProfile": {"type": "RuntimeDefault"}},
        {"windowsOptions": {"hostProcess": False}},
    ],
)
def test_baseline_lets_safe_settings_pass(context: Obj) -> None:
    assert violations(_spec(context), "baseline") == []


def test_privileged_lets_everything_pass() -> None:
    containers = [container for _, container in BASELINE_CONTAINER]
    spec = {"containers": containers, "hostNetwork": True, "hostPID": True}
    assert violations(spec, "privileged") == []
