"""Contexts in a kubeconfig: everything else in the file stays as it is."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from virtualcluster_cli import access, contexts
from virtualcluster_cli.errors import Trouble

ADMIN = {"clusters": [{"cluster": {"server": "x"}}], "users": [{"user": {"token": "t"}}]}
NOTE = {"name": "dev", "namespace": "team-x", "hostContext": "host"}
OTHERS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "preferences": {"colors": True},
    "clusters": [{"name": "host", "cluster": {"server": "https://host"}}],
    "users": [{"name": "me", "user": {"exec": {"command": "login"}}}],
    "contexts": [{"name": "host", "context": {"cluster": "host", "user": "me"}}],
    "current-context": "host",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "config"
    made.write_text(yaml.safe_dump(OTHERS))
    return made


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text())
    return content


def add(file: Path, name: str = "dev", *, use: bool = True) -> None:
    contexts.add(file, name, ADMIN, "https://127.0.0.1:1", NOTE, use=use)


def test_added_and_removed_nothing_else_has_changed(file: Path) -> None:
    add(file)
    content = read(file)
    assert content["users"][0] == OTHERS["users"][0]
    assert content["preferences"] == {"colors": True}
    assert contexts.remove(file, "dev", "host")
    assert read(file) == OTHERS


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    made = tmp_path / "new" / "config"
    add(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert list(made.parent.iterdir()) == [made]


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    add(link)
    assert link.is_symlink()
    assert read(file)["current-context"] == "dev"


def test_the_current_context_is_left_when_somebody_has_chosen_another(file: Path) -> None:
    add(file)
    content = read(file) | {"current-context": "host"}
    file.write_text(yaml.safe_dump(content))
    contexts.remove(file, "dev", "another")
    assert read(file)["current-context"] == "host"


def test_what_connect_did_not_make_is_neither_replaced_nor_removed(file: Path) -> None:
    with pytest.raises(Trouble, match="that connect did not create"):
        add(file, "host")
    assert not contexts.remove(file, "host", "")
    assert read(file) == OTHERS
    assert not file.with_name("config.lock").exists()


def test_edits_at_once_lose_nothing(file: Path) -> None:
    threads = [threading.Thread(target=add, args=(file, f"dev-{n}")) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each["name"] for each in read(file)["contexts"]} == {"host"} | {
        f"dev-{n}" for n in range(8)
    }


def test_whoever_is_inside_means_the_host_that_they_came_from(file: Path) -> None:
    add(file)
    found = access.find(str(file))
    assert (found.context, found.namespace) == ("host", "default")
    assert found.inside == NOTE


def test_a_host_context_that_is_gone_is_said(file: Path) -> None:
    add(file)
    content = read(file)
    content["contexts"] = [each for each in content["contexts"] if each["name"] != "host"]
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(Trouble, match="from a context 'host' that does not exist any more"):
        access.find(str(file))


def test_the_first_of_several_files_says_the_current_context(file: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    add(second, "other")
    found = access.find(f"{file}:{second}")
    assert found.context == "host"
