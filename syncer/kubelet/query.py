"""Query strings of kubelet requests, parsed to known keys and put into the host API's words. Pure.

A key that is not in the table, a second value for a single-valued key, or a value of the wrong
form is refused: nothing of the client's text reaches the host unread (threats.md G3).
The tables follow pkg/registry/core/pod/strategy.go (what API servers send) and
pkg/kubelet/server/server.go (what kubelets accept) of Kubernetes 1.16 to 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from syncer.kubelet.errors import BadRequest
from syncer.kubelet.types import Pairs

MAX_INT64 = 2**63 - 1  # the API's own type for all log numbers
MAX_PORT = 65535
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,19}")

# A parser takes one value and returns the host's spelling; ValueError means "not of this form".
Parser = Callable[[str], tuple[str, ...]]


class Key(NamedTuple):
    """One known key: its name in the host API, its form, and whether it may repeat."""

    host: str
    parse: Parser
    repeat: bool = False


def _choice(spelling: Mapping[str, str]) -> Parser:
    """Make a parser for a closed set of values."""

    def parse(text: str) -> tuple[str, ...]:
        if text not in spelling:
            raise ValueError(text)
        return (spelling[text],)

    return parse


def _number(least: int) -> Parser:
    """Make a parser for decimal numbers from `least` up to int64."""

    def parse(text: str) -> tuple[str, ...]:
        if not _DIGITS.fullmatch(text) or not least <= int(text) <= MAX_INT64:
            raise ValueError(text)
        return (str(int(text)),)

    return parse


def _time(text: str) -> tuple[str, ...]:
    if not _RFC3339.fullmatch(text):
        raise ValueError(text)
    return (text,)


def _ports(text: str) -> tuple[str, ...]:
    """Split `80,443`, the form in which the API server hands several ports to a kubelet."""
    ports = text.split(",")
    if not all(_DIGITS.fullmatch(port) and 1 <= int(port) <= MAX_PORT for port in ports):
        raise ValueError(text)
    return tuple(str(int(port)) for port in ports)


def _argument(text: str) -> tuple[str, ...]:
    """Take any command argument; no program can be given one with a NUL in it."""
    if "\0" in text:
        raise ValueError(text)
    return (text,)


# What apimachinery's Convert_Slice_string_To_bool takes for log options, minus its "anything else".
_BOOL = _choice({"": "true", "1": "true", "true": "true", "0": "false", "false": "false"})
# Kubelets take exactly "1" for true in stream options.
_BIT = _choice({"1": "true", "0": "false", "": "false"})

LOGS: Mapping[str, Key] = {
    "follow": Key("follow", _BOOL),
    "previous": Key("previous", _BOOL),
    "timestamps": Key("timestamps", _BOOL),
    "sinceSeconds": Key("sinceSeconds", _number(1)),
    "sinceTime": Key("sinceTime", _time),
    "tailLines": Key("tailLines", _number(0)),
    "limitBytes": Key("limitBytes", _number(1)),
    "stream": Key("stream", _choice({"All": "All", "Stdout": "Stdout", "Stderr": "Stderr"})),
}
_STREAMS: Mapping[str, Key] = {
    "input": Key("stdin", _BIT),
    "output": Key("stdout", _BIT),
    "error": Key("stderr", _BIT),
    "tty": Key("tty", _BIT),
}
ATTACH = _STREAMS
EXEC: Mapping[str, Key] = {**_STREAMS, "command": Key("command", _argument, repeat=True)}
PORT_FORWARD: Mapping[str, Key] = {"port": Key("ports", _ports, repeat=True)}


def parse_query(raw: str, known: Mapping[str, Key]) -> dict[str, tuple[str, ...]]:
    """Return the host API's keys and values; raise BadRequest for anything not known."""
    result: dict[str, tuple[str, ...]] = {}
    for field in raw.split("&") if raw else ():
        coded_name, _, coded_text = field.partition("=")
        name = _decode(coded_name)
        key = known.get(name)
        if key is None:
            raise BadRequest("unknown query parameter")
        if key.host in result and not key.repeat:
            raise BadRequest(f"query parameter {name} given more than once")
        try:
            values = key.parse(_decode(coded_text))
        except ValueError:
            raise BadRequest(f"invalid value of query parameter {name}") from None
        result[key.host] = result.get(key.host, ()) + values
    return result


def log_pairs(raw: str, container: str) -> Pairs:
    """Return the query of the host's pods/log for the query of a containerLogs request."""
    found = parse_query(raw, LOGS)
    if "sinceSeconds" in found and "sinceTime" in found:
        raise BadRequest("at most one of sinceTime and sinceSeconds may be given")
    # "All" is what every server does anyway; hosts without PodLogsQuerySplitStreams refuse the key.
    if found.get("stream") == ("All",):
        del found["stream"]
    return (("container", container), *_flat(found))


def stream_pairs(raw: str, container: str, known: Mapping[str, Key]) -> Pairs:
    """Return the query of the host's pods/exec or pods/attach."""
    found = parse_query(raw, known)
    if not any(found.get(name) == ("true",) for name in ("stdin", "stdout", "stderr")):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    if known is EXEC and "command" not in found:
        raise BadRequest("you must specify a command")
    return (("container", container), *_flat(found))


def port_pairs(raw: str) -> Pairs:
    """Return the query of the host's pods/portforward (none for SPDY: ports are named inside)."""
    return _flat(parse_query(raw, PORT_FORWARD))


def _flat(found: Mapping[str, tuple[str, ...]]) -> Pairs:
    return tuple((name, value) for name, values in found.items() for value in values)


def _decode(text: str) -> str:
    """Decode once, strictly: Go encodes a space as + and everything else by percent."""
    if ";" in text or _BAD_ESCAPE.search(text):
        raise BadRequest("malformed query string")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise BadRequest("query string is not UTF-8") from None
