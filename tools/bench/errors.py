"""What ends a scenario."""

from __future__ import annotations


class BenchError(Exception):
    """Something did not happen in time, or an answer was none."""
