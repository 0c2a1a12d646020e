"""Every command of the documentation is played, or stands in a list with the reason; all exist."""

from __future__ import annotations

import re

import pytest
import yaml

from tools.docs import blocks, options, plan
from tools.docs.blocks import ROOT, Block, Step

WITH_COMMANDS = plan.with_commands()
ALL = [block for page in blocks.pages() for block in blocks.read(page)]
JOBS = [block for block in ALL if block.language == "yaml" and options.script(block)]


def _id(block: Block) -> str:
    return block.where


@pytest.mark.parametrize("block", WITH_COMMANDS, ids=_id)
def test_a_block_is_played_or_says_why_not(block: Block) -> None:
    reason = plan.unplayed().get(block.page, {}).get(block.first)
    assert reason or block.page in plan.PLAYED


def test_the_list_names_blocks_that_there_are() -> None:
    listed = {(page, first) for page, reasons in plan.unplayed().items() for first in reasons}
    assert listed <= {(block.page, block.first) for block in WITH_COMMANDS}


def test_the_reasons_name_tests_that_there_are() -> None:
    reasons = " ".join(why for each in plan.unplayed().values() for why in each.values())
    for named in re.findall(r"tests/\S+\.py|scripts/[a-z]+|README\.md|cli/README\.md", reasons):
        assert (ROOT / named).is_file(), named


def test_every_page_that_is_played_has_something_to_play() -> None:
    for page in plan.PLAYED:
        assert any(block.language in blocks.SHELL for block in plan.to_play(page)), page


@pytest.mark.parametrize("block", [*WITH_COMMANDS, *JOBS], ids=_id)
def test_commands_options_and_values_exist(block: Block) -> None:
    assert options.wrong(options.script(block)) == []


def test_every_block_has_a_language() -> None:
    assert [block.where for block in ALL if not block.language] == []


def test_commands_are_not_hidden_in_indented_blocks() -> None:
    for page in blocks.pages():
        text = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert re.findall(r"\n\n    (?:\$|kubectl|helm|virtualcluster|scripts/).*", text) == []


def test_yaml_is_yaml() -> None:
    for block in ALL:
        if block.language == "yaml":
            for each in yaml.safe_load_all(block.text):
                assert isinstance(each, dict), block.where


# What is made sure of, by the way: that these checks can fail.
@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("virtualcluster craete dev", "no command craete"),
        ("virtualcluster create dev --kubernets 1.34", "--kubernets"),
        ("cat names | xargs -r -n1 virtualcluster delete --no", "--no"),
        ("virtualcluster create dev --set storage.sise=1Gi", "no value storage.sise"),
        ("helm upgrade dev x --set=sync.nodes.on=true", "no value sync.nodes.on"),
        ("scripts/bench --smal", "--smal"),
        ("scripts/nothing", "no scripts/nothing"),
    ],
)
def test_what_there_is_not_is_found(line: str, says: str) -> None:
    assert says in " ".join(options.wrong(line))


def test_a_console_block_is_commands_with_what_they_print() -> None:
    text = "$ kubectl get ns\nNAME   STATUS\n…\n$ true\n"
    assert blocks.steps(Block("p", 1, "console", text)) == [
        Step("kubectl get ns", ("NAME   STATUS", "…")),
        Step("true", ()),
    ]


PRINTED = """NAME                   READY   AGE
web-5b7c9d-x2x4z-x-dev    1/1     3m12s
deployment ready
"""


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        (("NAME READY AGE", "web-77d867fdb9-v5z8k-x-dev 1/1 5s", "deployment ready"), []),
        (("NAME   READY", "deployment ready"), ["NAME   READY"]),
        (("deployment ready", "NAME READY AGE"), ["NAME READY AGE"]),
        (("web-77d867fdb9-v5z8k-x-prod 1/1 5s",), ["web-77d867fdb9-v5z8k-x-prod 1/1 5s"]),
        (("…", "deployment ready"), []),
    ],
)
def test_what_is_shown_is_printed_but_for_figures(
    shown: tuple[str, ...], missing: list[str]
) -> None:
    assert blocks.differences(shown, PRINTED) == missing
