"""How many objects the host takes: who gets a place, and who is told that one is free."""

from __future__ import annotations

import pytest

from syncer.kube.objects import Key, Obj
from tests.unit.build import IDENT, configmap, pod, secret
from tests.unit.sides import Sides

PODS = [Key("pods", "default", name) for name in ("a", "b", "c")]


def _host(sides: Sides, kind: str, count: int) -> None:
    make = {"pods": pod, "secrets": secret, "configmaps": configmap}[kind]
    for number in range(count):
        obj: Obj = make(f"{kind}-{number}")
        obj["metadata"] |= {"namespace": "team-x", "resourceVersion": "1"}
        sides.world.host[kind].put_written(obj)


@pytest.mark.parametrize(
    ("most", "there", "granted"),
    [
        (0, {"configmaps": 5}, True),
        (5, {"configmaps": 4}, True),
        (5, {"configmaps": 5}, False),
        (5, {"configmaps": 6}, False),  # the operator has lowered it
        (5, {"pods": 5}, True),  # another kind
    ],
)
def test_places_are_counted_by_kind(
    sides: Sides, most: int, there: dict[str, int], *, granted: bool
) -> None:
    sides.world.scope = sides.world.scope._replace(max_objects=most)
    for kind, count in there.items():
        _host(sides, kind, count)
    with sides.world.room.place(Key("configmaps", "default", "conf")) as place:
        assert place is granted


@pytest.mark.parametrize(("secrets", "granted"), [(5, True), (6, False)])
def test_a_pods_tokens_take_no_place(sides: Sides, secrets: int, *, granted: bool) -> None:
    """Three of five Secrets are those of pods, which make them whether they may or not."""
    sides.world.scope = sides.world.scope._replace(max_objects=3)
    for number in range(3):
        marks = IDENT.marks(Key("tokens", "default", f"web-{number}"), f"u-{number}")
        held = secret(f"held-{number}")
        held["metadata"] |= {"namespace": "team-x", "annotations": marks}
        sides.world.host["secrets"].put_written(held)
    _host(sides, "secrets", secrets - 3)
    with sides.world.room.place(Key("secrets", "default", "cred")) as place:
        assert place is granted


def test_what_is_being_made_has_its_place_and_gives_it_back(sides: Sides) -> None:
    sides.world.scope = sides.world.scope._replace(max_objects=1)
    room = sides.world.room
    with room.place(PODS[0]) as first, room.place(PODS[1]) as second:
        assert (first, second) == (True, False)
    with room.place(PODS[1]) as second:
        assert second


def test_who_waited_longest_is_told_first_and_who_is_gone_is_not(sides: Sides) -> None:
    sides.world.scope = sides.world.scope._replace(max_objects=1)
    _host(sides, "pods", 1)
    for key in PODS:
        with sides.world.room.place(key) as place:
            assert not place
    sides.add_virt("pods", pod("b"))
    sides.add_virt("pods", pod("c"))
    told = [sides.world.room.freed("pods") for _ in range(3)]
    assert told == [PODS[1], PODS[2], None]
    assert sides.world.room.freed("configmaps") is None
