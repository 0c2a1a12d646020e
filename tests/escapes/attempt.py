"""One case on its way: sent, watched, judged."""

from __future__ import annotations

from syncer.identity import tenant_key
from tests.e2e.cluster import Cluster, Obj
from tests.escapes.case import Case, Result, Seen, Step, Want, placed
from tests.escapes.form import Form, brief, found_in, same
from tests.escapes.snapshot import Snapshot
from tests.escapes.tenant import NotTaken, Tenant

BY_THE_HOST = {"HostForbids", "HostRefused"}
"""Reasons of the host's own admission, which may be off: our own guard must not need it."""
CANARY = "canary"
"""A label that the tenant adds with every later act: when the host has it, the act went through."""


class Attempt:
    """Both forms of one case."""

    def __init__(self, case: Case, facts: dict[str, str], number: int) -> None:
        self.case, bad, good = placed(case, facts, number)
        self.bad = Form(self.case.send, bad, self.case.then)
        self.good = Form(self.case.allowed, good, self.case.allowed_then)
        self.foreign: dict[str, Obj] = {}

    # --- acts

    def plant(self, host: Cluster) -> None:
        """Put the objects of others on the host."""
        for each in self.case.foreign:
            host.create(each)

    def remember(self, host: Cluster) -> None:
        """Note how they are."""
        for each in self.case.foreign:
            meta = each["metadata"]
            self.foreign[each["kind"]] = host.get(each["kind"], meta["name"], meta["namespace"])

    def send(self, tenant: Tenant) -> None:
        """Send both forms."""
        for form in (self.bad, self.good):
            try:
                tenant.send(*form.sent[:-1])
                for step in self.case.early if form is self.bad else ():
                    self._act(tenant, form, step)
                form.judged = tenant.send(*form.sent[-1:])
            except NotTaken as error:
                form.problem = f"not taken inside: {error}"

    def act(self, tenant: Tenant, seen: Snapshot) -> None:
        """Do the later acts of the forms that are ready for them."""
        for form, ready in (
            (self.bad, self._settled(seen)),
            (self.good, bool(self.good.twin(seen))),
        ):
            if form.steps and not form.acted and ready:
                form.acted = True
                for step in form.steps:
                    self._act(tenant, form, step)
                if all(step.patch is not None for step in form.steps):
                    self._act(tenant, form, Step({"metadata": {"labels": {CANARY: "1"}}}))

    def _act(self, tenant: Tenant, form: Form, step: Step) -> None:
        wanted = [each for each in form.sent if each["kind"] == step.kind]
        try:
            tenant.act(wanted[0] if wanted else form.judged, step)
        except NotTaken as error:
            form.problem = f"not taken inside: {error}"

    def forget(self, tenant: Tenant, host: Cluster) -> None:
        """Remove what the case made."""
        for form in (self.bad, self.good):
            tenant.forget(*reversed(form.sent))
        for each in self.case.foreign:
            meta = each["metadata"]
            host.delete(each["kind"], meta["name"], meta["namespace"], grace=0)

    # --- waiting

    def _settled(self, seen: Snapshot) -> bool:
        """Tell whether the bad form has got as far as it will."""
        if self.bad.problem or self.bad.acted or self.case.want is Want.INSIDE:
            return True
        if self.case.want is Want.REFUSED or self.case.foreign:
            return bool(self.bad.twin(seen) or self.bad.warned(seen) or self._adopted(seen))
        if self.case.told and not self.bad.warned(seen):
            return False
        return bool(self.bad.twin(seen))

    def _adopted(self, seen: Snapshot) -> bool:
        return any(not same(each, found_in(seen, each)) for each in self.foreign.values())

    def ready(self, seen: Snapshot) -> bool:
        """Tell whether both forms can be judged."""
        good = self.good
        arrived = not good.sent or good.problem or (good.twin(seen) and self._through(good, seen))
        return bool(arrived) and self._settled(seen) and self._through(self.bad, seen)

    def _through(self, form: Form, seen: Snapshot) -> bool:
        """Tell whether later acts have gone through: their canary is there, or all is refused."""
        if not form.steps or form.problem:
            return True
        if not form.acted:
            return False
        if any(step.patch is None for step in form.steps):
            return True
        labels = (form.twin(seen).get("metadata") or {}).get("labels") or {}
        seen_there = CANARY in labels or tenant_key(CANARY) in labels
        return seen_there or not form.twin(seen) or bool(form.warned(seen))

    # --- the verdict

    def result(self, seen: Snapshot) -> Result:
        """Return the verdict."""
        return Result(self.case.id, self.case.tries, self._problem(seen), self.bad.facts)

    def _problem(self, seen: Snapshot) -> str:
        for form in (self.bad, self.good):
            if form.problem:
                return form.problem
        for kind, before in self.foreign.items():
            if not same(before, found_in(seen, before)):
                return f"another's {kind} was changed or deleted"
        return self._bad(seen) or self._good(seen)

    def _bad(self, seen: Snapshot) -> str:
        twin = self.bad.twin(seen)
        if self.case.want is Want.REFUSED:
            if twin:
                return f"reached the host: {brief(twin)}"
            reasons = self.bad.warned(seen)
            if not reasons:
                return "kept off, but the tenant is not told"
            if reasons <= BY_THE_HOST:
                return f"only the host itself said no: {reasons}"
            return ""
        if self.case.want is Want.INSIDE and twin:
            return f"reached the host: {brief(twin)}"
        if self.case.told and not self.bad.warned(seen):
            return "stripped, but the tenant is not told"
        deleted = any(step.patch is None for step in self.bad.steps)
        gone = deleted or (self.bad.acted and not twin)
        if self.case.want is Want.STRIPPED and not twin and not gone:
            return f"did not reach the host: {self.bad.warned(seen) or 'no word'}"
        return self._check(self.bad, seen, self.case.holds, "the host has", empty=gone and not twin)

    def _good(self, seen: Snapshot) -> str:
        if not self.good.sent:
            return ""
        if not self.good.twin(seen):
            return f"the allowed form did not reach the host: {self.good.warned(seen) or 'no word'}"
        return self._check(self.good, seen, self.case.shows, "the allowed form is", empty=False)

    def _check(self, form: Form, seen: Snapshot, check: object, words: str, *, empty: bool) -> str:
        assert callable(check)
        twin = form.twin(seen)
        uids = form.uids(seen)
        virt = next((p for p in seen.virt_pods if p["metadata"]["uid"] in uids), form.judged)
        try:
            held = check(Seen(twin, virt, seen.host, form.facts))
        except (KeyError, IndexError, TypeError) as error:
            held = empty and isinstance(error, KeyError | TypeError)
        return "" if held else f"{words}: {brief(twin) if twin else 'see the other objects'}"
