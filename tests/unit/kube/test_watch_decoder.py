"""Bytes to lines to events: where a line ends, and what a line may be."""

import orjson
import pytest

from syncer.errors import ApiError, Gone, NotFound, ServerError
from syncer.kube.watch_decoder import Event, Lines, decode


def _line(kind: str, obj: object) -> bytes:
    return orjson.dumps({"type": kind, "object": obj})


def _pod(text: str = "") -> dict[str, object]:
    return {"metadata": {"name": "web", "resourceVersion": "7"}, "text": text}


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([b""], []),
        ([b"a"], []),
        ([b"a\n"], [b"a"]),
        ([b"a", b"\n"], [b"a"]),
        ([b"a\nb"], [b"a"]),
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a\nb", b"c\nd", b"\n"], [b"a", b"bc", b"d"]),
        ([b"\n\n  \n"], []),
        ([b"a\r\n"], [b"a\r"]),
        ([b"a\x0bb\x0cc\x1cd\n"], [b"a\x0bb\x0cc\x1cd"]),
    ],
)
def test_line_ends_at_a_newline_and_at_nothing_else(
    chunks: list[bytes], lines: list[bytes]
) -> None:
    buffer = Lines()
    assert [line for chunk in chunks for line in buffer.feed(chunk)] == lines


@pytest.mark.parametrize(
    "text", ["\u0085", "\u2028", "\u2029", "\x1d", "a\nb", "a\r\nb", "\U0001f600"]
)
def test_text_that_other_splitters_cut_stays_whole_in_one_byte_chunks(text: str) -> None:
    stream = _line("ADDED", _pod(text)) + b"\n" + _line("MODIFIED", _pod(text)) + b"\n"
    buffer = Lines()
    lines = [line for byte in stream for line in buffer.feed(bytes([byte]))]
    assert [decode(line) for line in lines] == [
        Event("ADDED", _pod(text)),
        Event("MODIFIED", _pod(text)),
    ]


def test_line_of_four_megabytes_in_network_sized_chunks() -> None:
    stream = _line("ADDED", _pod("x" * 4 * 2**20)) + b"\n"
    buffer = Lines()
    lines = [
        line for at in range(0, len(stream), 1400) for line in buffer.feed(stream[at : at + 1400])
    ]
    assert lines == [stream[:-1]]


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"])
def test_event_keeps_type_and_object(kind: str) -> None:
    assert decode(_line(kind, _pod())) == Event(kind, _pod())


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"code": 410, "reason": "Expired"}, Gone),
        ({"code": 410, "reason": "Gone"}, Gone),
        ({"code": 410}, Gone),
        ({"code": 500, "reason": "Expired"}, Gone),
        ({"reason": "Gone"}, Gone),
        ({"code": 404, "reason": "NotFound"}, NotFound),
        ({"code": 500, "reason": "InternalError"}, ServerError),
        ({}, ServerError),
        ({"code": None}, ServerError),
    ],
)
def test_error_event_raises_the_typed_error(status: object, error: type[ApiError]) -> None:
    with pytest.raises(error):
        decode(_line("ERROR", status))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"type":"ADDED"}',
        b'{"object":{}}',
        b'{"type":"ADDED","object":null}',
        b'{"type":"ADDED","object":[]}',
        b'{"type":"ADDED","object":{}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"no-version"}}}',
        b'{"type":"ERROR","object":null}',
        b'{"type":"ERROR","object":"text"}',
        b'{"type":"ERROR","object":{"code":"many"}}',
        b'\xff{"type":"ADDED"}',
    ],
)
def test_line_that_is_no_event_is_a_server_error_and_no_crash(line: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        decode(line)
    assert caught.value.status == 500
