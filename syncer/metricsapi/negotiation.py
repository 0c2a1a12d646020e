"""Which form of an answer a client wants, by its Accept header. Pure."""

from __future__ import annotations

from typing import NamedTuple

_JSON = ("application/json", "application/*", "*/*")
_VERSIONS = {"Table": ("v1", "v1beta1"), "APIGroupDiscoveryList": ("v2", "v2beta1")}


class Form(NamedTuple):
    """`kind` is empty for the resource itself; `version` is that of the other kind."""

    kind: str = ""
    version: str = ""


PLAIN = Form()


def form(accept: str, *kinds: str) -> Form | None:
    """Return the first form that the header names and that is one of `kinds` or plain JSON.

    None when the client takes nothing that can be had here, such as protobuf alone.
    """
    if not accept.strip():
        return PLAIN
    for part in accept.split(","):
        media, *parameters = (each.strip() for each in part.split(";"))
        if media not in _JSON:
            continue
        named = dict(each.partition("=")[::2] for each in parameters)
        kind, version = named.get("as", ""), named.get("v", "")
        if not kind:
            return PLAIN
        if kind in kinds and version in _VERSIONS[kind]:
            return Form(kind, version)
    return None
