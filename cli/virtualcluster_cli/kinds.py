"""Resource types, found as kubectl finds them: by plural, singular, kind or short name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from virtualcluster_cli.api import Absent, Api, Obj
from virtualcluster_cli.errors import NotFound, Trouble


class Type(NamedTuple):
    """One resource type of one API server."""

    api_version: str
    plural: str
    kind: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of an object, or of a list."""
        root = "api" if "/" not in self.api_version else "apis"
        parts = ["", root, self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        return "/".join([*parts, self.plural, *([name] if name else [])])


def split(text: str) -> tuple[str, str]:
    """Return kind and name of KIND/NAME."""
    kind, slash, name = text.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise Trouble(f"{text!r} is not an object", "write KIND/NAME, such as pod/web-0")
    return kind, name


def resolve(api: Api, text: str) -> Type:
    """Return the type that a word means; `deployments.apps` names the group too."""
    word, _, group = text.lower().partition(".")
    seen: set[str] = set()
    for api_version, each in _served(api):
        if group and api_version.partition("/")[0] != group and not group.startswith("v1"):
            continue
        names = {each["name"], each["kind"].lower(), each.get("singularName", "")}
        names |= {*(each.get("shortNames") or ())}
        if word in names - {""}:
            return Type(api_version, each["name"], each["kind"], each["namespaced"])
        seen |= names - {""}
    near = difflib.get_close_matches(word, sorted(seen), 1)
    raise NotFound(
        f"{api.name} has no kind {text!r}",
        f"did you mean {near[0]!r}?" if near else "kubectl api-resources lists the kinds",
    )


def _served(api: Api) -> Iterator[tuple[str, Obj]]:
    """Yield the types that are served, the core's first: most questions are about those."""
    yield from _of_version(api, "/api/v1", "v1")
    for group in api.json("GET", "/apis")["groups"]:
        preferred = group["preferredVersion"]["groupVersion"]
        yield from _of_version(api, f"/apis/{preferred}", preferred)


def _of_version(api: Api, path: str, api_version: str) -> Iterator[tuple[str, Obj]]:
    try:
        found = api.json("GET", path)["resources"]
    except (Absent, Trouble):
        return  # an aggregated API that is down must not hide the others
    for each in found:
        if "/" not in each["name"]:
            yield api_version, each
