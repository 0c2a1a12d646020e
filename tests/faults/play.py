"""One case under way: its tenant, its faults, and what is expected of both sides afterwards."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.e2e.cluster import ApiError, Obj, Unreachable
from tests.e2e.waiting import Pending, until
from tests.faults import oracle
from tests.faults.case import Case, Result
from tests.faults.injections import Injection
from tests.faults.pair import Pair
from tests.faults.reference import Reference
from tests.faults.workload import PHASES, Tenant

T = TypeVar("T")
PATIENCE = 90.0
# Judged is where both sides end; how long it took is a figure: a machine with much else to do takes
# several times as long.
CONVERGED = 240.0  # seconds


class Play:
    """What a case works with."""

    def __init__(self, pair: Pair, reference: Reference, case: Case, number: int) -> None:
        self.pair = pair
        self.reference = reference
        self.result = Result(case.id, case.row, case.fault)
        self.namespace = f"case-{number:04}"
        self.tenant = Tenant(pair, self.namespace)
        self._rules: list[Injection] = []

    # --- faults

    def inject(self, side: str, *rules: Injection) -> None:
        """Make faults from now on; each must have hit something when the case is over."""
        self.pair.inject(side, *rules)
        self._rules += rules

    def withdraw(self, rule: Injection) -> None:
        """Expect no longer that a rule hits something."""
        self._rules.remove(rule)

    def struck(self, times: int = 1) -> None:
        """Note a fault that is no rule of a proxy."""
        self.result.injected += times

    def heal(self) -> None:
        """End the faults of the proxies."""
        self.pair.heal()

    def hits(self) -> int:
        """Return how often the rules have acted."""
        return sum(rule.hits for rule in self._rules)

    # --- what is expected

    def phase(self, *names: str) -> None:
        """Let the tenant act, and wait for what comes of it without faults."""
        for name in names:
            begun = time.monotonic()
            PHASES[name](self.tenant)
            self.converges(name, since=begun)

    def acts(self, name: str) -> None:
        """Let the tenant act, and wait for nothing."""
        PHASES[name](self.tenant)

    def converges(
        self, phase: str, *, since: float, seconds: float = CONVERGED, ignoring: str = ""
    ) -> None:
        """Wait until both sides are as the reference run left them after a phase."""

        def equal() -> bool:
            told = self.differences(phase, ignoring)
            if told:
                raise Pending(oracle.shown(told))
            return True

        until(f"both sides are as without a fault, after {phase}", equal, seconds)
        self.result.seconds.append(time.monotonic() - since)

    def differences(self, phase: str, ignoring: str = "") -> list[str]:
        """Return what is otherwise than in the reference run after a phase."""
        self.pair.check()
        there = self.pair.look(self.namespace, ignoring)
        return oracle.differences(self.reference.states[phase], there)

    def converged(self, since: float) -> None:
        """Note that all is as it should be, by what the case itself has looked at."""
        self.result.seconds.append(time.monotonic() - since)

    def eventually(self, what: str, probe: Callable[[], T | None], seconds: float = CONVERGED) -> T:
        """Wait for something; the APIs may be away meanwhile."""
        return until(what, probe, seconds, despite=(Unreachable, ApiError, KeyError))

    def virt(self, kind: str, name: str) -> Obj:
        """Return a virtual object."""
        return self.pair.virt.get(kind, name, self.namespace)

    def twin(self, kind: str, name: str) -> Obj | None:
        """Return the host twin of a virtual object, by the ledger."""
        uid = self.virt(kind, name)["metadata"]["uid"]
        for each in self.pair.record.there("host", self.namespace, kind):
            if each.twin_of[1] == uid and each.twin_of[0] != "tokens":
                return each.obj
        return None

    def has_twin(self, kind: str, name: str) -> Obj:
        """Wait for the host twin of a virtual object."""
        return self.eventually(f"{kind} {name} has a twin", lambda: self.twin(kind, name))

    def pause(self, seconds: float) -> None:
        """Let time pass: what must not happen is given the time to."""
        threading.Event().wait(seconds)

    def note(self, text: str) -> None:
        """Say something about the case in the table."""
        self.result.notes.append(text)

    # --- the end

    def judge(self) -> None:
        """Hold the ledger against the case, once all is at rest."""
        result = self.result
        result.injected += self.hits()
        silent = [rule for rule in self._rules if not rule.hits]
        record = self.pair.record
        with contextlib.suppress(AssertionError):  # then the verdict says what is not right
            self.pair.rest(PATIENCE, when=lambda: not record.verdict(self.namespace))
        verdict = record.verdict(self.namespace)
        result.lost, result.doubled, result.orphaned = map(len, verdict)
        self.pair.check()
        assert not verdict, str(verdict)
        assert result.injected, "the fault was not injected"
        assert not silent, f"never hit anything: {silent}"
        restarts = self.pair.player.begun
        twice = [uid for uid in self._pods() if restarts[uid] > 1]
        assert not twice, f"begun more than once: {twice}"

    def leftovers(self) -> list[str]:
        """Return what is on the host of the case's namespace."""
        return [str(each) for each in self.pair.record.there("host", self.namespace)]

    def _pods(self) -> Sequence[str]:
        pods = self.pair.record.of("virt", self.namespace, "Pod")
        return [each.obj["metadata"]["uid"] for each in pods]
