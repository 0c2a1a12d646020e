"""Labs by name: several side by side, each with what it was made with."""

import json
from pathlib import Path

import pytest

from lab import registry
from lab.errors import LabError


@pytest.fixture(autouse=True)
def _as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(registry, "machine_routes", list)


def test_a_lab_keeps_its_addresses(tmp_path: Path) -> None:
    first = registry.register("a", "1.34", 2, tmp_path)
    assert registry.register("a", "1.34", 2, tmp_path) == first == registry.find("a", tmp_path)


def test_labs_whose_names_hash_alike_get_different_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.addresses.preferred_slot", lambda _name: 7)
    slots = {registry.register(name, "1.34", 2, tmp_path).slot for name in ("a", "b", "c")}
    assert slots == {7, 8, 9}


def test_without_a_word_a_lab_stays_what_it_is(tmp_path: Path) -> None:
    made = registry.register("a", "1.34", 3, tmp_path)
    assert registry.register("a", root=tmp_path) == made


def test_a_lab_is_not_changed_under_its_data(tmp_path: Path) -> None:
    registry.register("a", "1.34", 2, tmp_path)
    with pytest.raises(LabError, match="take it down first"):
        registry.register("a", "1.34", 3, tmp_path)


def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    for name, minor, nodes in (("A", "1.34", 2), ("a", "1.2", 2), ("a", "1.34", 0)):
        with pytest.raises(LabError):
            registry.register(name, minor, nodes, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_names_are_those_of_registered_labs(tmp_path: Path) -> None:
    registry.register("b", "1.34", 1, tmp_path)
    registry.register("a", "1.34", 1, tmp_path)
    (tmp_path / "half-made").mkdir()
    assert registry.names(tmp_path) == ["a", "b"]
    assert json.loads((tmp_path / "a" / "lab.json").read_text())["nodes"] == 1
