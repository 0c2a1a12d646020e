"""What a case is, and what came of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.play import Play


@dataclass(frozen=True)
class Case:
    """A fault in one form; `play` raises AssertionError when something does not hold."""

    row: str
    """Of the threat list: R1 to R30."""
    name: str
    fault: str
    """What is done, for the table."""
    play: Callable[[Play], None]
    fast: bool = False
    """It is in the part that CI runs."""

    @property
    def id(self) -> str:
        """Return what it is called."""
        return f"{self.row}-{self.name}"


@dataclass
class Result:
    """What came of a case."""

    id: str
    row: str
    fault: str
    injected: int = 0
    """How often the fault was made."""
    seconds: list[float] = field(default_factory=list)
    """How long it took, each time, until both sides were as without the fault."""
    lost: int = 0
    doubled: int = 0
    orphaned: int = 0
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    took: float = 0.0

    @property
    def failed(self) -> bool:
        """Tell whether it did not hold."""
        return bool(self.problem)
