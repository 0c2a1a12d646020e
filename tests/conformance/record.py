"""What is known already: one line for each spec that ended, kept by what it ran against."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

from tests.conformance.report import FAILED, Result


class Record:
    """The results of one profile and one state of everything; a stopped run leaves its part."""

    def __init__(self, directory: Path, key: str) -> None:
        self.file = directory / f"{key}.jsonl"

    def read(self) -> dict[str, Result]:
        """Return name → result; the last line about a spec counts."""
        return _read(self.file)

    def add(self, result: Result) -> None:
        """Write one result, at once."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as file:
            file.write(json.dumps(dataclasses.asdict(result)) + "\n")

    def forget(self, names: Iterable[str]) -> None:
        """Forget the results of some specs, so that they run again."""
        gone = set(names)
        left = [each for name, each in self.read().items() if name not in gone]
        half = self.file.with_suffix(".half")
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_text("".join(json.dumps(dataclasses.asdict(each)) + "\n" for each in left))
        half.rename(self.file)

    def failed_last(self) -> list[str]:
        """Return what failed in the newest record of the profile, whatever it ran against."""
        files = sorted(self.file.parent.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
        if not files:
            return []
        return [name for name, each in _read(files[-1]).items() if each.state == FAILED]


def _read(file: Path) -> dict[str, Result]:
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        try:
            result = Result(**json.loads(line))
        except (ValueError, TypeError):
            continue  # half a line, of a run that was killed
        found[result.name] = result
    return found
