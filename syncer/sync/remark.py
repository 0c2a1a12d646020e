"""A warning that is a result: the object is in step, and its tenant is to know something."""

from __future__ import annotations

from typing import NamedTuple

from syncer.kube.objects import Obj


class Remark(NamedTuple):
    """What the tenant is told about an object that is in step, all but for this."""

    about: Obj
    """The virtual object that the Warning stands on."""
    reason: str
    message: str
