"""Failures that are known, each with the reason that stands in its way: `known.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from lab.errors import LabError
from tests.conformance.profiles import NAMES
from tests.conformance.specs import Spec

FILE = Path(__file__).with_name("known.yaml")


def of_profile(profile: str, specs: Iterable[Spec], file: Path = FILE) -> dict[str, str]:
    """Return spec → reason for a profile; refuse an entry that is about nothing."""
    names = {spec.name for spec in specs}
    found = {}
    for entry in yaml.safe_load(file.read_text()) or ():
        spec, profiles, reason = entry["spec"], entry["profiles"], entry["reason"]
        if spec not in names:
            raise LabError(f"{file.name}: no such spec: {spec}")
        if unknown := sorted(set(profiles) - set(NAMES)):
            raise LabError(f"{file.name}: {spec}: no such profile: {', '.join(unknown)}")
        if profile in profiles:
            found[spec] = " ".join(reason.split())
    return found
