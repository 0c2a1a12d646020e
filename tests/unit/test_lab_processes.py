"""The lab's daemons: a process that is not ours is never taken for one, and never ended."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cgroups import Cgroups
from lab.errors import LabError
from lab.processes import Daemon, Processes, start_time


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    return Processes(tmp_path, Cgroups("unit-test"))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def record(tmp_path: Path, name: str, **changes: str) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    content = {"pid": "1", "start": "x", "boot": boot, "digest": "d"} | changes
    (tmp_path / "run" / f"{name}.json").write_text(json.dumps(content))


def test_a_running_daemon_is_found(
    processes: Processes, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    record(tmp_path, "d", pid=str(sleeper.pid), start=str(start_time(sleeper.pid)))
    assert processes.pid("d") == sleeper.pid


@pytest.mark.parametrize("change", [{"start": "1"}, {"boot": "another"}])
def test_a_recycled_pid_is_not_the_daemon(
    processes: Processes,
    tmp_path: Path,
    sleeper: subprocess.Popen[bytes],
    change: dict[str, str],
) -> None:
    changes = {"pid": str(sleeper.pid), "start": str(start_time(sleeper.pid))} | change
    record(tmp_path, "d", **changes)
    assert processes.pid("d") is None
    processes.stop("d")
    assert sleeper.poll() is None  # left alone
    assert processes.names() == []


def test_a_daemon_that_ended_is_not_found(processes: Processes, tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    start = start_time(ended.pid)
    while start_time(ended.pid) is not None:
        time.sleep(0.01)
    record(tmp_path, "d", pid=str(ended.pid), start=str(start))
    assert processes.pid("d") is None  # a zombie: nobody has waited for it yet
    ended.wait()
    assert processes.pid("d") is None


def test_stop_ends_the_daemon(processes: Processes, tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "60"])
    record(tmp_path, "d", pid=str(process.pid), start=str(start_time(process.pid)))
    processes.stop("d")
    assert process.wait() != 0


def test_a_dead_daemon_is_reported_with_the_end_of_its_log(processes: Processes) -> None:
    processes.log("d").write_text("first\nthe reason\n")
    with pytest.raises(LabError, match="the reason"):
        processes.check("d")


def test_a_broken_record_is_no_daemon(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "run" / "d.json").write_text("{")
    assert processes.pid("d") is None


def test_a_change_of_command_or_file_asks_for_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a")

    def key(*command: str) -> str:
        return Daemon("d", tmp_path, command, (file,)).digest()

    seen = [key("x"), key("x", "y")]
    file.write_text("b")
    seen.append(key("x"))
    assert len(set(seen)) == 3


def test_this_process_has_a_start_time() -> None:
    assert start_time(os.getpid()) is not None
    assert start_time(2**22 + 1) is None
