"""The brake: how many objects may be missing from a list and still be believed deleted."""

import pytest

from syncer.kube.objects import Key
from syncer.state.deletion_brake import BEHIND, MOST, holds
from syncer.sync.generic import Mirror
from syncer.sync.kinds import KINDS
from tests.unit.build import configmap, secret, twin
from tests.unit.sides import Sides

CONF = Key("configmaps", "default", "conf")
POD = Key("pods", "default", "web")


def _mirror(sides: Sides, kind: str = "configmaps") -> Mirror:
    return Mirror(KINDS[kind], sides.world, sides.virt, sides.host)


def _need(sides: Sides, *keys: Key) -> None:
    """Let a pod name the objects."""
    sides.world.references.set(POD, set(keys))


@pytest.mark.parametrize(
    ("missing", "known", "held"),
    [
        (0, 0, False),
        (1, 1, False),
        (MOST, MOST, False),  # a small cluster may lose everything
        (MOST + 1, MOST + 1, True),
        (MOST + 1, 2 * (MOST + 1), False),  # half
        (MOST + 2, 2 * (MOST + 1), True),  # more than half
        (400, 1000, False),
        (501, 1000, True),
    ],
)
def test_deletions_are_held_when_they_are_many_and_most(
    missing: int,
    known: int,
    held: bool,  # noqa: FBT001
) -> None:
    keys = {Key("pods", "default", f"pod-{number}") for number in range(missing)}
    assert holds(keys, known) is held


@pytest.mark.parametrize(
    ("missing", "behind", "held"),
    [(1, 0, False), (1, BEHIND, False), (1, BEHIND + 1, True), (0, BEHIND + 1, False)],
)
def test_any_deletion_is_held_when_the_datastore_has_gone_far_back(
    missing: int,
    behind: int,
    held: bool,  # noqa: FBT001
) -> None:
    """Threats R29: an old copy lacks what was made since; nobody has deleted it."""
    keys = {Key("pods", "default", f"pod-{number}") for number in range(missing)}
    assert holds(keys, 1000, behind) is held


async def test_held_deletion_waits(sides: Sides) -> None:
    sides.add_host("configmaps", twin(configmap(), "configmaps"))
    sides.world.frozen.add(CONF)
    await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is not None
    sides.world.frozen.clear()
    await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is None


@pytest.mark.parametrize("kind", ["configmaps", "secrets"])
async def test_what_a_held_pod_may_need_waits_with_it(sides: Sides, kind: str) -> None:
    """A held pod no longer names anything, as its virtual one is gone; its volumes must stay."""
    virt = configmap("x") if kind == "configmaps" else secret("x")
    key = Key(kind, "default", "x")
    _need(sides, key)
    sides.add_virt(kind, virt)
    await _mirror(sides, kind).reconcile(key)
    _need(sides)
    sides.sync()
    sides.world.frozen.add(POD)
    await _mirror(sides, kind).reconcile(key)
    assert sides.host_obj(kind, "x") is not None
    assert key in sides.world.frozen  # so that it goes when the operator confirms
