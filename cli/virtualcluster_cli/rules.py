"""What the syncer does with which field, and what its refusals mean.

The verdicts and the reasons are read from rules.json, which is made from the syncer's sources; what
stands here is only what each reason means to whoever meets it. A test compares the two.
"""

from __future__ import annotations

import functools
import json
import re
from importlib import resources
from typing import Any, NamedTuple

TABLES = {
    "pods": "POD_SPEC",
    "services": "SERVICE_SPEC",
    "persistentvolumeclaims": "CLAIM_SPEC",
    "ingresses": "INGRESS_SPEC",
    "poddisruptionbudgets": "BUDGET_SPEC",
}
"""The table of verdicts on a kind's spec."""


class Rule(NamedTuple):
    """What a reason of the syncer's means."""

    title: str
    cure: str


RULES = {
    "AddressRefused": Rule(
        "Only pods of the virtual cluster may stand behind a service without selector",
        "give the service a selector, or name addresses of its pods only",
    ),
    "CertificateNotAsked": Rule(
        "A Secret of the tenant's own is served as it is",
        "delete the Secret, or name another in spec.tls, to have the host's cert-manager asked",
    ),
    "AdmissionInside": Rule(
        "A webhook or an admission policy inside the virtual cluster refuses the syncer's writes",
        "exempt the user system:admin from it, or mend it",
    ),
    "ClaimLost": Rule(
        "A claim whose volume is gone is never given an empty one",
        "delete the claim and make a new one",
    ),
    "ClassRefused": Rule(
        "Only the ingress classes of sync.ingresses.classes may be named",
        "name one of those, or ask the host's operator for another",
    ),
    "ExternalIPsNotPassed": Rule(
        "Addresses that would catch anybody's traffic are left out on the host",
        "remove spec.externalIPs; the rest of the Service works",
    ),
    "FieldRefused": Rule(
        "A field that would lead out of the namespace, or that the syncer does not know",
        "remove the field",
    ),
    "HostForbids": Rule(
        "The host's own admission or quota says no",
        "ask for less, or ask the host's operator",
    ),
    "HostNotOffered": Rule(
        "An ingress may name hosts under sync.ingresses.hosts only, and must name one",
        "name such a host, or ask the host's operator",
    ),
    "HostRefused": Rule(
        "The host's API does not take the object",
        "mend what the message names",
    ),
    "LimitReached": Rule(
        "The host takes at most isolation.maxObjects objects of each kind",
        "delete some, or ask the host's operator for more",
    ),
    "MissingRight": Rule(
        "The syncer lacks a right on the host",
        "ask whoever installed the virtual cluster: virtualcluster upgrade restores its Role",
    ),
    "NameTaken": Rule(
        "What somebody else made is never taken over",
        "choose another name",
    ),
    "NodePortDiffers": Rule(
        "A node port that is taken on the host becomes another",
        "leave nodePort out, or choose another",
    ),
    "PathRefused": Rule(
        "No path may end a rule in a controller's configuration",
        "use letters, digits and ._~!$&()*+,=:@%/|?^[]-",
    ),
    "PodSecurity": Rule(
        "Every pod must meet isolation.podSecurityStandard on the host",
        "remove what the message names, or ask the operator for another standard",
    ),
    "ResizeRefused": Rule(
        "Resizing in place needs sync.pods.resize",
        "ask the host's operator for it, or make a new pod",
    ),
    "ServiceTypeRefused": Rule(
        "Only the types of isolation.serviceTypes reach the host",
        "use another type, or ask the host's operator",
    ),
    "SidecarsUnknown": Rule(
        "The host's Kubernetes knows no sidecar containers",
        "make them ordinary containers",
    ),
    "StorageClassRefused": Rule(
        "Only the classes of sync.persistentVolumeClaims.storageClasses may be named",
        "name one of those, or ask the host's operator for another",
    ),
    "VolumeNameTaken": Rule(
        "A PersistentVolume of the tenant's own is left alone",
        "delete it, and the claim's volume is shown",
    ),
}


@functools.cache
def known() -> dict[str, Any]:
    """Return what was made from the syncer's sources."""
    text = resources.files("virtualcluster_cli").joinpath("rules.json").read_text("utf-8")
    made: dict[str, Any] = json.loads(text)
    return made


def verdict(table: str, field: str) -> tuple[str, str]:
    """Return the verdict on a field and its reason; "unknown" for one that has none."""
    found = known()["fields"][table].get(field)
    return (found["verdict"], found["why"]) if found else ("unknown", "")


def rule_of(reason: str, message: str) -> Rule:
    """Return the rule behind a Warning of the syncer's."""
    found = RULES.get(reason)
    if found is None:
        return Rule("A rule that this version of the command line does not know", "see the message")
    why = _field_reason(message) if reason == "FieldRefused" else ""
    return found._replace(title=f"{found.title}: {why}") if why else found


def _field_reason(message: str) -> str:
    """Return the reason that stands beside the field which a message begins with."""
    found = re.match(r"(spec|volumes|\w*[cC]ontainers?)\b[^.]*\.(\w+)", message)
    if not found:
        return ""
    tables = {"spec": tuple(TABLES.values()), "volumes": ("VOLUME",)}
    said = [verdict(table, found[2]) for table in tables.get(found[1], ("CONTAINER",))]
    for words in (("refuse", "drop"), ("map",)):
        for word, why in said:
            if word in words and why:
                return why
    return ""
