"""The brake: how many objects may be missing from a list and still be believed deleted."""

import pytest

from syncer.errors import DeletionHeld
from syncer.kube.objects import Key, Obj
from syncer.state.deletion_brake import (
    BEHIND,
    MOST,
    DeletionBrake,
    decode,
    encode,
    holds,
    holds_orphans,
)
from syncer.state.token_index import HELD
from syncer.sync.generic import Mirror
from syncer.sync.kinds import KINDS
from tests.unit.build import IDENT, configmap, secret, twin
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
    sides.world.brake.hold([CONF], "a test")
    with pytest.raises(DeletionHeld):
        await _mirror(sides).reconcile(CONF)
    assert sides.host_obj("configmaps", "conf") is not None
    assert sides.world.brake.release_all() == {CONF}
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
    sides.world.brake.hold([POD], "a test")
    with pytest.raises(DeletionHeld):
        await _mirror(sides, kind).reconcile(key)
    assert sides.host_obj(kind, "x") is not None
    # So that it goes when the operator confirms.
    assert sides.world.brake.release_all() == {POD, key}


def _keys(kind: str, count: int) -> set[Key]:
    return {Key(kind, "default", f"x-{number}") for number in range(count)}


@pytest.mark.parametrize(
    ("orphans", "twins", "held"),
    [
        # kind → number
        ({"pods": 60}, {"pods": 60}, True),
        ({"pods": 60}, {"pods": 60, "configmaps": 500, "secrets": 500}, True),
        ({"pods": 198}, {"pods": 220, "services": 900}, True),
        ({"pods": 60}, {"pods": 120, "configmaps": 10}, False),
        ({"pods": MOST}, {"pods": MOST, "services": 500}, False),
        # A few of each kind, and all that there is.
        ({"pods": 20, "services": 20}, {"pods": 20, "services": 20}, True),
        ({"pods": 20, "services": 20}, {"pods": 40, "services": 40}, False),
        ({}, {"pods": 60}, False),
    ],
)
def test_orphans_are_held_when_they_are_most_of_their_kind_or_of_all(
    orphans: dict[str, int], twins: dict[str, int], *, held: bool
) -> None:
    def spread(numbers: dict[str, int]) -> set[Key]:
        return {key for kind, count in numbers.items() for key in _keys(kind, count)}

    assert holds_orphans(spread(orphans), spread(twins)) is held


def _host(kind: str, name: str = "x", **annotations: str) -> Obj:
    marks = IDENT.marks(Key(kind, "default", name), "uid-1")
    return {"metadata": {"name": name, "annotations": {**marks, **annotations}}}


SHARED = {HELD: '{"web": "uid-1", "other": "uid-2"}'}


@pytest.mark.parametrize(
    ("host_obj", "held", "allowed"),
    [
        (_host("pods", "web"), POD, False),
        (_host("pods", "other"), POD, True),
        (_host("services", "web"), POD, True),
        (_host("configmaps"), POD, False),  # a held pod may need it
        (_host("secrets"), POD, False),
        (_host("certificates"), POD, False),
        (_host("tokens", "web"), POD, False),
        (_host("tokens", "other"), POD, True),
        (_host("tokens", "other", **SHARED), POD, False),
        ({"metadata": {"name": "no-twin"}}, POD, True),
        (_host("pods", "web"), None, True),
        (_host("configmaps"), None, True),
        (_host("tokens", "web"), None, True),
    ],
)
def test_what_may_be_deleted_while_a_key_is_held(
    host_obj: Obj, held: Key | None, *, allowed: bool
) -> None:
    brake = DeletionBrake()
    if held is not None:
        brake.hold([held], "a test")
    assert brake.allows(host_obj) is allowed


def test_what_is_held_fits_on_the_anchor_and_is_read_again() -> None:
    held = dict.fromkeys(_keys("pods", 10000), "most virtual pods are missing")
    held[Key("services", "shop", "web")] = "another reason"
    text = encode(held)
    assert decode(text) == held
    assert text == encode(dict(reversed(held.items())))
    assert len(text) < 200_000  # of the mebibyte that a ConfigMap may have


@pytest.mark.parametrize("text", ["", "!", "AAAA", "H4sIAAAAAAAC", encode({})[:-4], "bnVsbA=="])
def test_what_somebody_has_spoilt_is_nothing(text: str) -> None:
    assert decode(text) == {}
