"""The port-forward: it outlives its pod, and a client does not see the pod's restart."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.fakes import Served
from virtualcluster_cli.access import Access
from virtualcluster_cli.forward import Target, forwarded


@contextlib.contextmanager
def echo(greeting: bytes = b"") -> Iterator[int]:
    """A server that says everything back, after its greeting; gives its port."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=answer, args=(client,), daemon=True).start()

    def answer(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(greeting)
            while block := client.recv(65536):
                client.sendall(block)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.fixture
def access(config: Path) -> Access:
    """The host; its own fixture serves it."""
    return Access(str(config), "host", "team-x", None)


def ask(port: int, words: bytes) -> bytes:
    """Say words to a port; return as many bytes as come back, at most as many as were said."""
    with socket.create_connection(("127.0.0.1", port), 10.0) as client:
        client.sendall(words)
        heard = b""
        while len(heard) < len(words):
            block = client.recv(65536)
            if not block:
                break
            heard += block
        return heard


@pytest.mark.parametrize("size", [1, 70_000, 3_000_000])
def test_bytes_arrive_whole_and_in_order(host: Served, access: Access, size: int) -> None:
    words = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with echo() as port:
        host.api.behind["dev-0", 8443] = lambda: port
        with forwarded(access, Target("team-x", "dev-0", 8443)) as local:
            assert ask(local, words) == words


def test_each_connection_has_a_port_forward_of_its_own(host: Served, access: Access) -> None:
    with echo() as port:
        host.api.behind["dev-0", 8443] = lambda: port
        with forwarded(access, Target("team-x", "dev-0", 8443)) as local:
            assert [ask(local, b"a"), ask(local, b"b")] == [b"a", b"b"]
    assert host.api.forwards == 2


def test_a_connection_waits_for_a_pod_that_is_not_there_yet(host: Served, access: Access) -> None:
    with echo() as port, forwarded(access, Target("team-x", "dev-0", 8443)) as local:

        def arrive() -> None:
            host.api.behind["dev-0", 8443] = lambda: port

        threading.Timer(0.5, arrive).start()
        assert ask(local, b"hello") == b"hello"


def test_what_was_said_to_a_pod_that_does_not_listen_yet_is_said_again(
    host: Served, access: Access
) -> None:
    with echo() as port, forwarded(access, Target("team-x", "dev-0", 8443)) as local:
        answers = iter([None, None, port])
        host.api.behind["dev-0", 8443] = lambda: next(answers)
        assert ask(local, b"hello") == b"hello"
    assert host.api.forwards == 3


def test_patience_ends(access: Access) -> None:
    with forwarded(access, Target("team-x", "gone-0", 8443), 0.5) as local:
        assert ask(local, b"hello") == b""


def test_a_connection_that_talks_is_not_cut_when_patience_would_end(
    host: Served, access: Access
) -> None:
    with echo() as port:
        host.api.behind["dev-0", 8443] = lambda: port
        with (
            forwarded(access, Target("team-x", "dev-0", 8443), 0.3) as local,
            socket.create_connection(("127.0.0.1", local), 5.0) as client,
        ):
            client.sendall(b"a")
            assert client.recv(1) == b"a"
            threading.Event().wait(0.5)
            client.sendall(b"b")
            assert client.recv(1) == b"b"


def test_credentials_that_ran_out_are_read_again(host: Served, access: Access) -> None:
    host.api.denied = 1
    with echo() as port:
        host.api.behind["dev-0", 8443] = lambda: port
        with forwarded(access, Target("team-x", "dev-0", 8443)) as local:
            assert ask(local, b"hello") == b"hello"


def test_a_right_that_is_missing_ends_the_connection_at_once(host: Served, access: Access) -> None:
    host.api.denied = 2
    with forwarded(access, Target("team-x", "dev-0", 8443)) as local:
        assert ask(local, b"hello") == b""
    assert host.api.denied == 0
