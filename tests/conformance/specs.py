"""Which specs there are, and which of them a run is about."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.cache import Cache, digest
from lab.errors import LabError
from lab.progress import Task
from lab.run import run
from tests.conformance import programs

CONFORMANCE = r"\[Conformance\]"
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")
# ginkgo and the kernel both take one long argument; this many characters are far from their limits.
_ARGUMENT = 60_000


@dataclass(frozen=True)
class Spec:
    """One spec, by its full text."""

    name: str
    file: str

    @property
    def area(self) -> str:
        """Return the special interest group that owns it, such as `sig-node`."""
        return self.name.partition("]")[0].lstrip("[")

    @property
    def serial(self) -> bool:
        """Tell whether it runs alone."""
        return "[Serial]" in self.name


def all_of(cache: Cache) -> list[Spec]:
    """Return every `[Conformance]` spec, as the suite itself lists them."""

    def builder(target: Path, task: Task) -> None:
        task.note("a dry run of e2e.test")
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch) / "report.json"
            flags = [f"--ginkgo.focus={CONFORMANCE}", "--ginkgo.dry-run", "--ginkgo.no-color"]
            run([programs.suite(cache), *flags, f"--ginkgo.json-report={report}"], cwd=target)
            found = parse_dry_run(json.loads(report.read_bytes()))
        text = json.dumps([[spec.name, spec.file] for spec in found], indent=1)
        (target / "specs.json").write_text(text)

    key = digest(programs.suite_key(), CONFORMANCE)
    directory = cache.entry("conformance-specs", key, "listing specs", builder)
    return [Spec(*each) for each in json.loads((directory / "specs.json").read_text())]


def parse_dry_run(report: list[dict[str, object]]) -> list[Spec]:
    """Return the specs that a dry run would have run, sorted by name."""
    found = []
    for suite in report:
        specs = suite["SpecReports"]
        assert isinstance(specs, list)
        for each in specs:
            if each["State"] == "passed" and each["LeafNodeType"] == "It":
                texts = [*(each["ContainerHierarchyTexts"] or ()), each["LeafNodeText"]]
                file = each["LeafNodeLocation"]["FileName"].partition("/test/e2e/")[2]
                found.append(Spec(" ".join(texts), file))
    return sorted(found, key=lambda spec: spec.name)


def select(specs: Iterable[Spec], focus: str, skip: str) -> list[Spec]:
    """Return the specs whose name matches `focus`, if any, and not `skip`, if any."""
    try:
        wanted = re.compile(focus) if focus else None
        unwanted = re.compile(skip) if skip else None
    except re.error as error:
        raise LabError(f"--focus and --skip are regular expressions: {error}") from None
    return [
        spec
        for spec in specs
        if (wanted is None or wanted.search(spec.name))
        and (unwanted is None or not unwanted.search(spec.name))
    ]


def focus_flags(names: Collection[str]) -> list[str]:
    """Return ginkgo's flags that run just these specs, whatever characters their names have."""
    flags: list[str] = []
    group: list[str] = []
    length = 0
    for name in names:
        # ginkgo puts the suite's name before a spec's, so only the end can be anchored.
        escaped = _META.sub(r"\\\1", name)
        if group and length + len(escaped) > _ARGUMENT:
            flags.append(_flag(group))
            group, length = [], 0
        group.append(escaped)
        length += len(escaped) + 1
    return [*flags, _flag(group)] if group else flags


def named(file: Path, specs: Iterable[Spec]) -> dict[str, str]:
    """Return name → reason of the specs that a file lists; refuse what is no spec (any more)."""
    known = {spec.name for spec in specs}
    found = {}
    for each in yaml.safe_load(file.read_text()) or ():
        if each["spec"] not in known:
            raise LabError(f"{file.name}: no such spec: {each['spec']}")
        found[each["spec"]] = each["reason"]
    return found


def _flag(group: list[str]) -> str:
    return f"--focus= (?:{'|'.join(group)})$"
