"""The Engine of the project's own: what its runtime asks runc for, and where it keeps things."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.addresses import ENGINE_SPACE
from lab.docker import network, runtime
from lab.docker.engine import configuration

RESOURCE = "CAP_SYS_RESOURCE"
LACKING = frozenset({RESOURCE})
ALL = (1 << len(runtime.NAMES)) - 1
SETS = ("bounding", "effective", "permitted")


def caps(*names: str) -> dict[str, list[str]]:
    return {kind: list(names) for kind in SETS}


@pytest.mark.parametrize(
    ("bounding", "missing"),
    [
        (ALL, set()),
        (ALL & ~(1 << 24), {RESOURCE}),
        (ALL & ~(1 << 24) & ~1, {RESOURCE, "CAP_CHOWN"}),
        (ALL & ~(1 << 40), {"CAP_CHECKPOINT_RESTORE"}),
        (0, set(runtime.NAMES)),
    ],
)
def test_what_the_machine_lacks_is_read_from_the_bounding_set(
    bounding: int, missing: set[str]
) -> None:
    status = f"Name:\tx\nCapEff:\t0000000000000000\nCapBnd:\t{bounding:016x}\n"
    assert runtime.missing(runtime.bounding_set(status)) == missing


@pytest.mark.parametrize(
    ("before", "lacking", "after"),
    [
        # Nothing is missing: nothing is changed.
        (
            {"capabilities": caps(RESOURCE, "CAP_CHOWN"), "oomScoreAdj": -500},
            frozenset(),
            {"capabilities": caps(RESOURCE, "CAP_CHOWN"), "oomScoreAdj": -500},
        ),
        (
            {"capabilities": caps(RESOURCE, "CAP_CHOWN"), "oomScoreAdj": -500},
            LACKING,
            {"capabilities": caps("CAP_CHOWN"), "oomScoreAdj": 0},
        ),
        # A score may be raised by everybody.
        ({"oomScoreAdj": 500}, LACKING, {"oomScoreAdj": 500}),
        ({"oomScoreAdj": 0}, LACKING, {"oomScoreAdj": 0}),
        # Another capability says nothing about scores.
        (
            {"capabilities": caps("CAP_BPF"), "oomScoreAdj": -1},
            frozenset({"CAP_BPF"}),
            {"capabilities": caps(), "oomScoreAdj": -1},
        ),
        # What an unprivileged process has.
        ({"args": ["sh"]}, LACKING, {"args": ["sh"]}),
        ({"capabilities": None, "args": ["sh"]}, LACKING, {"capabilities": None, "args": ["sh"]}),
        (
            {"capabilities": {"bounding": [RESOURCE], "ambient": None}},
            LACKING,
            {"capabilities": {"bounding": [], "ambient": []}},
        ),
    ],
)
def test_a_process_asks_for_nothing_that_is_missing(
    before: dict[str, Any], lacking: frozenset[str], after: dict[str, Any]
) -> None:
    kept = json.dumps(before)
    assert runtime.process(before, lacking) == after
    assert runtime.bundle({"process": before, "root": 1}, lacking) == {"process": after, "root": 1}
    assert json.dumps(before) == kept
    assert runtime.bundle({"root": 1}, lacking) == {"root": 1}


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("--root /r --log /l --log-format json create --bundle /b id", ("/b/config.json", True)),
        ("--root /r create --bundle=/b --pid-file /p id", ("/b/config.json", True)),
        ("--systemd-cgroup --root=/r run -b /b id", ("/b/config.json", True)),
        ("create id", ("config.json", True)),
        ("restore --bundle /b id", ("/b/config.json", True)),
        ("--root /r exec --process /p --detach id", ("/p", False)),
        ("exec -p /p id", ("/p", False)),
        ("exec id sh -c true", None),
        ("--root /r start id", None),
        ("kill --all id 9", None),
        ("--version", None),
        ("", None),
    ],
)
def test_the_file_of_a_call_is_found(call: str, found: tuple[str, bool] | None) -> None:
    wanted = None if found is None else (Path(found[0]), found[1])
    assert runtime.file_of(call.split()) == wanted


@pytest.mark.parametrize("call", ["create --bundle {0} id", "exec --process {0}/config.json id"])
def test_the_program_rewrites_the_file_and_becomes_runc(call: str, tmp_path: Path) -> None:
    process = {"capabilities": caps(*runtime.NAMES), "oomScoreAdj": -999}
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"process": process} if call.startswith("create") else process))
    (tmp_path / "runc").write_text('#!/bin/sh\necho "runc $*"; exit 3\n')
    (tmp_path / "runc").chmod(0o755)
    command = [sys.executable, "-I", runtime.__file__, *call.format(tmp_path).split()]
    env = {"PATH": f"{tmp_path}{os.pathsep}/bin"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, f"runc {call.format(tmp_path)}\n")
    lacking = runtime.missing(runtime.bounding_set(Path("/proc/self/status").read_text()))
    written = json.loads(file.read_text())
    written = written.get("process", written)
    assert not lacking & set(written["capabilities"]["bounding"])
    assert set(written["capabilities"]["bounding"]) | lacking == set(runtime.NAMES)
    assert written["oomScoreAdj"] == (0 if RESOURCE in lacking else -999)


def test_nothing_of_the_engine_is_where_another_has_its_own(tmp_path: Path) -> None:
    made = configuration(tmp_path, Path("/programs"))
    ours = [made[key] for key in ("data-root", "exec-root", "pidfile", "deprecated-key-path")]
    for path in (*ours, made["runtimes"]["lab"]["path"]):  # type: ignore[index]
        assert Path(str(path)).is_relative_to(tmp_path)
    assert made["hosts"] == [f"unix://{tmp_path}/docker.sock"]
    assert made["default-runtime"] == "lab"
    # A name for `down`: all containers are below a cgroup of the Engine's.
    assert made["cgroup-parent"] == "/vcdocker/containers"


def test_no_two_networks_of_the_engine_overlap() -> None:
    networks = [network.BRIDGE_NETWORK, network.POOL, network.LINK]
    for one in networks:
        assert one.subnet_of(ENGINE_SPACE)
        assert not [other for other in networks if other is not one and other.overlaps(one)]
    assert network.ADDRESS in network.LINK
