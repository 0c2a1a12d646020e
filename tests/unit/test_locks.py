"""Lock files: whole, by hash; and an image build that takes nothing else.

The build's own step is run here, read from the Dockerfile, with packages made for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
import zipfile
from pathlib import Path

import pytest

from lab.paths import REPO

LOCKS = sorted(
    path
    for pattern in ("requirements/*.lock", "syncer/*.lock", "cli/*.lock", "lab/**/*.lock")
    for path in REPO.glob(pattern)
)
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
COMMAND_LINE = tomllib.loads((REPO / "cli" / "pyproject.toml").read_text())["project"]
WANTED = {
    "syncer/requirements.lock": PROJECT["dependencies"],
    "cli/requirements.lock": COMMAND_LINE["dependencies"],
    **{
        f"requirements/{extra}.lock": wanted
        for extra, wanted in PROJECT["optional-dependencies"].items()
    },
}


def entries(lock: Path) -> dict[str, str]:
    """Return name → entry."""
    text = re.sub(r"(?m)^#.*\n", "", lock.read_text())
    parts = re.split(r"\n(?=\S)", text.strip())
    return {re.split(r"[=\s]", part)[0].lower(): part for part in parts}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(REPO)))
def test_everything_is_pinned_and_has_a_hash(lock: Path) -> None:
    for name, entry in entries(lock).items():
        assert re.match(rf"{re.escape(name)}==\S+", entry, re.IGNORECASE), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}(?!\w)", entry), name
        assert "://" not in entry, name


@pytest.mark.parametrize("lock", WANTED)
def test_what_is_declared_is_locked(lock: str) -> None:
    there = entries(REPO / lock)
    wanted = {re.split(r"[<>=!~; ]", each)[0].lower() for each in WANTED[lock]}
    assert wanted - set(there) == set()


def test_every_lock_is_looked_at() -> None:
    assert {str(path.relative_to(REPO)) for path in LOCKS} > set(WANTED)


DOCKERFILE = re.sub(r"\\\n", " ", (REPO / "syncer" / "Dockerfile").read_text())
(INSTALL,) = (line for line in DOCKERFILE.splitlines() if "pip install" in line)


def wheel(directory: Path, name: str, needs: str = "", body: str = "") -> str:
    """Write a wheel; return its entry in a lock file."""
    info = f"{name}-1.0.dist-info"
    file = directory / f"{name}-1.0-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{name}.py", body)
        archive.writestr(f"{info}/METADATA", metadata + (f"Requires-Dist: {needs}\n" * bool(needs)))
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


def build(scratch: Path, lock: str) -> tuple[bool, str]:
    """Run the image's step; return whether `/app` came of it, and what it said."""
    (scratch / "requirements.lock").write_text(lock)
    step = (
        INSTALL.removeprefix("RUN ")
        .replace("/tmp/", f"{scratch}/")
        .replace("/app", f"{scratch}/app")
    )
    given = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(scratch / "wheels")}
    done = subprocess.run(
        ["sh", "-c", step], env={**os.environ, **given}, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stderr


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    directory = tmp_path / "wheels"
    directory.mkdir()
    return directory


def test_the_image_holds_what_the_lock_names(wheels: Path, tmp_path: Path) -> None:
    made, said = build(tmp_path, wheel(wheels, "one", needs="two") + wheel(wheels, "two"))
    assert made, said
    assert {"one.py", "two.py"} <= {each.name for each in (tmp_path / "app").iterdir()}


def test_a_dependency_without_a_hash_is_refused(wheels: Path, tmp_path: Path) -> None:
    made, said = build(tmp_path, wheel(wheels, "one") + wheel(wheels, "two").split(" --hash")[0])
    assert not made
    assert "Hashes are required in --require-hashes mode" in said


def test_a_dependency_that_is_not_locked_is_refused(wheels: Path, tmp_path: Path) -> None:
    lock = wheel(wheels, "one", needs="two")
    wheel(wheels, "two")
    made, said = build(tmp_path, lock)
    assert not made
    assert "all requirements must have their versions pinned" in said


def test_other_bytes_under_the_same_name_are_refused(wheels: Path, tmp_path: Path) -> None:
    lock = wheel(wheels, "one")
    wheel(wheels, "one", body="print('somebody else')")
    made, said = build(tmp_path, lock)
    assert not made
    assert "DO NOT MATCH THE HASHES" in said
