"""Directories that a daemon sees elsewhere: it alone, and what it mounts below a shared one all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.mounts import entering, share

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


def test_a_daemon_without_binds_is_started_as_it_is() -> None:
    assert entering(()) == []


@as_root
def test_only_the_daemon_sees_the_directory_in_the_other_place(tmp_path: Path) -> None:
    own, place = tmp_path / "own", tmp_path / "place"
    own.mkdir()
    (own / "log").write_text("mine")
    command = [*entering(((own, place),)), "cat", str(place / "log")]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"mine"
    assert list(place.iterdir()) == []  # which was made, and is empty for everybody else


@as_root
def test_what_a_daemon_mounts_below_a_shared_directory_all_see(tmp_path: Path) -> None:
    own, node = tmp_path / "own", tmp_path / "node"
    own.mkdir()
    (node / "volume").mkdir(parents=True)
    try:
        share(node)
        share(node)  # again: nothing more
        assert _mounts(node) == 1
        mount = ["mount", "-t", "tmpfs", "none", str(node / "volume")]
        subprocess.run([*entering(((own, tmp_path / "place"),)), *mount], check=True)
        assert _mounts(node / "volume") == 1
    finally:
        subprocess.run(["umount", "--recursive", str(node)], check=True)


def _mounts(point: Path) -> int:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines].count(str(point))
