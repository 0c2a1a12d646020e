"""Reads ginkgo's verbose output: what came of a spec, as soon as the spec has ended.

ginkgo's own reports are written when a run is over, so one that is interrupted leaves none. With
several processes, each finished spec is printed in one piece between two lines of dashes:

    ------------------------------
    • [FAILED] [12.345 seconds]
    [sig-apps] Job should … [It] do this [Conformance] [sig-apps, Conformance]
    k8s.io/kubernetes/test/e2e/apps/job.go:123

      Timeline >>
      …
      << Timeline

      [FAILED] the message
      In [It] at: k8s.io/kubernetes/test/e2e/apps/job.go:130 @ 11/21/26 12:00:00
    ------------------------------
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DELIMITER = "-" * 30
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
# A spec that ended like this says nothing about what it tests: the run was stopped.
UNFINISHED = ("INTERRUPTED", "ABORTED")

_HEADER = re.compile(
    r"^(?P<sign>[•SP]|↺|\[[A-Za-z]+Suite\])(?: PASSED)?(?: \[(?P<state>[A-Z]+!?)[^\]]*\])?"
    r"(?: \[(?P<seconds>[0-9.]+) seconds\])?$"
)
_NODE = re.compile(
    r" ?\[(?:It|TOP-LEVEL|(?:Just)?(?:Before|After)(?:Each|All)|ReportAfterEach|ReportBeforeEach"
    r"|DeferCleanup \([A-Za-z]+\))\]"
)
_VERDICT = re.compile(r"^ {2}\[(?:FAILED|PANICKED!?|TIMEDOUT|SKIPPED|INTERRUPTED|ABORTED)\] ")
_BRIEF = re.compile(r"^ {2}\[[A-Z!]+\] in \[")  # of the timeline: names the node, not the cause
_PLACE = re.compile(r"^ {2}In \[(?P<node>[^\]]+)\] at: (?:k8s\.io/kubernetes[^/]*/)?(?P<place>\S+)")
_VAGUE = ("Told to stop trying", "Timed out after")
_LONGEST = 400


@dataclass(frozen=True)
class Result:
    """What came of one spec; `name` is the title as printed, `why` empty for a success."""

    name: str
    state: str
    seconds: float = 0.0
    why: str = ""
    place: str = ""


class SuiteFailed(Exception):
    """The suite's own start or end failed: no spec is to blame."""


def results(lines: Iterable[str]) -> Iterator[tuple[Result, list[str]]]:
    """Yield what came of each spec, with its text, once it is in full; skip the unfinished."""
    block: list[str] | None = None
    for raw in lines:
        line = raw.rstrip("\r\n")
        if line != DELIMITER:
            if block is not None:
                block.append(line)
            continue
        if block and (found := _read(block)) is not None:
            yield found, block
        block = []


def matching(title: str, names: Iterable[str]) -> str | None:
    """Return the spec that a title is about: titles carry the node that failed, and labels."""
    plain = " ".join(_NODE.sub(" ", title).split())
    candidates = [each for each in names if _is(plain, " ".join(each.split()))]
    return max(candidates, key=len, default=None)


def _is(plain: str, name: str) -> bool:
    return plain == name or plain.startswith(f"{name} [")


def _read(block: list[str]) -> Result | None:
    header = _HEADER.match(block[0])
    if header is None or len(block) < 2:
        return None
    state = (header["state"] or "").rstrip("!")
    why, place = _why(block)
    if header["sign"].startswith("["):
        if state == "FAILED":
            raise SuiteFailed(f"{block[1]}: {why}")
        return None
    if state in UNFINISHED:
        return None
    verdict = {"": PASSED, "SKIPPED": SKIPPED, "PENDING": SKIPPED, "FLAKEY": PASSED}
    seconds = float(header["seconds"] or 0)
    if header["sign"] == "S":
        state = "SKIPPED"
    return Result(block[1].strip(), verdict.get(state, FAILED), seconds, why, place)


def _why(block: list[str]) -> tuple[str, str]:
    """Return the first telling line of the failure, and where it was raised."""
    starts = [i for i, x in enumerate(block) if _VERDICT.match(x) and not _BRIEF.match(x)]
    if not starts:
        return "", ""
    message, place = [], ""
    for line in block[starts[-1] :]:
        if found := _PLACE.match(line):
            place = found["place"]
            break
        message.append(line.strip())
    text = _VERDICT.sub("", "  " + message[0])
    for line in message[1:]:
        # Go's errors come with a line of introduction, and a dump of the value before the text.
        # Neither a time that ran out nor an introduction says what was wrong.
        vague = text[-1] in ":{" or text.startswith(_VAGUE)
        if len(text) > _LONGEST or (len(text) > 20 and not vague):
            break
        text += f" {line}"
    return " ".join(text.split())[:_LONGEST], place
