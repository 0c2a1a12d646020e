"""In what the stand-in differs from k3s, and why it may: each entry of differences.yaml is so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.contract.arguments import number

FILE = Path(__file__).with_name("differences.yaml")


@dataclass(frozen=True)
class Difference:
    """One difference."""

    assertion: str
    reason: str
    since: str = "1.0"
    until: str = "1.99"

    def covers(self, assertion: str, minor: str) -> bool:
        """Tell whether it excuses the stand-in of a minor in an assertion."""
        within = number(self.since) <= number(minor) <= number(self.until)
        return assertion == self.assertion and within


def differences(file: Path = FILE) -> list[Difference]:
    """Return them."""
    return [Difference(**each) for each in yaml.safe_load(file.read_text()) or ()]


def excuse(known: Sequence[Difference], assertion: str, minor: str) -> Difference | None:
    """Return the difference that covers an assertion for a minor, if any."""
    return next((each for each in known if each.covers(assertion, minor)), None)
