"""The messages that a user may read, as they stand in the sources of chart, syncer and CLI."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.docs.blocks import ROOT

VARIES = "…"
"""Stands for names and figures, on the page and here."""
TEMPLATES = ROOT / "charts" / "virtualcluster" / "templates"
SOURCES = (ROOT / "syncer", ROOT / "cli" / "virtualcluster_cli")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LIST = re.compile(r'\(list\s+((?:"(?:[^"\\]|\\.)*"\s*)+)\| join " "\)')
_ACTION = re.compile(r"\{\{- \$errors = append \$errors\s+(.*?) -\}\}", re.DOTALL)
_VERB = re.compile(r"%[sdqv]")


def of_python() -> list[str]:
    """Return every string of syncer and command line, what is filled in as `…`."""
    return [
        found
        for source in SOURCES
        for file in sorted(source.rglob("*.py"))
        for found in _strings(ast.parse(file.read_text()))
    ]


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else VARIES
                for part in node.values
            )


def of_chart() -> list[str]:
    """Return every string of the chart's refusals, what is filled in as `…`."""
    return [
        found
        for file in sorted(TEMPLATES.glob("_validate*.tpl"))
        for action in _ACTION.findall(file.read_text())
        for found in [_VERB.sub(VARIES, _longest(_joined(action))).replace('\\"', '"')]
    ]


def _joined(action: str) -> str:
    """Return a template action with each `list "a" "b" | join " "` as "a b"."""
    return _LIST.sub(lambda found: f'"{" ".join(_STRING.findall(found[1]))}"', action)


def _longest(action: str) -> str:
    found: list[str] = _STRING.findall(action)
    return max(found, key=len)


def reasons() -> set[str]:
    """Return the reasons of the Warning events that the syncer writes on a tenant's objects."""
    # What ends the syncer, or an init container, is a Refused too, and becomes no event.
    only = [ROOT / "syncer" / package for package in ("backup", "startup")]
    files = [
        file
        for file in sorted((ROOT / "syncer").rglob("*.py"))
        if not any(file.is_relative_to(each) for each in only)
    ]
    return {name for file in files for name in _reasons(file)}


def _reasons(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call):
            named = node.func.id if isinstance(node.func, ast.Name) else ""
            if named in ("Refused", "Remark"):
                words = [str(arg.value) for arg in node.args[:2] if isinstance(arg, ast.Constant)]
                yield from (word for word in words if re.fullmatch("[A-Z][A-Za-z]+", word))


def stands_in(message: str, sources: list[str]) -> bool:
    """Tell whether a message is one of theirs, or a part of one."""
    parts = [part for part in message.split(VARIES) if part]
    wanted = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)
    return any(wanted.search(each) for each in sources)
