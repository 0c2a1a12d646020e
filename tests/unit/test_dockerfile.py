"""What the Dockerfile of the syncer's image promises, read as text; a lab builds and runs it."""

from __future__ import annotations

import re

from lab.paths import REPO

TEXT = (REPO / "syncer" / "Dockerfile").read_text()
STEPS = [
    tuple(line.split(maxsplit=1))
    for line in re.sub(r"\\\n", " ", TEXT).splitlines()
    if line.strip() and not line.startswith("#")
]


def test_its_user_is_not_root_and_a_number() -> None:
    """`runAsNonRoot` cannot judge a name."""
    *_, user = [words for step, words in STEPS if step == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_its_user_changes_nothing_in_it() -> None:
    names = [step for step, _ in STEPS]
    assert not {"RUN", "COPY", "ADD"} & set(names[names.index("USER") :])
