"""Contexts in the caller's kubeconfig: added by `connect`, taken away by `disconnect`.

Edited as kubectl does it: under `<file>.lock`, which it and client-go respect, and written beside
and renamed, so that whoever reads meanwhile sees a whole file.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from virtualcluster_cli.access import EXTENSION, connection_of, load
from virtualcluster_cli.errors import Trouble

LOCKED = 5.0  # seconds; an edit takes milliseconds
PARTS = ("contexts", "clusters", "users")


def add(
    file: Path, name: str, admin: dict[str, Any], server: str, note: dict[str, str], *, use: bool
) -> None:
    """Add a context whose cluster and user bear its name, or renew it; `use` makes it current."""
    cluster = {**admin["clusters"][0]["cluster"], "server": server}
    extension = {"name": EXTENSION, "extension": note}
    entries = {
        "clusters": {"name": name, "cluster": cluster},
        "users": {"name": name, "user": admin["users"][0]["user"]},
        "contexts": {
            "name": name,
            "context": {"cluster": name, "user": name, "extensions": [extension]},
        },
    }
    with _edited(file) as content:
        for part, entry in entries.items():
            _check(content, part, name, file)
            content[part] = [*_others(content, part, name), entry]
        if use:
            content["current-context"] = name


def remove(file: Path, name: str, before: str) -> bool:
    """Take a context of ours away; if it is current, go back to the one before. Tell if it was."""
    if not any(connection_of(each) for each in _named(load(file), name)):
        return False
    with _edited(file) as content:
        for part in PARTS:
            content[part] = _others(content, part, name)
        if content.get("current-context") == name:
            content["current-context"] = before
    return True


def _named(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = [each for each in content.get("contexts") or () if each["name"] == name]
    return [each.get("context") or {} for each in found]


def _check(content: dict[str, Any], part: str, name: str, file: Path) -> None:
    """Raise Trouble when somebody else's entry has the name."""
    taken = any(each["name"] == name for each in content.get(part) or ())
    if taken and not any(connection_of(each) for each in _named(content, name)):
        raise Trouble(
            f"{file} has {part} called {name!r} that connect did not create",
            "pass --context-name with another name",
        )


def _others(content: dict[str, Any], part: str, name: str) -> list[Any]:
    return [each for each in content.get(part) or () if each["name"] != name]


@contextlib.contextmanager
def _edited(file: Path) -> Iterator[dict[str, Any]]:
    """Give the content to change; write it back unless the block fails."""
    try:
        target = file.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target):
            content = load(target)
            content.setdefault("apiVersion", "v1")
            content.setdefault("kind", "Config")
            yield content
            handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "w") as new:  # mkstemp lets nobody else read it
                    yaml.safe_dump(content, new, sort_keys=False)
                Path(beside).replace(target)
            except BaseException:
                Path(beside).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise Trouble(
            f"{file} cannot be written ({error.strerror})",
            "correct that, or use another file with --kubeconfig-out",
        ) from None


@contextlib.contextmanager
def _lock(file: Path) -> Iterator[None]:
    lock = file.with_name(f"{file.name}.lock")
    deadline = time.monotonic() + LOCKED
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                raise Trouble(
                    f"{file} is locked by another program", f"if no program uses it, delete {lock}"
                ) from None
            time.sleep(0.05)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
