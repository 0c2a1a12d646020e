"""docs/reference/cli.md: every command of the command line, as its own help says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from tools.generated import ROOT, Row, code, fill, table
from virtualcluster_cli.main import CODES, main

PATH = ROOT / "docs" / "reference" / "cli.md"
HEAD = """\
# Commands

Made by `scripts/generate` from the command line's own help. How it is used, with all that is
around it: [the command line](../cli.md).
"""
NAME = "virtualcluster"


def outputs() -> dict[Path, str]:
    """Return what the file is to hold."""
    commands = [part for each in main.commands.values() for part in _command(each)]
    codes = table(("code", "means"), exit_codes())
    last = f"## Exit codes\n\n{codes}\n\n`connect NAME -- COMMAND` ends with the code of COMMAND.\n"
    return {PATH: "\n".join([HEAD, *commands, last])}


def exit_codes() -> list[Row]:
    """Return the codes and what they mean."""
    return re.findall(r"^  (\d+)\s+(.+)$", CODES, re.MULTILINE)


def _command(command: click.Command) -> Iterator[str]:
    above = click.Context(main, **main.context_settings)
    context = click.Context(command, above)
    yield f"## {command.name}\n"
    words = [NAME, str(command.name), *command.collect_usage_pieces(context)]
    yield f"```text\n{' '.join(words)}\n```\n"
    yield f"{_prose(command.help or '')}\n"
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    yield table(("option", "default", ""), map(_option, options)) + "\n"
    yield f"```shell\n{_examples(command.epilog or '')}\n```\n"


def _option(option: click.Option) -> Row:
    names = [*option.opts, *option.secondary_opts]
    if not option.is_flag:
        names[-1] = f"{names[-1]} {_value(option)}"
    text, _, told = (option.help or "").partition("[default: ")
    default = told.rstrip("]") or _default(option)
    return code(names), default, text.strip()


def _value(option: click.Option) -> str:
    kind = option.type
    if option.metavar:
        return option.metavar
    return "|".join(kind.choices) if isinstance(kind, click.Choice) else kind.name.upper()


def _default(option: click.Option) -> str:
    default = option.to_info_dict()["default"]
    if option.required or option.is_flag or not default:
        return "must be given" if option.required else ""
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _prose(text: str) -> str:
    """Return help as a text: paragraphs, whose lines were those of the source."""
    paragraphs = re.split(r"\n\s*\n", re.sub(r"[\f\b]", "", text).strip())
    return "\n\n".join(fill(" ".join(each.split())) for each in paragraphs)


def _examples(epilog: str) -> str:
    lines = epilog.partition("Examples:")[2].strip("\n").splitlines()
    return "\n".join(line.removeprefix("  ") for line in lines)
