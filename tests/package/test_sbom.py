"""Bills of materials, as scripts/sbom writes them: whole, of the lock files, the same each time."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.paths import REPO
from tools.sbom import SUBJECTS


def write(destination: Path) -> dict[str, bytes]:
    command: list[str | Path] = [REPO / "scripts" / "sbom", "--destination", destination]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {Path(line).name: Path(line).read_bytes() for line in done.stdout.splitlines()}


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return write(tmp_path_factory.mktemp("sbom"))


@pytest.fixture(scope="module", params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def bill(bills: dict[str, bytes], subject: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bills[f"{subject}-0.1.0.cdx.json"])
    return found


def locked(subject: str) -> dict[tuple[str, str], set[str]]:
    """Return (name, version) → hashes of a subject's lock file."""
    _, lock = SUBJECTS[subject]
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())
    found = {}
    for entry in entries:
        name = re.match(r"([\w.-]+)==([\w.+-]+)", entry)
        assert name, entry
        found[name[1], name[2]] = set(re.findall(r"sha256:([0-9a-f]{64})", entry))
    return found


def test_each_locked_dependency_is_in_it_with_its_hashes_and_nothing_else(
    bill: dict[str, Any], subject: str
) -> None:
    there = {}
    for each in bill["components"]:
        (source,) = each["externalReferences"]
        there[each["name"], each["version"]] = {each["content"] for each in source["hashes"]}
        assert each["purl"].startswith(f"pkg:pypi/{each['name']}@{each['version']}")
    assert there == locked(subject)
    assert len(there) > 15
    assert all(there.values())


def test_it_says_what_it_is_about(bill: dict[str, Any], subject: str) -> None:
    about = bill["metadata"]["component"]
    assert (about["name"], about["version"]) == (subject, "0.1.0")
    assert about["licenses"][0]["license"]["id"] == "Apache-2.0"
    assert bill["bomFormat"] == "CycloneDX"


def test_it_is_the_same_each_time(bills: dict[str, bytes], tmp_path: Path) -> None:
    assert write(tmp_path) == bills


def test_it_names_nothing_of_the_machine(bills: dict[str, bytes]) -> None:
    for text in bills.values():
        assert b"timestamp" not in text
        assert b"serialNumber" not in text
        assert str(REPO).encode() not in text
