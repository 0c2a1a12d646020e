"""The cases, by rows of the threat list."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from tests.faults.case import Case
from tests.faults.reference import Reference


def found(reference: Reference, *, fast: bool) -> Iterator[Case]:
    """Yield all cases: each module has a function `cases`. Found, not listed: none is forgotten."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        name = f"{__name__}.{module.name}"
        yield from importlib.import_module(name).cases(reference, fast=fast)
