"""The table of Kubernetes minors: each row is pinned and is like a cluster of its time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab import components, configs, gobuild, openapi
from lab.addresses import Addresses
from lab.components import Layout
from lab.errors import LabError
from lab.mounts import POD_LOGS
from lab.network import Network
from lab.processes import Daemon
from lab.versions import DEFAULT_KUBERNETES, KUBERNETES, kubernetes

OLD = ("1.16", "1.17", "1.18")
WITHOUT_OPENAPI = (*OLD, "1.21")
RUNTIME_BY_FLAG = (*OLD, "1.21", "1.24")
FIXED_LOGS = (*RUNTIME_BY_FLAG, "1.28")
SINCE_1_35 = ("1.35", "1.36", "1.37")


@pytest.mark.parametrize("minor", KUBERNETES)
def test_a_row_is_pinned(minor: str) -> None:
    """The module directory names the row's version, with checksums, and all that is built."""
    row, program = kubernetes(minor), gobuild.kubernetes(minor)
    pins = (program.directory / "go.mod").read_text()
    required = rf"^(require|\t)\s*k8s\.io/kubernetes {re.escape(row.version)}$"
    assert re.search(required, pins, re.MULTILINE)
    assert f"k8s.io/client-go => k8s.io/client-go v0{row.version[2:]}\n" in pins
    assert f"k8s.io/kubernetes {row.version} h1:" in (program.directory / "go.sum").read_text()
    assert set(openapi.subjects((program.directory / "tools.go").read_text())) >= {
        *program.packages,
        *((program.generates.generator,) if program.generates else ()),
    }


@pytest.mark.parametrize("minor", KUBERNETES)
def test_every_binary_knows_its_version(minor: str) -> None:
    """Until 1.24 what answers for the API server looks at client-go's; 1.16 has yet others."""
    flags = gobuild.kubernetes(minor).ldflags
    packages = re.findall(r"-X (\S+)\.gitVersion=(\S+)", flags)
    assert {version for _, version in packages} == {kubernetes(minor).version}
    assert {package for package, _ in packages} == {
        "k8s.io/component-base/version",
        *(("k8s.io/client-go/pkg/version",) if minor in RUNTIME_BY_FLAG else ()),
        *(f"k8s.io/{each}/pkg/version" for each in ("kubernetes", "kubectl") if minor == "1.16"),
    }


def test_one_minor_has_the_test_image() -> None:
    """It is large, and the default minor's is the one that is asked for."""
    assert [minor for minor, row in KUBERNETES.items() if row.agnhost] == [DEFAULT_KUBERNETES]


@pytest.mark.parametrize("minor", KUBERNETES)
def test_what_the_old_modules_lack_is_made(minor: str) -> None:
    """The list of what the generated file describes belongs to the key of the build."""
    program = gobuild.kubernetes(minor)
    subjects = program.directory / "openapi.go"
    assert subjects.exists() == (minor in WITHOUT_OPENAPI) == (program.generates is not None)
    if minor in WITHOUT_OPENAPI:
        packages = openapi.subjects(subjects.read_text())
        assert {"k8s.io/api/core/v1", "k8s.io/apimachinery/pkg/apis/meta/v1"} <= set(packages)
        assert len(packages) == len(set(packages))
        assert program.sources == openapi.SOURCES


@pytest.mark.parametrize("minor", KUBERNETES)
def test_bound_tokens_are_offered_as_in_their_time(minor: str, tmp_path: Path) -> None:
    """Without an issuer the API server has no TokenRequest; newer ones do not start without."""
    flags = set(_flags(components.apiserver(_layout(minor, tmp_path))))
    assert ("service-account-issuer" in flags) == (minor not in OLD)
    assert ("service-account-signing-key-file" in flags) == (minor not in OLD)
    assert ("insecure-port" in flags) == (minor in OLD)


@pytest.mark.parametrize("minor", KUBERNETES)
def test_a_kubelet_hears_of_its_runtime_once(minor: str, tmp_path: Path) -> None:
    """By a flag or by its configuration, which may hold no field that it does not know."""
    layout = _layout(minor, tmp_path)
    config = configs.kubelet(layout.row, tmp_path, tmp_path, "node-1", "/c")
    flags = _flags(components.kubelet(layout, 1))
    socket = f"unix://{layout.node(1)}/containerd.sock"
    assert flags.get("container-runtime-endpoint") == (socket if minor in RUNTIME_BY_FLAG else None)
    assert ("containerRuntimeEndpoint" in config) == (minor not in RUNTIME_BY_FLAG)
    assert ("podLogsDir" in config) == (minor not in FIXED_LOGS)
    assert ("volumePluginDir" in config) == (minor not in OLD)
    assert config.get("failCgroupV1") == (False if minor in SINCE_1_35 else None)


@pytest.mark.parametrize("minor", KUBERNETES)
def test_no_two_nodes_keep_logs_in_one_place(minor: str, tmp_path: Path) -> None:
    """The runtime writes them where the kubelet reads them, each node its own."""
    layout = _layout(minor, tmp_path)
    for number in layout.network.numbers:
        binds = ((layout.node(number) / "pods", POD_LOGS),) if minor in FIXED_LOGS else ()
        assert components.kubelet(layout, number).binds == binds
        assert components.containerd(layout, number).binds == binds


def test_a_minor_that_is_not_there_is_named() -> None:
    """The message lists what there is."""
    with pytest.raises(LabError, match=r"1\.15 is not in .*known: 1\.16, .*1\.34"):
        kubernetes("1.15")


def _layout(minor: str, state: Path) -> Layout:
    network = Network("unit", Addresses(0), 2)
    return Layout(state, state / "bin", state / "kine", kubernetes(minor), network)


def _flags(daemon: Daemon) -> dict[str, str]:
    pairs = (word.removeprefix("--").partition("=") for word in daemon.command[1:])
    return {name: value for name, _, value in pairs}
