"""Makes what the command line shares with the syncer, out of the syncer's own sources.

USAGE
    python -m tools.cli_rules           write cli/virtualcluster_cli/shared/ and rules.json
    python -m tools.cli_rules --check   write nothing, fail where they would change

shared/     modules of the syncer that need nothing but each other: the names and marks of
            twins, how certificates are read
rules.json  the verdict on each field with the reason that stands beside it in the tables of
            syncer/translate/; the reasons of refusals; the kinds that are synced

The syncer's own package would bring its HTTP client, event loop and more into everybody's
environment, and be of another version than the one that runs.
"""

from __future__ import annotations

import ast
import json
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syncer.sync import kinds
from syncer.translate import (
    containers,
    ingresses,
    persistentvolumeclaims,
    poddisruptionbudgets,
    pods,
    services,
    volumes,
)
from syncer.translate.classes import CLASSES
from syncer.translate.fields import Verdict
from tools import generated
from tools.generated import ROOT

SYNCER = ROOT / "syncer"
PACKAGE = ROOT / "cli" / "virtualcluster_cli"
MODULES = {
    "archive": "backup.archive",
    "certfile": "certfile",
    "objects": "kube.objects",
    "identity": "identity",
}
"""By the name that they have in shared/."""
HEADER = "# Made by scripts/generate from {path}: edit that one.\n"
TABLES = {
    "POD_SPEC": pods,
    "CONTAINER": containers,
    "VOLUME": volumes,
    "SERVICE_SPEC": services,
    "CLAIM_SPEC": persistentvolumeclaims,
    "BUDGET_SPEC": poddisruptionbudgets,
    "INGRESS_SPEC": ingresses,
}
"""Where each table of verdicts is."""
FOR_OPERATORS = ("app/", "backup/", "startup/")
"""Packages whose refusals end a command: its operator reads them in the log, nobody in events."""


def outputs() -> dict[Path, str]:
    """Return what the files are to hold."""
    made = {PACKAGE / "shared" / f"{name}.py": shared(name) for name in MODULES}
    made[PACKAGE / "shared" / "__init__.py"] = (
        '"""Modules of the syncer, so that both know the same names. Made by scripts/generate."""\n'
    )
    made[PACKAGE / "rules.json"] = json.dumps(rules(), indent=1, sort_keys=True) + "\n"
    return made


def shared(name: str) -> str:
    """Return a module of the syncer under its other name."""
    path = SYNCER / f"{MODULES[name].replace('.', '/')}.py"
    moved = path.read_text()
    for each, module in MODULES.items():
        moved = moved.replace(
            f"from syncer.{module} import", f"from virtualcluster_cli.shared.{each} import"
        )
    return HEADER.format(path=path.relative_to(ROOT)) + moved


def rules() -> dict[str, Any]:
    """Return the rules that `explain` knows."""
    return {
        "fields": {
            name: {
                field: {"verdict": verdict.value, "why": why}
                for field, (verdict, why) in sorted(table.items())
            }
            for name, table in verdicts().items()
        },
        "reasons": {reason: sorted(where) for reason, where in sorted(reasons().items())},
        "kinds": {
            "by default": sorted(kinds.BY_DEFAULT),
            "opt in": sorted({*kinds.OPT_IN, *kinds.NOT_MIRRORED}),
            "shown": sorted({*CLASSES, "nodes", "persistentvolumes"}),
        },
    }


def verdicts() -> dict[str, dict[str, tuple[Verdict, str]]]:
    """Return each table of verdicts: its fields, their verdicts and why."""
    found = {}
    for name, module in TABLES.items():
        path = Path(str(module.__file__))
        table: dict[str, Verdict] = getattr(module, name)
        why = dict(_reasons_beside(_literal(path, name), comments(path)))
        found[name] = {field: (verdict, why[field]) for field, verdict in table.items()}
    return found


def _literal(path: Path, name: str) -> ast.Dict:
    (literal,) = (
        node.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.target) == name
        and isinstance(node.value, ast.Dict)
    )
    return literal


def reasons() -> dict[str, set[str]]:
    """Return the reasons of all refusals that tenants are told, and the modules that use them."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(SYNCER.rglob("*.py")):
        if str(path.relative_to(SYNCER)).startswith(FOR_OPERATORS):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            for reason in _reason(node):
                found[reason].add(str(path.relative_to(ROOT)))
    return found


def _reason(node: ast.AST) -> Iterator[str]:
    """Yield the reasons that a piece of source gives to a Refused or to a Remark."""
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func).rpartition(".")[2]
        at = {"Refused": 0, "Remark": 1}.get(called)
        if at is not None and len(node.args) > at:
            yield from _constants(node.args[at])
    if isinstance(node, ast.FunctionDef) and node.name == "_wording":
        for each in ast.walk(node):
            if isinstance(each, ast.Return) and isinstance(each.value, ast.Tuple):
                yield from _constants(each.value.elts[0])
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "reason":
                yield from _constants(each.value)


def _constants(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _reasons_beside(table: ast.Dict, comments: dict[int, str]) -> Iterator[tuple[str, str]]:
    for key, value in zip(table.keys, table.values, strict=True):
        if isinstance(key, ast.Constant):
            yield str(key.value), comments.get(key.lineno, "")
        else:  # **dict.fromkeys([...], VERDICT), its reason at its beginning
            for each in _constants(value):
                yield each, comments.get(value.lineno, "")


def comments(path: Path) -> dict[int, str]:
    """Return the comments by line, without what only readers of the sources understand."""
    with path.open("rb") as file:
        return {
            token.start[0]: _for_users(token.string)
            for token in tokenize.tokenize(file.readline)
            if token.type == tokenize.COMMENT
        }


def _for_users(comment: str) -> str:
    text = re.sub(r"\s*\(?threats [A-Z]\d+(, [A-Z]\d+)*\)?:?", "", comment.removeprefix("#"))
    return re.sub(r";? ?(see )?[\w/]+\.py$", "", text).strip(" ;")


if __name__ == "__main__":
    generated.main(outputs(), __doc__)
