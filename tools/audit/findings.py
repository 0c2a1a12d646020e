"""What tools find, held against the list of exceptions.

An exception names a check, where it was found and why it stays. One without a reason is none, and
one that matches nothing any more fails the audit: the list says what is, not what once was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from lab.errors import LabError

FILE = Path(__file__).with_name("exceptions.yaml")


@dataclass(frozen=True)
class Finding:
    """One thing that a tool does not like."""

    check: str
    """The tool's name of the rule, or the advisory's."""
    where: str
    says: str


@dataclass
class Looked:
    """What came of one look: how much is good, what is not, and what nobody answered for."""

    part: str
    good: int = 0
    findings: list[Finding] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Exempt:
    """An exception."""

    check: str
    where: str
    reason: str

    def fits(self, finding: Finding) -> bool:
        """Return whether it speaks of a finding; `*` in `where` stands for anything."""
        return self.check == finding.check and fnmatchcase(finding.where, self.where)


@dataclass
class Verdict:
    """What is left to be mended, and what was excused."""

    failures: list[str] = field(default_factory=list)
    excused: list[tuple[Finding, Exempt]] = field(default_factory=list)


def exceptions(text: str) -> dict[str, list[Exempt]]:
    """Return part → its exceptions; raise LabError for one that lacks something."""
    found = {}
    for part, rows in (yaml.safe_load(text) or {}).items():
        for row in rows:
            if set(row) != {"check", "where", "reason"} or not all(
                isinstance(each, str) and each.strip() for each in row.values()
            ):
                raise LabError(
                    f"{FILE.name}: {part}: {row} must have a check, a where and a reason"
                )
        found[part] = [Exempt(**row) for row in rows]
    return found


def judge(looked: Looked, exempt: Iterable[Exempt]) -> Verdict:
    """Return what of a look is not excused, and which exceptions are of no use."""
    verdict, rows = Verdict(), list(exempt)
    used = set()
    for finding in looked.findings:
        fitting = [row for row in rows if row.fits(finding)]
        used.update(fitting)
        if fitting:
            verdict.excused.append((finding, fitting[0]))
        else:
            verdict.failures.append(f"{finding.check} {finding.where}: {finding.says}")
    if not looked.unanswered:  # who was not asked cannot say that nothing is there
        verdict.failures += [
            f"{row.check} {row.where}: the exception matches nothing: take it out of {FILE.name}"
            for row in rows
            if row not in used
        ]
    return verdict
