"""Whose CPU time is whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tools.bench import machine


def process(proc: Path, pid: int, comm: str, cgroup: str, *, cmdline: str = "", ticks: int) -> None:
    directory = proc / str(pid)
    directory.mkdir()
    zeros = " ".join("0" * 10)
    (directory / "stat").write_text(f"{pid} (a) b) S {zeros} {ticks} 1 0 0\n")
    (directory / "comm").write_text(f"{comm}\n")
    (directory / "cgroup").write_text(f"3:cpu:/\n2:pids:{cgroup}\n")
    (directory / "cmdline").write_bytes(cmdline.encode())


@pytest.mark.parametrize(
    ("comm", "cgroup", "cmdline", "name"),
    [
        ("kube-apiserver", "/vclab-a/daemons/kube-apiserver", "", "host kube-apiserver"),
        ("kube-apiserver", "/vclab-a/node-1/kubepods/pod1/c", "", "pod kube-apiserver"),
        ("python3", "/vclab-a/node-1/kubepods/pod1/c", "python3\0-m\0syncer\0run", "pod syncer"),
        ("kube-apiserver", "/vclab-b/daemons/kube-apiserver", "", "others"),
        ("kube-apiserver", "/vclab-ab/daemons/kube-apiserver", "", "others"),
        ("bash", "/", "", "others"),
    ],
)
def test_whose_a_process_is(
    tmp_path: Path, comm: str, cgroup: str, cmdline: str, name: str
) -> None:
    process(tmp_path, 7, comm, cgroup, cmdline=cmdline, ticks=249)
    (tmp_path / "self").mkdir()
    assert machine.programs("a", tmp_path, 0.01) == {name: 2.5}


def test_processes_of_one_program_are_one(tmp_path: Path) -> None:
    for pid in (7, 8):
        process(tmp_path, pid, "kine", "/vclab-a/daemons/kine", ticks=99)
    process(tmp_path, os.getpid(), "python3", "/", ticks=0)
    found = machine.programs("a", tmp_path, 0.01)
    assert found == pytest.approx({"host kine": 2.0, "bench": 0.01})


def test_the_most_comes_first_and_nothing_is_left_out_but_rest() -> None:
    before = {"a": 1.0, "b": 1.0, "gone": 5.0}
    after = {"a": 2.0, "b": 4.0, "rests": 0.0, "new": 2.0}
    assert list(machine.between(before, after).items()) == [("b", 3), ("new", 2), ("a", 1)]
