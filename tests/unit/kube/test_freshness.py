"""How long what is known may stand without a word of its server."""

from __future__ import annotations

import pytest

from syncer.kube.freshness import FAILING, SILENT, Freshness
from tests.unit.build import Clock


@pytest.mark.parametrize(
    ("story", "stale"),
    [
        ([], ""),
        ([SILENT], ""),
        ([SILENT + 1], "no word for 91 s"),
        ([60.0, "word", SILENT], ""),
        ([60.0, "word", SILENT + 1], "no word for 91 s"),
        ([SILENT + 1, "word"], ""),
        (["503", FAILING], ""),
        (["503", FAILING + 1], "failing for 31 s: 503"),
        (["503", 20.0, "refused", FAILING - 19], "failing for 31 s: refused"),  # since the first
        (["503", FAILING, "word", "503", FAILING], ""),
        (["503", FAILING + 1, "word"], ""),
    ],
)
def test_what_is_stale(story: list[float | str], stale: str) -> None:
    clock = Clock()
    freshness = Freshness(clock)
    for each in story:
        if isinstance(each, float):
            clock.now += each
        elif each == "word":
            freshness.heard()
        else:
            freshness.failed(each)
    assert freshness.stale() == stale
