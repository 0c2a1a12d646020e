"""The fenced blocks of the documentation: what they are, and what a console block shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SHELL = ("sh", "bash", "console")
"""Languages of blocks with commands."""
PROMPT = "$ "
LEFT_OUT = "…"
"""A line of shown output that tells the reader that there is more."""
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# (\S+\.ya?ml)$")
# What differs from run to run: figures, times, hashes; Kubernetes' random names have no vowels.
_VARIES = re.compile(r"[0-9A-Za-z]*[0-9][0-9A-Za-z.:]*|(?<=-)[bcdfghjklmnpqrstvwxz]{5}\b")
_VARIED = r"[0-9A-Za-z.:]+"


class Block(NamedTuple):
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        """Return where it is, for a person."""
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        """Return its first line, which stands for it in lists."""
        return self.text.splitlines()[0]

    @property
    def file(self) -> str:
        """Return the name of the file that a block of YAML is, if its first line says so."""
        found = _FILE.match(self.first) if self.language == "yaml" else None
        return found[1] if found else ""


class Step(NamedTuple):
    """A command, and the lines that it is shown to print; None: nothing is said of them."""

    command: str
    shown: tuple[str, ...] | None

    @property
    def fails(self) -> bool:
        """Tell whether it is shown to fail."""
        return bool(self.shown) and any(line.startswith("error: ") for line in self.shown or ())


def pages() -> list[Path]:
    """Return what is written for users: all but decisions and what is only of the tests."""
    own = ("README.md", "CONTRIBUTING.md", "charts/virtualcluster/README.md", "cli/README.md")
    below = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / each for each in own] + [each for each in below if "decisions" not in each.parts]


def read(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    text = page.read_text()
    name = str(page.relative_to(ROOT))
    return [
        Block(
            name,
            text.count("\n", 0, found.start()) + 2,
            found["language"],
            re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
        )
        for found in _FENCE.finditer(text)
    ]


def steps(block: Block) -> list[Step]:
    """Return what a block with commands does: a script is one step, a console block several."""
    if block.language != "console":
        return [Step(block.text.rstrip("\n"), None)]
    return list(_console(block))


def _console(block: Block) -> Iterator[Step]:
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if line.startswith(PROMPT):
            if command:
                yield Step(command, tuple(shown))
            command, shown = line.removeprefix(PROMPT), []
        elif not command:
            raise ValueError(f"{block.where}: a console block begins with {PROMPT!r}")
        elif line:
            shown.append(line)
    yield Step(command, tuple(shown))


def differences(shown: tuple[str, ...], printed: str) -> list[str]:
    """Return the shown lines that are not printed, in their order.

    Figures, times and hashes may differ, and the width of columns. More may be printed between:
    programs tell of progress as often as they see fit.
    """
    lines = [_bare(line) for line in printed.splitlines()]
    missing, at = [], 0
    for line in shown:
        if line == LEFT_OUT:
            continue
        wanted = re.compile(_pattern(line))
        found = next((n for n in range(at, len(lines)) if wanted.fullmatch(lines[n])), None)
        if found is None:
            missing.append(line)
        else:
            at = found + 1
    return missing


def _pattern(line: str) -> str:
    words = []
    for word in _bare(line).split():
        fixed = _VARIES.split(word)
        words.append(_VARIED.join(re.escape(part) for part in fixed))
    return r"\s+".join(words)


def _bare(line: str) -> str:
    return line.strip()
