"""Runs one scenario on a stage and writes what was seen as JSON; judges nothing.

unshare --net --mount python -m tests.contract.observe SCENARIO IMAGE MINOR FILE
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.contract import flags, lives, refusals, stage
from tests.contract.arguments import Place

SCENARIOS = {
    "flags": flags.seen,
    "main": lives.main,
    "variant": lives.variant,
    "argument": refusals.argument,
    "route": refusals.route,
}
ROUTELESS = "route"


def main(scenario: str, image: str, minor: str, file: str) -> None:
    """Run a scenario, and write the file also when it broke off: with the reason."""
    with tempfile.TemporaryDirectory(prefix="vc-contract-") as scratch:
        stage.furnish(Path(scratch), route=scenario != ROUTELESS)
        place = Place(Path(image), Path(scratch), minor)
        seen: dict[str, Any] = {}
        try:
            SCENARIOS[scenario](place, seen)
        except Exception as error:  # noqa: BLE001  # of whatever kind: the judge shows it
            seen["broken"] = f"{type(error).__name__}: {error}"
        finally:
            place.end()
            stage.clear(Path(scratch))
            Path(file).write_text(json.dumps(seen, indent=1, sort_keys=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
