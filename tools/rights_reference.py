"""docs/reference/rights.md: what the syncer may do on the host, from the chart's table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tools.chart_values import CHART
from tools.generated import ROOT, Row, code, table

PATH = ROOT / "docs" / "reference" / "rights.md"
HEAD = """\
# Rights on the host

Made by `scripts/generate` from
[files/rights.yaml](../../charts/virtualcluster/files/rights.yaml), the table from which the chart
renders its Role and ClusterRole. Tests compare the rendered rules, for each value, with the
syncer's own table; `scripts/test escapes` searches the host's audit log for requests beyond it.

Only the syncer's container holds a token of the host. k3s and the pods of tenants hold none. Rights
that are not listed here are not granted: no service accounts and none of their tokens, no roles, no
namespaces, no `nodes/proxy`, no status, binding or eviction of pods, no `*`.
"""
IN_NAMESPACE = """\
## In the namespace, always

A Role. Whoever installs the chart must hold these rights; the ClusterRole `admin` in the namespace
has them.
"""
BY_VALUE = """\
## In the namespace, by value

The same Role. A rule is in it only while its value is on. The first column also shows the default.
"""
WIDE = """\
## In the whole cluster, by value

A ClusterRole `virtualcluster:<namespace>:<release>`, which exists only if one of these values is
on, and only reads. Whoever installs must be allowed to create it: a user with only `admin` in the
namespace gets Helm's error before anything is created. `helm delete` removes it.
"""
AT_INSTALLATION = """\
## Before the installation

`preflight.enabled` runs a pod for some seconds, under an account of its own that is removed
afterwards. Its Role may create claims (a dry run shows whether the host has a default
StorageClass), and create, get and delete services (the host refuses one with an impossible address
with a message that names its range). Each rule is there only if the check needs it.
"""
HEADINGS = ("resources", "verbs", "what for")


def outputs() -> dict[Path, str]:
    """Return what the file is to hold."""
    rows = rights()
    always = [each for each in rows if not each.get("value")]
    local = [each for each in rows if each.get("value") and not each.get("cluster")]
    wide = [each for each in rows if each.get("cluster")]
    parts = [
        HEAD,
        IN_NAMESPACE,
        table(HEADINGS, map(_row, always)),
        "",
        BY_VALUE,
        table(("value", *HEADINGS), map(_by, local)),
        "",
        WIDE,
        table(("value", *HEADINGS), map(_by, wide)),
        "",
        AT_INSTALLATION,
    ]
    return {PATH: "\n".join(parts)}


def rights() -> list[dict[str, Any]]:
    """Return the chart's table."""
    found: list[dict[str, Any]] = yaml.safe_load((CHART / "files" / "rights.yaml").read_text())
    return found


def _row(right: dict[str, Any]) -> Row:
    resources = [
        f"{resource}.{group}".rstrip(".")
        for group in right["apiGroups"]
        for resource in right["resources"]
    ]
    named = ", of its own name only" if right.get("named") else ""
    return code(resources) + named, ", ".join(right["verbs"]), right["why"]


def _by(right: dict[str, Any]) -> Row:
    return f"{link(right['value'])}, {default(right)}", *_row(right)


def link(value: str) -> str:
    """Return where a value is described."""
    return f"[`{value}`](values.md#{value.lower().replace('.', '')})"


def default(right: dict[str, Any]) -> str:
    """Tell whether a right's value is on by default."""
    said = {"metrics": "if the host has metrics", "leases": "more than one"}
    if right["kind"] in said:
        return said[right["kind"]]
    return "off" if right.get("optIn") else "on"
