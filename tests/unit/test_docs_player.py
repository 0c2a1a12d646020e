"""How pages are played: what goes wrong there is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.waiting import until
from tools.docs import blocks, player, record, recording
from tools.docs.blocks import Block
from tools.docs.player import Differs, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with Shell(tmp_path, os.environ) as made:
        yield made


def _block(text: str, language: str = "sh") -> Block:
    return Block("page.md", 7, language, text)


def test_what_a_block_sets_the_next_one_has(shell: Shell) -> None:
    player.play(shell, _block("name=dev\ncd /\n"), {})
    assert shell.run("echo $name $PWD") == (0, "dev /\n")


def test_a_script_ends_at_the_first_command_that_fails(shell: Shell) -> None:
    assert shell.run("false\necho and on") == (1, "")
    assert shell.run("true") == (0, "")
    with pytest.raises(Differs, match="exit code 1"):
        player.play(shell, _block("false\necho and on\n"), {})


def test_a_pipe_fails_with_any_of_its_parts(shell: Shell) -> None:
    assert shell.run("false | cat")[0] != 0


def test_what_is_shown_and_not_printed_is_noticed(shell: Shell) -> None:
    player.play(shell, _block("$ echo one 1; echo two 2\none 7\ntwo 9\n", "console"), {})
    with pytest.raises(Differs, match="not printed:\nthree"):
        player.play(shell, _block("$ echo one\none\nthree\n", "console"), {})


def test_what_is_shown_to_fail_must_fail(shell: Shell) -> None:
    fails = "echo error: no room; false"
    player.play(shell, _block(f"$ {fails}\nerror: no room\n", "console"), {})
    with pytest.raises(Differs, match="exit code 0"):
        player.play(shell, _block("$ echo error: no room\nerror: no room\n", "console"), {})


def test_a_block_of_yaml_is_the_file_that_it_names(shell: Shell) -> None:
    player.play(shell, _block("# some.yaml\nspace: team-x\n", "yaml"), {"team-x": "e2e-x"})
    assert shell.run("cat some.yaml") == (0, "# some.yaml\nspace: e2e-x\n")


def test_nothing_that_was_started_is_left(tmp_path: Path) -> None:
    with Shell(tmp_path, os.environ) as shell:
        shell.run("sleep 600 & echo $! > pid")
        pid = int((tmp_path / "pid").read_text())
    until("it is gone", lambda: not Path(f"/proc/{pid}/exe").exists(), 10.0)


def test_a_picture_has_the_text_of_the_terminal() -> None:
    seen = "$ create dev\n\x1b[32m✓\x1b[0m objects made  \x1b[2m3.1 s\x1b[0m\n\nNAME   AGE\n"
    svg = recording.picture(seen, "title", "name")
    assert "http://" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in svg.replace("https://www.textualize.io", "")
    lines = [line for line in recording.text(svg).splitlines() if line]
    assert lines == ["$ create dev", "✓ objects made  3.1 s", "NAME   AGE"]


def test_the_recording_shows_what_its_page_shows() -> None:
    block, picture = record.recorded()
    lines = tuple(block.text.splitlines())
    assert blocks.differences(lines, recording.text(picture.read_text())) == []
