"""A clock for the syncer that a file says: libfaketime, under the real process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.faults.pair import Pair
from tests.faults.programs import FAKETIME


@contextlib.contextmanager
def told_by_file(pair: Pair, offset: str) -> Iterator[Path]:
    """Restart the syncer with a clock that is off by what the file says; restart it as it was."""
    syncer = pair.syncer
    file = pair.state / "clock"
    file.write_text(f"{offset}\n")
    before = dict(syncer.child.environment)
    syncer.kill(stay=True)
    syncer.child.environment |= {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    syncer.start()
    try:
        yield file
    finally:
        syncer.kill(stay=True)
        syncer.child.environment = before
        syncer.start()
        syncer.ready()
