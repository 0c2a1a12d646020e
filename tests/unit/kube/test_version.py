"""Versions, as servers say them."""

from __future__ import annotations

import pytest

from syncer.kube import version


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("v1.34.4", (1, 34, 4)),
        ("v1.16.13+k3s1", (1, 16, 13)),
        ("1.9.0", (1, 9, 0)),
        ("v1.30.2-eks-1552ad0", (1, 30, 2)),
        ("v0.0.0-master+$Format:%h$", (0, 0, 0)),
        ("v1.34", None),
        ("unknown", None),
        ("", None),
    ],
)
def test_numbers_of_a_version(said: str, numbers: tuple[int, int, int] | None) -> None:
    assert version.parse(said) == numbers
