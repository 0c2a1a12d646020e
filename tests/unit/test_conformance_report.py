"""ginkgo's output is read as it comes: one result for each spec that ended, and nothing else."""

from __future__ import annotations

import pytest

from tests.conformance import report
from tests.conformance.report import Result, SuiteFailed

RULE = report.DELIMITER
NAMES = (
    "[sig-node] Pods should be updated [NodeConformance] [Conformance]",
    "[sig-node] Pods should be updated",
    "[sig-apps] Job should run [Serial] [Conformance]",
)


def read(text: str) -> list[Result]:
    return [result for result, _ in report.results(text.splitlines(keepends=True))]


PASSED = f"""{RULE}
• [7.125 seconds]
[sig-node] Pods should be updated [NodeConformance] [Conformance] [sig-node, Conformance]
k8s.io/kubernetes/test/e2e/common/node/pods.go:343

  Timeline >>
  STEP: Creating a pod @ 11/21/26 13:00:00.1
  [FAILED] in [It] - this is not the verdict @ 11/21/26 13:00:00.2
  << Timeline
{RULE}
"""
FAILED = f"""{RULE}
• [FAILED] [301.000 seconds]
[sig-apps] Job should run [Serial] [It] [Conformance] [sig-apps, Serial, Conformance]
k8s.io/kubernetes/test/e2e/apps/job.go:10

  Timeline >>
  [FAILED] in [It] - k8s.io/kubernetes/test/e2e/apps/job.go:20 @ 11/21/26 13:00:00.2
  << Timeline

  [FAILED] Told to stop trying after 3s.
  pod is not running
  In [It] at: k8s.io/kubernetes@v1.34.4/test/e2e/apps/job.go:20 @ 11/21/26 13:00:00.2
{RULE}
"""
SKIPPED = f"""SSSSSSSSSSSSSSSS
{RULE}
S [SKIPPED] [0.003 seconds]
[sig-apps] Job should run [Serial] [BeforeEach] [Conformance] [sig-apps]
  [BeforeEach] k8s.io/kubernetes/test/e2e/framework/framework.go:1
  [It] k8s.io/kubernetes/test/e2e/apps/job.go:10

  [SKIPPED] needs 3 nodes
  In [BeforeEach] at: k8s.io/kubernetes/test/e2e/apps/job.go:12 @ 11/21/26 13:00:00.2
{RULE}
SSSSS
"""
UNEXPECTED = f"""{RULE}
• [FAILED] [1.000 seconds]
[It] one spec
x.go:1

  [FAILED] creating it: Unexpected error:
      <*errors.StatusError | 0xc0>:
      it is refused
  In [It] at: k8s.io/kubernetes/test/e2e/x.go:2 @ 11/21/26 13:00:00.2
{RULE}
"""


@pytest.mark.parametrize(
    ("text", "state", "seconds", "why", "place"),
    [
        (PASSED, "passed", 7.125, "", ""),
        (
            FAILED,
            "failed",
            301.0,
            "Told to stop trying after 3s. pod is not running",
            "test/e2e/apps/job.go:20",
        ),
        (SKIPPED, "skipped", 0.003, "needs 3 nodes", "test/e2e/apps/job.go:12"),
        (
            UNEXPECTED,
            "failed",
            1.0,
            "creating it: Unexpected error: <*errors.StatusError | 0xc0>: it is refused",
            "test/e2e/x.go:2",
        ),
        (FAILED.replace("FAILED", "PANICKED!"), "failed", 301.0, None, None),
        (FAILED.replace("FAILED", "TIMEDOUT"), "failed", 301.0, None, None),
    ],
)
def test_a_block_is_one_result(
    text: str, state: str, seconds: float, why: str | None, place: str | None
) -> None:
    (result,) = read(text)
    assert (result.state, result.seconds) == (state, seconds)
    assert why is None or result.why == why
    assert place is None or result.place == place


def test_blocks_in_a_row_are_each_told() -> None:
    assert [each.state for each in read(PASSED + FAILED + SKIPPED)] == [
        "passed",
        "failed",
        "skipped",
    ]


@pytest.mark.parametrize("state", report.UNFINISHED)
def test_what_was_stopped_is_no_result(state: str) -> None:
    assert read(FAILED.replace("FAILED", state)) == []


def test_half_a_block_is_no_result() -> None:
    assert read(PASSED.removesuffix(f"{RULE}\n")) == []


def test_a_suite_that_does_not_start_is_no_failure_of_a_spec() -> None:
    text = FAILED.replace("• [FAILED]", "[SynchronizedBeforeSuite] [FAILED]")
    with pytest.raises(SuiteFailed, match="Told to stop trying"):
        read(text)


def test_a_suite_that_starts_is_not_told() -> None:
    assert read(PASSED.replace("•", "[SynchronizedBeforeSuite] PASSED")) == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("[sig-node] Pods should be updated [NodeConformance] [Conformance]", NAMES[0]),
        ("[sig-node] Pods [It] should be updated [NodeConformance] [Conformance]", NAMES[0]),
        ("[sig-node] Pods should be updated [NodeConformance] [Conformance] [a, b]", NAMES[0]),
        ("TOP-LEVEL [BeforeEach] [sig-node] Pods should be updated", None),
        ("[sig-node] Pods should be updated [sig-node]", NAMES[1]),
        ("[It] [sig-apps] Job should run [Serial] [Conformance] [sig-apps]", NAMES[2]),
        ("[sig-apps] Job [BeforeEach] should run [Serial] [Conformance]", NAMES[2]),
        ("[sig-apps] Job [DeferCleanup (Each)] should run [Serial] [Conformance]", NAMES[2]),
        ("[sig-apps] Job should run fast [Conformance]", None),
    ],
)
def test_a_title_names_one_spec(title: str, name: str | None) -> None:
    assert report.matching(title, NAMES) == name
