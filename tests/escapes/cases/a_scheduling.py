"""Rows A6 to A12: what is added later, fields that nobody knows, and the choice of nodes."""

from __future__ import annotations

from tests.e2e.cluster import Obj
from tests.escapes.build import container, pod, template, volume
from tests.escapes.case import Case, Check, Seen, Step, refused, stripped

EMPTY = volume({"emptyDir": {}})

CLAIMS: Obj = {"resourceClaims": [{"name": "gpu", "resourceClaimName": "admin"}]}

EVERYTHING: Obj = {"operator": "Exists"}

CONTROL_PLANE = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}

CONTROL_PLANE_NODES: Obj = {
    "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": CONTROL_PLANE["key"], "operator": "Exists"}]}
        ]
    }
}

HARMLESS = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}


def _tolerates(seen: Seen, key: str) -> bool:
    return any(each.get("key", "") == key for each in seen.spec.get("tolerations") or ())


def _tolerates_no(key: str) -> Check:
    return lambda seen: not _tolerates(seen, key)


def _debug(**more: object) -> Obj:
    return {"spec": {"ephemeralContainers": [container(**{"name": "debug", **more})]}}


def _no_debugger(seen: Seen) -> bool:
    return not seen.spec.get("ephemeralContainers")


def _required(seen: Seen) -> Obj:
    found: Obj = seen.spec["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    return found


EPHEMERAL: dict[str, Obj] = {
    "A6-privileged": {"securityContext": {"privileged": True}},
    "A6-cap": {"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}},
    "A6-seccomp": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    "A6-procmount": {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}},
}


CASES: list[Case] = [
    *(
        stripped(
            name,
            "added to a running pod",
            pod(),
            _no_debugger,
            then=(Step(_debug(**bad), "ephemeralcontainers"),),
            allowed=pod(),
            allowed_then=(Step(_debug(), "ephemeralcontainers"),),
            shows=lambda seen: bool(seen.spec.get("ephemeralContainers")),
        )
        for name, bad in EPHEMERAL.items()
    ),
    stripped(
        "A6-secret-env",
        "a debugger that reads a host Secret by its name",
        pod(),
        lambda seen: f'"{seen.facts["rel"]}-token"' not in seen.text(),
        then=(
            Step(
                _debug(
                    env=[
                        {
                            "name": "S",
                            "valueFrom": {"secretKeyRef": {"name": "@rel-token", "key": "token"}},
                        }
                    ]
                ),
                "ephemeralcontainers",
            ),
        ),
        allowed=pod(),
    ),
    stripped(
        "A7-toleration-later",
        "a toleration added to a pod that is there",
        pod(),
        lambda seen: not _tolerates(seen, CONTROL_PLANE["key"]),
        then=(Step({"spec": {"tolerations": [{**CONTROL_PLANE, "operator": "Exists"}]}}),),
        allowed=pod(),
        allowed_then=(Step({"spec": {"activeDeadlineSeconds": 3600}}),),
        shows=lambda seen: seen.spec.get("activeDeadlineSeconds") == 3600,
    ),
    stripped(
        "A7-label-later",
        "a label of the chart's added to a pod that is there",
        pod(),
        lambda seen: seen.meta["labels"].get("app.kubernetes.io/instance") is None,
        then=(Step({"metadata": {"labels": {"app.kubernetes.io/instance": "@rel"}}}),),
        allowed=pod(),
        allowed_then=(Step({"metadata": {"labels": {"app": "later"}}}),),
        shows=lambda seen: "later" in seen.meta["labels"].values(),
    ),
    stripped(
        "A7-annotation-later",
        "an annotation added to a pod that is there",
        pod(),
        lambda seen: "k8s.v1.cni.cncf.io/networks" not in seen.meta["annotations"],
        then=(Step({"metadata": {"annotations": {"k8s.v1.cni.cncf.io/networks": "host-net"}}}),),
        allowed=pod(),
    ),
    refused("A8-resourceclaims", "a device for an administrator", pod(CLAIMS), pod()),
    refused(
        "A8-hostnameoverride",
        "a field of an alpha feature",
        pod({"hostnameOverride": "node-1"}),
        pod(),
    ),
    refused(
        "A8-filekeyref",
        "a source of variables that nobody knows yet",
        pod(
            EMPTY,
            env=[
                {
                    "name": "F",
                    "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "f", "key": "K"}},
                }
            ],
        ),
        pod(EMPTY, env=[{"name": "F", "value": "v"}]),
    ),
    stripped(
        "A9-nodename",
        "names its node",
        pod({"nodeName": "@node"}),
        lambda seen: "nodeName" not in seen.spec and "metadata.name" in str(_required(seen)),
        allowed=pod(),
    ),
    stripped(
        "A9-nodename-deployment",
        "names its node, in a template",
        template("Deployment", {"nodeName": "@node"}),
        lambda seen: "nodeName" not in seen.spec,
        allowed=template("Deployment", {}),
    ),
    *(
        stripped(
            f"A10-toleration-{name}",
            "tolerates what keeps others off a node",
            pod({"tolerations": [toleration]}),
            _tolerates_no(key),
            allowed=pod({"tolerations": [HARMLESS]}),
            shows=lambda seen: _tolerates(seen, HARMLESS["key"]),
        )
        for name, key, toleration in (
            ("everything", "", EVERYTHING),
            ("control-plane", CONTROL_PLANE["key"], {**CONTROL_PLANE, "operator": "Exists"}),
            ("other-pool", "pool", {"key": "pool", "operator": "Equal", "value": "gold"}),
        )
    ),
    *(
        stripped(
            f"A10-{name}",
            "selects nodes that are not for tenants",
            pod(spec),
            lambda seen: seen.spec["nodeSelector"].get("kubernetes.io/os") == "linux",
            allowed=pod({"nodeSelector": {"topology.kubernetes.io/zone": "a"}}),
            shows=lambda seen: seen.spec["nodeSelector"].get("topology.kubernetes.io/zone") == "a",
        )
        for name, spec in (
            ("nodeselector", {"nodeSelector": {"kubernetes.io/os": "windows"}}),
            ("nodeselector-none", {"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}),
            ("nodeaffinity", {"affinity": {"nodeAffinity": CONTROL_PLANE_NODES}}),
        )
    ),
    *(
        stripped(
            f"A11-{name}",
            "a priority above its neighbours'",
            pod({"priorityClassName": name}),
            lambda seen: not seen.spec.get("priorityClassName") and not seen.spec.get("priority"),
            allowed=pod(),
        )
        for name in ("system-cluster-critical", "system-node-critical")
    ),
    stripped(
        "A12-scheduler",
        "another scheduler than the platform's",
        pod({"schedulerName": "my-scheduler"}),
        lambda seen: seen.spec["schedulerName"] == "default-scheduler",
        allowed=pod(),
    ),
]
