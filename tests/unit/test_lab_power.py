"""Whose power may be taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import power
from lab.errors import LabError
from lab.lab import Lab
from lab.progress import Progress
from lab.registry import Registration


@pytest.mark.parametrize(
    ("number", "why"), [(1, "control plane"), (3, "no node 3"), (0, "no node 0")]
)
def test_node_of_the_control_plane_and_one_that_is_not_there_are_refused(
    tmp_path: Path, number: int, why: str
) -> None:
    lab = Lab(Registration("power-test", 1, "1.34", 2, tmp_path), Progress())
    with pytest.raises(LabError, match=why):
        power.off(lab, number)


def test_what_runs_on_a_node_and_nothing_else_is_ended(tmp_path: Path) -> None:
    lab = Lab(Registration("power-test", 1, "1.34", 2, tmp_path), Progress())
    assert lab.cgroups.node(2) == (
        "node-2",
        "daemons/containerd-2",
        "daemons/kubelet-2",
        "daemons/kube-proxy-2",
    )
