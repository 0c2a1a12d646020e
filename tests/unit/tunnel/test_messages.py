"""The messages in the tunnel, against frames that k3s' own library wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer.tunnel.messages import BadMessage, Kind, Message, decode, encode

SIXTY_FOUR = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("frame", "number", "message"),
    [
        (
            "a4f5e7ffa088c1e59a010404b0ea017463702f3132372e302e302e313a3130333530",
            5577006791947779410,
            Message(2, Kind.CONNECT, b"tcp/127.0.0.1:10350", 15000),
        ),
        (
            "a6f5e7ffa088c1e59a0104020068656c6c6f",
            5577006791947779411,
            Message(2, Kind.DATA, b"hello"),
        ),
        ("05d804028b0178", -3, Message(300, Kind.DATA, b"x", -70)),
        ("80010406454f46", 64, Message(2, Kind.ERROR, b"EOF")),
    ],
)
def test_frames_of_the_library(frame: str, number: int, message: Message) -> None:
    assert decode(bytes.fromhex(frame)) == message
    assert encode(number, message).hex() == frame


@given(SIXTY_FOUR, SIXTY_FOUR, st.sampled_from(Kind), st.binary(), SIXTY_FOUR)
def test_what_is_encoded_is_decoded(
    number: int, connection: int, kind: Kind, content: bytes, milliseconds: int
) -> None:
    message = Message(connection, kind, content, 0 if kind == Kind.ERROR else milliseconds)
    assert decode(encode(number, message)) == message


@pytest.mark.parametrize(
    "frame", [b"", b"\x02", b"\x02\x02", b"\x02\x02\x02", b"\x80", b"\xff" * 20]
)
def test_what_is_cut_short_is_no_message(frame: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(frame)
