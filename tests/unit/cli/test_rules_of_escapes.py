"""Every refusal of the escapes suite, tried here without a cluster: `explain` names the right rule.

The cases are the suite's own. A new one fails here until the rule that a tenant should read for it
stands below, and it is the one that the syncer's refusal leads to.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from syncer.kube.objects import Obj
from syncer.kube.recorder import COMPONENT
from syncer.sync.kinds import BY_DEFAULT, KINDS
from tests.escapes.case import Case, Want, placed
from tests.escapes.cases import CASES
from tests.unit.build import IDENT, SCOPE, pod
from tests.unit.engine import Engine
from tests.unit.fake_api import until
from tests.unit.sides import Sides, both_sides
from virtualcluster_cli.rules import rule_of

pytestmark = pytest.mark.timeout(120)
TOLD = [case for case in CASES if case.want is Want.REFUSED or case.told]
IDS = [case.id for case in TOLD]

# As the suite's installation has it: tests/escapes/installation.py.
LIMITS = SCOPE._replace(
    ingress_hosts=("tenant.example.com",), ingress_classes=("nginx",), claim_classes=("standard",)
)
SYNCED = frozenset({*BY_DEFAULT, "endpoints", "endpointslices", "poddisruptionbudgets"})
PLURALS = {
    "Pod": "pods",
    **{kind.resource.kind: name for name, kind in KINDS.items()},
    "RuntimeClass": "runtimeclasses",
}
FACTS = {
    **dict.fromkeys(("nodeip", "planeip", "api"), "192.0.2.1"),
    **dict.fromkeys(("node", "victim", "foreign", "data", "workload", "account"), "theirs"),
    "ownip": "10.42.0.7",
    "rel": IDENT.release,
    "host": IDENT.host_namespace,
    "ns": "default",
}

POD_SECURITY = "podSecurityStandard"
ONLY_OWN_PODS = "Only pods of the virtual cluster"
# How the names of cases begin, and words of the rule; the longest beginning counts.
RULES = {
    "A1": POD_SECURITY,
    "A2": POD_SECURITY,
    "A3": POD_SECURITY,
    "A4": "leads out of the namespace",
    "A5": "leads out of the namespace",
    "A8-resourceclaims": "devices of the host",
    "A8-hostnameoverride": "alpha in 1.34",
    "A8-filekeyref": "A field that would lead out of the namespace",
    "A12": "only the host's own",
    "D3": "never taken over",
    "D4": "never taken over",
    "D5-ingress-resource": "lead out of the namespace",
    "D6": "of the same namespace",
    "E1-externalips": "capture traffic of others",
    "E3": ONLY_OWN_PODS,
    "E4-platform-host": "sync.ingresses.hosts",
    "E4-other-tenant": "sync.ingresses.hosts",
    "E4-suffix-trick": "sync.ingresses.hosts",
    "E4-wildcard": "sync.ingresses.hosts",
    "E4-empty-host": "sync.ingresses.hosts",
    "E4-tls-host": "sync.ingresses.hosts",
    "E4-second-rule": "sync.ingresses.hosts",
    "E4-default-backend": "every unclaimed host",
    "E4-class": "sync.ingresses.classes",
    "E4-no-class": "sync.ingresses.classes",
    "E4-legacy-class": "sync.ingresses.classes",
    "E4-path": "No path may end a rule",
    "F2": "somebody's volume",
    "F3": "of the same namespace",
    "F4-attributes": "operator's choice",
    "F4": "sync.persistentVolumeClaims.storageClasses",
}


def words_of(id_: str) -> str:
    """Return the words of the rule for a case; empty for one that nobody has thought about."""
    return next((RULES[each] for each in sorted(RULES, reverse=True) if id_.startswith(each)), "")


def made_pods(obj: Obj) -> Obj:
    """Return the pod that a controller makes of an object; other objects as they are."""
    if obj["kind"] in PLURALS:
        return obj
    template = obj["spec"]["template"]
    meta = {**obj["metadata"], **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


class Tried:
    """All cases at once between two API servers, with the syncer's engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.judged: dict[str, str] = {}
        """UIDs of the judged objects, by case."""

    def send(self, case: Case) -> None:
        """Let others have what they have, and the tenant send the bad form."""
        made, _, _ = placed(case, FACTS, 1)
        for each in made.foreign:
            self.engine.host_api.objects.create(PLURALS[each["kind"]], "team-x", each)
        for each in map(made_pods, made.send):
            namespace = each["metadata"].get("namespace", "")
            plural = PLURALS[each["kind"]]
            sent = self.engine.virt_api.objects.create(plural, namespace, each)
            self.judged[case.id] = sent["metadata"]["uid"]

    def told(self) -> dict[str, list[tuple[str, str]]]:
        """Return reasons and messages of the Warnings, by the object's UID."""
        found: dict[str, list[tuple[str, str]]] = {}
        for each in self.engine.virt_api.objects.of("events"):
            if each["type"] == "Warning" and each["source"]["component"] == COMPONENT:
                about = found.setdefault(each["involvedObject"]["uid"], [])
                about.append((each["reason"], each["message"]))
        return found

    def missing(self) -> set[str]:
        """Return the cases that nobody has been told about yet."""
        told = self.told()
        return {id_ for id_, uid in self.judged.items() if uid not in told}


def _give_address(plural: str, obj: Obj) -> None:
    """Let the tenant's own pod have the address that cases mean by its own."""
    if plural == "pods" and obj["metadata"]["name"].startswith("own-x-"):
        obj["status"] = {"phase": "Running", "podIPs": [{"ip": FACTS["ownip"]}]}


@pytest.fixture
async def sides() -> AsyncIterator[Sides]:
    async with both_sides(LIMITS) as made:
        yield made


async def test_each_refusal_has_the_rule_that_is_meant(sides: Sides) -> None:
    engine = Engine(sides, SYNCED)
    engine.furnish()
    engine.host_api.objects.admission.append(_give_address)
    engine.virt_api.objects.create("pods", "default", pod("own"))
    tried = Tried(engine)
    async with engine.running():
        await until(lambda: engine.host_pods() == ["own"])
        for case in TOLD:
            tried.send(case)
        with contextlib.suppress(TimeoutError):  # which ones, the verdict says
            await until(lambda: not tried.missing(), 20.0)
        told = tried.told()
    wrong = {}
    for case in TOLD:
        said = told.get(tried.judged[case.id], [])
        rules = [rule_of(*each) for each in said]
        words = words_of(case.id)
        if not any(words in each.title and each.cure for each in rules if words):
            wrong[case.id] = f"{words!r} is not in {[each.title for each in rules]}, of {said}"
    assert not wrong, "\n".join(f"{id_}: {text}" for id_, text in sorted(wrong.items()))


@pytest.mark.parametrize("id_", IDS)
def test_somebody_has_thought_about_each(id_: str) -> None:
    assert words_of(id_)


@pytest.mark.parametrize("beginning", RULES)
def test_no_rule_is_for_a_case_that_there_is_not(beginning: str) -> None:
    assert [id_ for id_ in IDS if id_.startswith(beginning)]
