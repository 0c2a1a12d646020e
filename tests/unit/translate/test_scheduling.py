"""What the host's scheduler hears: the tenant's wishes, within the tenant's own pods."""

from typing import Any

import pytest

from syncer.errors import Refused
from syncer.identity import MANAGED_BY, NAMESPACE, tenant_key
from syncer.kube.objects import Obj
from syncer.translate import pods
from syncer.translate.scheduling import affinity, spread, tolerations
from tests.unit.build import DNS_IP, SCOPE, pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
ON_ZONE = {"key": "zone", "operator": "In", "values": ["a"]}
ON_NODE = {"key": "metadata.name", "operator": "In", "values": ["node-1"]}


def _own(*namespaces: str, **labels: str) -> Obj:
    mapped = {tenant_key(key): value for key, value in labels.items()}
    selector: Obj = {"matchLabels": {**mapped, MANAGED_BY: "vc"}}
    if namespaces:
        selector["matchExpressions"] = [
            {"key": NAMESPACE, "operator": "In", "values": list(namespaces)}
        ]
    return selector


@pytest.mark.parametrize(
    ("term", "selector"),
    [
        ({"labelSelector": {"matchLabels": {"app": "web"}}}, _own("default", app="web")),
        ({"labelSelector": {}}, _own("default")),
        ({}, None),
        ({"labelSelector": {}, "namespaces": ["b", "a"]}, _own("a", "b")),
        ({"labelSelector": {}, "namespaces": []}, _own("default")),
        ({"labelSelector": {}, "namespaceSelector": {}}, _own()),
        ({"labelSelector": {}, "namespaceSelector": {}, "namespaces": ["a"]}, _own()),
        ({"labelSelector": {}, "namespaceSelector": None}, _own("default")),
        ({"labelSelector": {}, "matchLabelKeys": ["merged by the API"]}, _own("default")),
        (
            {"labelSelector": {"matchLabels": {MANAGED_BY: "another", NAMESPACE: "other"}}},
            {
                "matchLabels": {
                    tenant_key(MANAGED_BY): "another",
                    tenant_key(NAMESPACE): "other",
                    MANAGED_BY: "vc",
                },
                "matchExpressions": [{"key": NAMESPACE, "operator": "In", "values": ["default"]}],
            },
        ),
    ],
)
@pytest.mark.parametrize("field", ["podAffinity", "podAntiAffinity"])
def test_pod_affinity_selects_own_pods_only(field: str, term: Obj, selector: Obj | None) -> None:
    term = {"topologyKey": "kubernetes.io/hostname", **term}
    source = {field: {REQUIRED: [term], PREFERRED: [{"weight": 5, "podAffinityTerm": term}]}}
    expected = {"topologyKey": "kubernetes.io/hostname", "labelSelector": selector}
    assert affinity(pod(affinity=source), "vc") == {
        field: {REQUIRED: [expected], PREFERRED: [{"weight": 5, "podAffinityTerm": expected}]}
    }


