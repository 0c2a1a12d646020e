"""Completion: commands, and the names of the virtual clusters that there are."""

from __future__ import annotations

import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.usefixtures("dev")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("virtualcluster ex", "plain,explain"),
        ("virtualcluster status d", "plain,dev"),
        ("virtualcluster status x", ""),
        ("virtualcluster status -n team-y d", ""),
        ("virtualcluster connect d", "plain,dev"),
    ],
)
def test_bash(cli: Run, words: str, found: str) -> None:
    last = str(len(words.split()) - 1)
    env = {"_VIRTUALCLUSTER_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": last}
    assert cli(**env).stdout.strip() == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(cli: Run, shell: str) -> None:
    assert "virtualcluster" in cli("completion", shell).stdout


def test_a_host_that_cannot_be_reached_completes_nothing_and_says_nothing(cli: Run) -> None:
    env = {"_VIRTUALCLUSTER_COMPLETE": "bash_complete", "COMP_WORDS": "virtualcluster status d"}
    done = cli(**env, COMP_CWORD="2", KUBECONFIG="/nonexistent")
    assert (done.stdout.strip(), done.stderr) == ("", "")
