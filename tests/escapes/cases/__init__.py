"""All cases whose verdict is about objects, by row."""

from __future__ import annotations

import importlib
import pkgutil

from tests.escapes.case import Case

CASES: list[Case] = [
    case
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name)
    for case in importlib.import_module(f"{__name__}.{found.name}").CASES
]