def test_pod_affinity_by_labels_of_namespaces_is_refused() -> None:
    term = {"topologyKey": "zone", "namespaceSelector": {"matchLabels": {"team": "a"}}}
    with pytest.raises(Refused, match="namespaceSelector"):
        affinity(pod(affinity={"podAffinity": {REQUIRED: [term]}}), "vc")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, None),
        ({"affinity": {}}, None),
        (
            {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 1}]}}},
            {"nodeAffinity": {PREFERRED: [{"weight": 1}]}},
        ),
        (
            {"nodeName": "node-1"},
            {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchFields": [ON_NODE]}]}}},
        ),
        (
            {
                "nodeName": "node-1",
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {
                            "nodeSelectorTerms": [
                                {"matchExpressions": [ON_ZONE]},
                                {"matchFields": [ON_NODE]},
                            ]
                        },
                        PREFERRED: [{"weight": 1}],
                    }
                },
            },
            {
                "nodeAffinity": {
                    REQUIRED: {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [ON_ZONE], "matchFields": [ON_NODE]},
                            {"matchFields": [ON_NODE, ON_NODE]},
                        ]
                    },
                    PREFERRED: [{"weight": 1}],
                }
            },
        ),
    ],
)
def test_node_name_is_a_rule_for_the_scheduler_and_never_passes_it_by(
    spec: dict[str, Any], expected: Obj | None
) -> None:
    """Threats A9."""
    assert affinity(pod(**spec), "vc") == expected


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        (
            {"labelSelector": {"matchLabels": {"app": "web"}}},
            {"labelSelector": _own("default", app="web")},
        ),
        ({}, {"labelSelector": None}),
        (
            # The API server of before 1.34 leaves the keys to the scheduler.
            {"labelSelector": {}, "matchLabelKeys": ["hash"]},
            {"labelSelector": _own("default"), "matchLabelKeys": [tenant_key("hash")]},
        ),
        (
            # That of 1.34 has merged them into the selector; the host's would merge them again and
            # refuse the pod for naming the key twice.
            {
                "labelSelector": {
                    "matchExpressions": [{"key": "hash", "operator": "In", "values": ["1"]}]
                },
                "matchLabelKeys": ["hash"],
            },
            {
                "labelSelector": {
                    "matchLabels": {MANAGED_BY: "vc"},
                    "matchExpressions": [
                        {"key": tenant_key("hash"), "operator": "In", "values": ["1"]},
                        {"key": NAMESPACE, "operator": "In", "values": ["default"]},
                    ],
                }
            },
        ),
    ],
)
def test_spread_counts_own_pods_only(constraint: Obj, expected: Obj) -> None:
    rule = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    virt = pod(topologySpreadConstraints=[{**rule, **constraint}])
    assert spread(virt, "vc") == [{**rule, **expected}]


def test_pod_without_wishes_has_none() -> None:
    assert spread(pod(), "vc") is None
    assert tolerations(pod()) is None


@pytest.mark.parametrize(
    ("toleration", "passes"),
    [
        ({"key": "node.kubernetes.io/not-ready", "operator": "Exists"}, True),
        ({"key": "node.kubernetes.io/unreachable", "tolerationSeconds": 300}, True),
        ({"operator": "Exists"}, False),
        ({"key": "", "operator": "Exists"}, False),
        ({"key": "node-role.kubernetes.io/control-plane"}, False),
        ({"key": "dedicated", "value": "gpu"}, False),
        ({"key": "CriticalAddonsOnly", "operator": "Exists"}, False),
        ({"key": "xnode.kubernetes.io/not-ready"}, False),
    ],
)
def test_toleration_passes_for_conditions_of_nodes_only(
    toleration: Obj,
    passes: bool,  # noqa: FBT001
) -> None:
    """Threats A10."""
    assert tolerations(pod(tolerations=[toleration])) == ([toleration] if passes else None)


POOL = (("pool", "tenants"),)


@pytest.mark.parametrize(
    ("wanted", "enforced", "result"),
    [
        (None, (), None),
        ({"disk": "ssd"}, (), {"disk": "ssd"}),
        (None, POOL, {"pool": "tenants"}),
        ({"disk": "ssd"}, POOL, {"disk": "ssd", "pool": "tenants"}),
        ({"pool": "control-plane"}, POOL, {"pool": "tenants"}),
    ],
)
def test_operators_node_selector_is_merged_last_and_wins(
    wanted: Obj | None, enforced: tuple[tuple[str, str], ...], result: Obj | None
) -> None:
    """Threats A10."""
    virt = pod(nodeSelector=wanted)
    scope = SCOPE._replace(node_selector=enforced)
    made = pods.to_host(virt, [], DNS_IP, scope)["spec"]
    assert made.get("nodeSelector") == result


def test_operators_node_selector_holds_also_where_the_virtual_scheduler_chose() -> None:
    node = {"metadata": {"name": "node-1"}, "status": {"allocatable": {}}}
    scope = SCOPE._replace(node_selector=POOL)
    made = pods.to_host(pod(nodeSelector={"pool": "x"}), [], DNS_IP, scope, node)["spec"]
    assert made["nodeSelector"] == {"pool": "tenants"}
