"""One run: the cases, then the guards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.e2e.cluster import RESOURCES, Obj
from tests.e2e.session import Session
from tests.e2e.sweep import Sweep
from tests.e2e.waiting import Pending, until
from tests.escapes import controls, rights
from tests.escapes.case import Result
from tests.escapes.cases import CASES
from tests.escapes.controls import Removed
from tests.escapes.form import same
from tests.escapes.probes import PROBES
from tests.escapes.probing import Probing
from tests.escapes.round import Place, Round, foreign_objects
from tests.escapes.shim.unguarded.registry import Guard
from tests.escapes.wire import Wire

SHORT = 25.0  # seconds for the cases of a guard: what never comes is what is looked for


@dataclass
class Choice:
    """What a call is about."""

    only: Sequence[str] = ()
    """How the names of cases begin."""
    fast: bool = False

    def takes(self, id_: str) -> bool:
        """Tell whether a case is chosen."""
        return not self.only or id_.startswith(tuple(self.only))


@dataclass
class Run:
    """The state of a run."""

    session: Session
    place: Place
    choice: Choice
    say: Callable[[str], None]
    number: int = 0
    broken: set[str] = field(default_factory=set)
    """Cases that fail with all guards in place: they prove nothing about a guard."""
    names: set[tuple[str, str]] = field(default_factory=set)
    """Types and names of objects of others, for the audit log's verdict."""

    def all_cases(self) -> list[Result]:
        """Try every chosen case; the audit log's verdicts come with them."""
        before = foreign_objects(self.place)
        self.names |= {_named(each) for each in before}
        results = self.some(self.choice.takes, patience=None)
        self.broken |= {each.id for each in results if each.problem}
        if not self.choice.only:
            results += rights.results(self.session, self.place, self.names)
            results.append(self._untouched(before))
        return results

    def some(self, takes: Callable[[str], bool], *, patience: float | None = SHORT) -> list[Result]:
        """Try the cases that are taken."""
        self.number += 1
        results: list[Result] = []
        if cases := [case for case in CASES if takes(case.id)]:
            tried = Round(self.place, cases, self.number)
            try:
                results += tried.run(self.say) if patience is None else tried.run(_quiet, patience)
            finally:
                planted = [x for attempt in tried.attempts for x in attempt.case.foreign]
                self.names |= {_named(each) for each in planted}
                tried.tidy()
        probing = Probing(
            self.session, self.place, Wire(self.place.virt.kubectl.kubeconfig), self.number
        )
        probes = sorted(
            (each for each in PROBES if takes(each.id) and not (self.choice.fast and each.last)),
            key=lambda each: each.last,
        )
        return [*results, *(each.result(probing) for each in probes)]

    def without(self, guard: Guard) -> list[Result]:
        """Try the cases that must notice that a guard is out."""
        tried = self.some(lambda id_: id_.startswith(guard.cases))
        return [each for each in tried if each.id not in self.broken]

    def guards(self, only: Sequence[str]) -> list[Removed]:
        """Take out the guards, or these; their cases are tried before with all in place."""
        chosen = controls.guards(only)
        if only:
            cases = tuple(prefix for guard in chosen for prefix in guard.cases)
            before = self.some(lambda id_: id_.startswith(cases), patience=None)
            self.broken |= {each.id for each in before if each.problem}
            if self.broken:
                self.say(f"fail with all guards in place: {', '.join(sorted(self.broken))}")
        return list(controls.run(self.place, chosen, self.without, self.say))

    def uninstalled(self) -> Result:
        """Remove the release; nothing of it stays, and all of the others' does."""
        release, before = self.place.release, foreign_objects(self.place)
        sweep = Sweep(release.host.api, release.namespace)
        self.session.uninstall(release)
        mark = f"-x-{release.name}"

        def clean() -> bool:
            left = [
                str(each)
                for each in sweep.inside()
                if mark in each.name or each.name.startswith(release.name)
            ]
            if left:
                raise Pending(f"{len(left)} left: {', '.join(sorted(left)[:5])}")
            return True

        result = Result("J2-uninstall", "uninstalled, with finalizers inside")
        try:
            until("nothing of the release is left", clean, 180)
        except AssertionError as error:
            result.problem = str(error)
        result.problem = result.problem or _changed(before, foreign_objects(self.place))
        return result

    def _untouched(self, before: list[Obj]) -> Result:
        after = foreign_objects(self.place)
        return Result(
            "D4-others", "what others have on the host, byte for byte", _changed(before, after)
        )


def _changed(before: list[Obj], after: list[Obj]) -> str:
    now = {each["metadata"]["uid"]: each for each in after}
    gone = [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in before
        if not same(each, now.get(each["metadata"]["uid"]))
    ]
    return f"changed or gone: {gone}" if gone else ""


def _named(obj: Obj) -> tuple[str, str]:
    return RESOURCES[obj["kind"]].plural, obj["metadata"]["name"]


def _quiet(_text: str) -> None:
    pass
