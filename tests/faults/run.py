"""One run on the stage: the reference, then the cases, one after the other."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.faults import cases, lanes
from tests.faults.case import Case, Result
from tests.faults.pair import Pair
from tests.faults.play import Play
from tests.faults.reference import Reference, refer
from tests.faults.syncer import READY


@dataclass
class Choice:
    """What a call is about."""

    only: Sequence[str] = ()
    """How the names of cases begin."""
    fast: bool = False
    lane: str = ""
    """Of which lane (lanes.py) only; empty: of all."""
    times: int = 1
    """How often each case is played."""

    def row(self, row: str) -> bool:
        """Tell whether a row is chosen as a whole."""
        return not self.only or row in self.only

    def takes(self, case: Case) -> bool:
        """Tell whether a case is chosen."""
        named = any(case.id == each or case.id.startswith(f"{each}-") for each in self.only)
        here = self.lane in ("", lanes.of(case.row))
        return here and (named or not self.only) and (case.fast or not self.fast)


def run(pair: Pair, choice: Choice, say: Callable[[str], None]) -> Iterator[Result]:
    """Play the chosen cases; yield what comes of each."""
    reference = refer(pair)
    writes = sum(map(len, reference.points.values()))
    say(f"without faults: {writes} writes in {len(reference.states)} phases")
    chosen = [each for each in cases.found(reference, fast=choice.fast) if choice.takes(each)]
    chosen *= choice.times
    for number, case in enumerate(chosen):
        result = play(pair, reference, case, number)
        verdict = f"FAILED: {result.problem}" if result.failed else "ok"
        say(f"{number + 1}/{len(chosen)} {case.id}: {verdict} ({result.took:.1f} s)")
        yield result


def play(pair: Pair, reference: Reference, case: Case, number: int) -> Result:
    """Play one case, and leave the stage as it was."""
    acting = Play(pair, reference, case, number)
    begun = time.monotonic()
    try:
        case.play(acting)
        acting.heal()
        acting.judge()
    except AssertionError as error:
        acting.result.problem = str(error) or "an assertion without words"
    except Exception:  # noqa: BLE001  one case that breaks must not hide the others
        acting.result.problem = traceback.format_exc(limit=-4)
    acting.result.took = time.monotonic() - begun
    try:
        _tidy(acting)
    except Exception as error:  # noqa: BLE001
        acting.result.problem += f"; and then: {error}"
    return acting.result


def _tidy(acting: Play) -> None:
    pair = acting.pair
    acting.heal()
    pair.calm()
    pair.syncer.ready(READY)
    acting.tenant.leaves()
    if acting.result.problem:
        # What a failed case has left must not be counted against the next.
        acting.eventually("nothing of the case is left", lambda: not acting.leftovers(), 30)
