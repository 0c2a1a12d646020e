"""The messages in the tunnel: numbers as zigzag varints, then what is left of the frame.

number · connection · kind · [milliseconds, for Data and Connect] · content
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

_SEVEN = 0x7F
_MORE = 0x80
_LONGEST = 70  # bits that a number's bytes may hold; 64 are used


class Kind(IntEnum):
    """What a message is; there are two more, for servers among themselves."""

    DATA = 1
    CONNECT = 2
    ERROR = 3


class Message(NamedTuple):
    """One message; `milliseconds` is how long a dial may take."""

    connection: int
    kind: int
    content: bytes
    milliseconds: int = 0


class BadMessage(Exception):
    """The other side does not speak this protocol."""


def encode(number: int, message: Message) -> bytes:
    """Return the frame; each message of a session has a number of its own."""
    head = [number, message.connection, message.kind]
    if message.kind in (Kind.DATA, Kind.CONNECT):
        head.append(message.milliseconds)
    return b"".join(_varint(each) for each in head) + message.content


def decode(frame: bytes) -> Message:
    """Return the message; raise BadMessage for what is none."""
    _, at = _number(frame, 0)
    connection, at = _number(frame, at)
    kind, at = _number(frame, at)
    milliseconds = 0
    if kind in (Kind.DATA, Kind.CONNECT):
        milliseconds, at = _number(frame, at)
    return Message(connection, kind, frame[at:], milliseconds)


def _varint(value: int) -> bytes:
    left = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while left > _SEVEN:
        out.append(left & _SEVEN | _MORE)
        left >>= 7
    out.append(left)
    return bytes(out)


def _number(frame: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < _LONGEST and at < len(frame):
        byte = frame[at]
        at += 1
        value |= (byte & _SEVEN) << shift
        if not byte & _MORE:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
    raise BadMessage("a number is cut short")
