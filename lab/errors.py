"""The one error that a user of the lab sees: one line of cause, one of cure."""

from __future__ import annotations


class LabError(Exception):
    """Something that the user can act on; printed without a traceback."""
