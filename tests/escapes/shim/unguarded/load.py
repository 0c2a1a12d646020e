"""Brings all guards into the registry."""

from __future__ import annotations

import importlib


def all_() -> None:
    """Import every module of guards."""
    package = __name__.rpartition(".")[0]
    for name in ("pods", "fields", "metadata", "names", "network", "inside"):
        importlib.import_module(f"{package}.{name}")
