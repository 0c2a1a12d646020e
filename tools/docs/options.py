"""Checks commands without running them: whether what they name exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import click
import yaml

from lab.main_job import main as job
from tests.conformance.cli import main as conformance
from tests.contract.cli import main as contract
from tests.escapes.cli import main as escapes
from tests.hosts.cli import main as hosts
from tools.bench.cli import main as bench
from tools.docs import blocks
from tools.docs.blocks import ROOT, Block
from tools.suite import main as suite
from tools.wheel import main as wheel
from virtualcluster_cli.main import main as virtualcluster

CHART = ROOT / "charts" / "virtualcluster"
SCRIPTS: dict[str, click.Command] = {
    "up": job.commands["up"],
    "down": job.commands["down"],
    "test": suite,
    "bench": bench,
    "package-cli": wheel,
}
PARTS: dict[str, click.Command] = {
    "conformance": conformance,
    "contract": contract,
    "escapes": escapes,
    "hosts": hosts,
}
"""Of scripts/test, those that have options of their own."""
_SET = re.compile(r"--set[ =]['\"]?([A-Za-z0-9.]+)=")


def calls(script: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the programs that a script without comments runs, each with its arguments."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    call: list[str] = []
    for token in [*lexer, ";"]:
        if set(token) <= set("();<>|&\n"):
            yield from _call(call)
            call = []
        else:
            call.append(token)


def _call(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    while words and re.match(r"^[A-Za-z_]+=", words[0]):
        words = words[1:]
    if words and words[0] in ("$", "if", "then", "do", "!", "{"):
        words = words[1:]
    if words and words[0] == "xargs":
        rest = words[1:]
        while rest and rest[0].startswith("-"):
            rest = rest[1:]
        words = [*rest, "given-by-xargs"]
    if words[:2] == ["kubectl", "virtualcluster"]:
        words = words[1:]
    if words:
        yield words[0], words[1:]


def wrong(script: str) -> list[str]:
    """Return what they name that there is not: commands, options, scripts of ours, values."""
    found = []
    for program, given in calls(script):
        command: click.Command | None = None
        args = given
        if program == "virtualcluster" and given:
            name, *args = given
            command = virtualcluster.commands.get(name)
            if command is None:
                found.append(f"no command {name}")
        elif program.startswith("scripts/"):
            if not (ROOT / program).is_file():
                found.append(f"no {program}")
            command = SCRIPTS.get(program.removeprefix("scripts/"))
            if command is suite and args and args[0] in PARTS:
                part, *args = args
                command = PARTS[part]
            if command is None:
                found.append(f"{program} is not known here: add it to SCRIPTS")
        if command is not None:
            found += [f"{program}: {why}" for why in _misused(command, args)]
    return found + [f"no value {key}" for key in _SET.findall(script) if not is_value(key)]


def _misused(command: click.Command, args: list[str]) -> list[str]:
    try:
        command.make_context("", list(args))
    except click.BadParameter as error:
        # A file of the reader's own need not be here.
        own = error.param is not None and isinstance(error.param.type, click.Path)
        return [] if own else [error.format_message()]
    except click.UsageError as error:
        return [error.format_message()]
    return []


def is_value(key: str) -> bool:
    """Tell whether the chart has a value, or may be given it: a key of a map is free."""
    at: Any = yaml.safe_load((CHART / "values.yaml").read_text())
    for part in key.split("."):
        if at == {} or (isinstance(at, dict) and "memory" in at):
            return True
        if not isinstance(at, dict) or part not in at:
            return False
        at = at[part]
    return True


def script(block: Block) -> str:
    """Return what is to be looked at of a block: its commands, or those of a job's steps."""
    if block.language == "yaml":
        found = re.findall(r"^\s*(?:- )?(?:run: )?(virtualcluster .*)$", block.text, re.MULTILINE)
        return "\n".join(found)
    text = "\n".join(step.command for step in blocks.steps(block)).replace("\\\n", " ")
    return re.sub(r"(^|\s)#.*$", "", text, flags=re.MULTILINE)
