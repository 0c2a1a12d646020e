"""docs/reference/kinds.md: what is synced, which way, and what becomes of every field."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from syncer.startup.permissions import ALL, READ
from syncer.sync.kinds import BY_DEFAULT, NOT_MIRRORED, OPT_IN
from syncer.translate.classes import CLASSES
from syncer.translate.nested_fields import JUDGED, NOT_OFFERED, SHAPES
from tools import cli_rules
from tools.generated import ROOT, Row, code, table
from tools.rights_reference import default, link, rights
from virtualcluster_cli.rules import RULES

PATH = ROOT / "docs" / "reference" / "kinds.md"
HEAD = """\
# Kinds and fields

Made by `scripts/generate` from `syncer/sync/kinds.py`, the tables of verdicts in
`syncer/translate/` and the chart's table of rights.

## Kinds

`→` is from the virtual cluster to the host, `←` is from the host to the virtual cluster. Kinds
that are not in this table stay inside: namespaces, service accounts and roles, custom resources,
and the controllers that end in pods, such as Deployments and Jobs.
`--disable-sync-resources=…` in `syncer.extraArgs` switches kinds off. A shorter table with more
explanation is in [what is synced](../what-is-synced.md).
"""
VERDICTS = """\
## Fields

A host object is built field by field. Every field of every version of Kubernetes that the chart
knows has one of these verdicts, and a test walks through the API descriptions to check it. A field
that the syncer does not know is refused as well: a new field of Kubernetes reaches no host unseen.

| verdict | the host gets |
|---|---|
| copy | the value as it is |
| map | another value, which the syncer computes |
| drop | nothing; the rest is synced |
| refuse | no object, as long as the field is set; a Warning on the virtual object names the field |

Of the metadata, the host gets another name, the labels under hashed keys, and the marks by which
the syncer finds its objects. Owner references, finalizers and managed fields stay inside. So do
annotations, except those of ingresses that `sync.ingresses.annotations` lists. Labels and
annotations that a pod reads through the downward API travel under keys of the syncer's. The status
flows only from the host.
"""
NESTED = """\
## Fields below

Fields below a copied field are checked against lists, too, at any depth. *Not offered* fields are
refused, or replaced where the reason says so.
"""
REASONS = """\
## Reasons of refusals

The reason of the Warning on the virtual object, and its meaning. `virtualcluster explain` shows
the reason for one object.
"""


class Way(NamedTuple):
    """Which way a kind goes, and how."""

    direction: str
    text: str
    by: str = ""


CLASS = Way("←", "copies of the host's, which objects may name")
WAYS = {
    "pods": Way("→, status ←", "judged by Pod Security before anything is created"),
    "services": Way(
        "→, status and node ports ←", "the same ClusterIP on both sides; not ExternalName"
    ),
    "configmaps": Way("→", "those that a synced pod names"),
    "secrets": Way("→", "those that a synced pod or ingress names"),
    "persistentvolumeclaims": Way(
        "→, class, volume and status ←", "a lost volume is reported, never replaced"
    ),
    "ingresses": Way("→, status ←", "hosts and classes limited by values"),
    "endpoints": Way("→", "of services without a selector, addresses of own pods only"),
    "endpointslices": Way("→", "the same"),
    "poddisruptionbudgets": Way("→", "with the number that the virtual cluster computed"),
    "ephemeralcontainers": Way("→", "of running pods: `kubectl debug`"),
    "resize": Way("→", "of running pods: resources, in place"),
    "metrics": Way("←", "of own pods: `kubectl top`, HorizontalPodAutoscalers"),
    "nodemetrics": Way("←", "of nodes; without it, sums over own pods"),
    "nodes": Way("←", "one for each node that runs an own pod; by value the real nodes"),
    "persistentvolumes": Way("←", "one for each bound claim; by value with fields of the host's"),
    **dict.fromkeys(CLASSES, CLASS),
}
ALONG = {
    "events": Way("←", "of synced objects, in virtual names", "always on"),
    "certificates": Way(
        "←",
        "Secrets that the host's cert-manager created for a synced ingress",
        "with `ingresses` and `secrets`",
    ),
}
"""Not switched on or off by themselves."""
SHORT = {ALL: "read, write", READ: "read"}
SPECS = {
    "POD_SPEC": "Pod",
    "CONTAINER": "Container of a Pod",
    "VOLUME": "Volume of a Pod",
    "SERVICE_SPEC": "Service",
    "CLAIM_SPEC": "PersistentVolumeClaim",
    "INGRESS_SPEC": "Ingress",
    "BUDGET_SPEC": "PodDisruptionBudget",
}


def outputs() -> dict[Path, str]:
    """Return what the file is to hold."""
    parts = [
        HEAD,
        table(("kind", "direction", "what", "switched by", "[rights](rights.md)"), kinds()),
        "",
        VERDICTS,
        *_verdicts(),
        NESTED,
        table(("type", "known", "not offered"), nested()),
        "",
        REASONS,
        table(("reason", "means", "cure"), [(f"`{name}`", *RULES[name]) for name in sorted(RULES)]),
        "",
    ]
    return {PATH: "\n".join(parts)}


def kinds() -> Iterator[Row]:
    """Yield a row for each kind that the syncer knows, and for no other."""
    by_value = {each["kind"]: each for each in rights() if "kind" in each}
    for kind in sorted({*BY_DEFAULT, *OPT_IN, *NOT_MIRRORED}, key=list(WAYS).index):
        right = by_value.get(kind)
        by = f"{link(right['value'])}, {default(right)}" if right else "argument, on"
        yield f"`{kind}`", WAYS[kind].direction, WAYS[kind].text, by, _verbs(kind)
    for kind, way in ALONG.items():
        yield f"`{kind}`", way.direction, way.text, way.by, _verbs(kind)


def _verbs(kind: str) -> str:
    return "; ".join(
        ("in the whole cluster: " if each.get("cluster") else "")
        + SHORT.get(tuple(each["verbs"]), ", ".join(each["verbs"]))
        for each in rights()
        if each.get("kind") == kind or (not each.get("kind") and kind in each["resources"])
    )


def _verdicts() -> Iterator[str]:
    for name, verdicts in cli_rules.verdicts().items():
        rows = [
            (f"`{field}`", verdict.value, why) for field, (verdict, why) in sorted(verdicts.items())
        ]
        yield f"### {SPECS[name]}\n\n{table(('field', 'verdict', 'why'), rows)}\n"


def nested() -> Iterator[Row]:
    """Yield a row for each type below the specs."""
    judged = {*JUDGED, *(each for each in SHAPES if each.endswith("Spec"))}
    why = _reasons()
    for name in sorted({*SHAPES, *NOT_OFFERED} - judged):
        refused = [
            f"`{field}`" + (f" ({why[field]})" if why.get(field) else "")
            for field in NOT_OFFERED.get(name, ())
        ]
        yield f"`{name}`", code(sorted(SHAPES.get(name, {}))), ", ".join(refused)


def _reasons() -> dict[str, str]:
    """Return what stands beside the fields of NOT_OFFERED."""
    path = cli_rules.SYNCER / "translate" / "nested_fields.py"
    beside = cli_rules.comments(path)
    (table_,) = (
        node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "NOT_OFFERED"
    )
    return {
        each.value: beside.get(each.lineno, "")
        for each in ast.walk(table_ or ast.Constant(None))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }
