"""What a run came to: one table for people, JUnit for machines, one closing line for both."""

from __future__ import annotations

import enum
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.report import FAILED, PASSED, Result
from tests.conformance.specs import Spec


class Verdict(enum.Enum):
    """What a spec counts as; the order is the table's."""

    FAILED = "failed"
    STALE = "stale"
    """A known failure that passes: its entry must go."""
    MISSING = "not run"
    KNOWN = "known"
    """A known failure that fails."""
    SKIPPED = "skipped"
    PASSED = "passed"


@dataclass(frozen=True)
class Row:
    """One spec of the table."""

    spec: Spec
    verdict: Verdict
    seconds: float
    why: str


def rows(
    specs: Iterable[Spec], results: Mapping[str, Result], known: Mapping[str, str]
) -> list[Row]:
    """Return one row for each spec, what needs attention first."""
    made = [_row(spec, results.get(spec.name), known.get(spec.name)) for spec in specs]
    order = list(Verdict)
    return sorted(made, key=lambda row: (order.index(row.verdict), row.spec.name))


def _row(spec: Spec, result: Result | None, reason: str | None) -> Row:
    if result is None:
        return Row(spec, Verdict.MISSING, 0.0, "the run was stopped before it")
    if result.state == FAILED:
        verdict = Verdict.FAILED if reason is None else Verdict.KNOWN
        place = f" ({result.place})" if result.place else ""
        return Row(spec, verdict, result.seconds, reason or f"{result.why}{place}")
    if result.state == PASSED:
        if reason is None:
            return Row(spec, Verdict.PASSED, result.seconds, "")
        why = f"passes, but known.yaml says: {reason}"
        return Row(spec, Verdict.STALE, result.seconds, why)
    return Row(spec, Verdict.SKIPPED, result.seconds, result.why)


def closing(found: Iterable[Row]) -> str:
    """Return the line that ends a run, in the words of the test suite's own."""
    counts = Counter(row.verdict for row in found)
    bad = counts[Verdict.FAILED] + counts[Verdict.STALE] + counts[Verdict.MISSING]
    passed, skipped = counts[Verdict.PASSED], counts[Verdict.SKIPPED]
    line = f"{passed} passed, {bad} failed, {skipped} skipped"
    return f"{line}, {counts[Verdict.KNOWN]} known" if counts[Verdict.KNOWN] else line


def good(found: Iterable[Row]) -> bool:
    """Tell whether nothing needs attention."""
    return not any(row.verdict in (Verdict.FAILED, Verdict.STALE, Verdict.MISSING) for row in found)


def markdown(title: str, found: list[Row]) -> str:
    """Return the table: by area in figures, then every spec that did not just pass."""
    lines = [f"# {title}", "", closing(found), ""]
    areas = sorted({row.spec.area for row in found})
    heads = [verdict.value for verdict in Verdict]
    lines += [f"| area | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for area in areas:
        counts = Counter(row.verdict for row in found if row.spec.area == area)
        lines.append(f"| {area} | {' | '.join(str(counts[verdict]) for verdict in Verdict)} |")
    lines += ["", "| result | seconds | spec | why |", "|---|---|---|---|"]
    for row in found:
        name, why = (text.replace("|", "\\|") for text in (row.spec.name, row.why))
        lines.append(f"| {row.verdict.value} | {row.seconds:.0f} | {name} | {why} |")
    return "\n".join(lines) + "\n"


def junit(title: str, found: list[Row]) -> bytes:
    """Return the same as JUnit."""
    bad = sum(row.verdict in (Verdict.FAILED, Verdict.STALE, Verdict.MISSING) for row in found)
    aside = sum(row.verdict in (Verdict.SKIPPED, Verdict.KNOWN) for row in found)
    suite = ET.Element(
        "testsuite",
        name=title,
        tests=str(len(found)),
        failures=str(bad),
        skipped=str(aside),
        time=f"{sum(row.seconds for row in found):.1f}",
    )
    for row in found:
        case = ET.SubElement(
            suite,
            "testcase",
            name=row.spec.name,
            classname=row.spec.area,
            time=f"{row.seconds:.1f}",
        )
        if row.verdict in (Verdict.SKIPPED, Verdict.KNOWN):
            ET.SubElement(case, "skipped", message=_xml(row.why))
        elif row.verdict is not Verdict.PASSED:
            ET.SubElement(case, "failure", message=_xml(row.why), type=row.verdict.value)
    data: bytes = ET.tostring(suite, encoding="utf-8", xml_declaration=True)
    return data


def write(directory: Path, title: str, found: list[Row]) -> None:
    """Write both into a profile's directory."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "table.md").write_text(markdown(title, found))
    (directory / "junit.xml").write_bytes(junit(title, found))


def _xml(text: str) -> str:
    """Return a text without the control characters that XML does not know."""
    return "".join(char for char in text if char.isprintable() or char in "\t\n")
