"""Servers that start: what they make, where they listen, what they answer, how they end."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from tests.contract import files, objects, wire
from tests.contract.arguments import Place
from tests.contract.inside import found as inside_of
from tests.contract.inside import ready
from tests.contract.server import START, Process, children
from tests.e2e.waiting import until

OWN, FOREIGN = "own.contract.example", "foreign.contract.example"
TOKEN, PORT, DOMAIN = "a-token-of-the-contract", 7443, "contract.local"
KEPT = "kept"


def main(place: Place, found: dict[str, Any]) -> None:
    """See a server with the arguments of the preset, and the next one on its data."""
    data = place.data("main")
    server = place.start(data, *place.server())
    inside = ready(server, wire.PORT)
    found["answers"] = wire.answers()
    found["shown"] = wire.shown(None)
    found["processes"] = processes(server)
    # Nodes are watched from then on, and with them the names that a client may ask for.
    found["node"] = objects.first_node(inside)
    found["foreign"] = wire.shown(FOREIGN)
    found |= objects.seen(inside)  # a name is stored after the handshake; this takes longer
    found["again"] = wire.shown(None)
    found["listening"] = wire.listening()
    found |= files.seen(data, server)
    inside.keep(KEPT)
    found["stop"] = ended(server)
    found["restart"] = restart(place, found)


def restart(place: Place, before: dict[str, Any]) -> dict[str, Any]:
    """See the next server on the data of the first: it has the token from there."""
    data = place.data("main")
    server = place.start(data, *place.server())
    inside = ready(server, wire.PORT)
    after = files.seen(data, server)
    return {
        "keeps objects": inside.kept(KEPT),
        "keeps authorities": after["authorities"] == before["authorities"],
        "keeps the token": after["token"] == before["token"],
        "keeps leaves": changed(before["leaves"], after["leaves"], "server/") == [],
        "the agent's anew": changed(before["leaves"], after["leaves"], "agent/"),
        "stop": ended(server),
    }


def variant(place: Place, found: dict[str, Any]) -> None:
    """See a server with other arguments than those of a preset, and one with another token."""
    data = place.data("variant")
    more = [
        f"--token={TOKEN}",
        f"--tls-san={OWN}",
        f"--https-listen-port={PORT}",
        f"--cluster-domain={DOMAIN}",
        "--kube-apiserver-arg=endpoint-reconciler-type=none",
    ]
    if not place.old:
        more += ["--tls-san-security=false", "--disable-helm-controller"]
    args = place.server(*more, without=["--disable-scheduler"])
    args = [each.replace(",runtimes", "") for each in args]
    server = place.start(data, *args)
    inside = ready(server, PORT)
    found["shown"] = wire.shown(None, port=PORT)
    found["foreign"] = foreign(PORT)
    found["issuer"] = inside.issuer()
    found["objects"] = objects.settled(inside)
    found["endpoints"] = objects.endpoints(inside)
    found["listening"] = wire.listening()
    found["token"] = (data / "server/token").read_text().strip().rpartition(":")[2]
    found["stop"] = ended(server)
    other = [each.replace(TOKEN, "another-token") for each in args]
    said = "bootstrap data already found and encrypted with different token"
    found["other token"] = outcome(place.start(data, *other), PORT, said)


def changed(before: dict[str, str], after: dict[str, str], where: str) -> list[str]:
    """Return which of the certificates in a place a restart has changed, made or removed."""
    other = {*before.items()} ^ {*after.items()}
    return sorted({name for name, _ in other if name.startswith(where)})


def foreign(port: int) -> dict[str, Any]:
    """Return the certificate after clients have asked for a foreign name."""
    found: dict[str, Any] = {}

    def gained() -> bool:
        found.update(wire.shown(FOREIGN, port=port))
        return FOREIGN in found["sans"]

    with contextlib.suppress(AssertionError):  # without it that is for the judge to say
        until("the certificate has the name", gained, START)
    return found


def processes(server: Process) -> list[str]:
    """Return the names of the first process and of those that it has started."""
    first = server.first()
    return [name(first), *sorted(name(each) for each in children(first))]


def name(pid: int) -> str:
    """Return what a process calls itself."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return " ".join(word.decode() for word in words[:2] if not word.startswith(b"-"))


def ended(server: Process) -> dict[str, Any]:
    """End a server, and say how that went."""
    end = server.stop()
    return {"code": end.code, "seconds": round(end.seconds, 1)}


def outcome(server: Process, port: int, said: str) -> dict[str, Any]:
    """Return whether a server becomes ready; else how it ends, and whether it says this."""
    until("it is ready or has ended", lambda: not server.runs() or inside_of(server, port), START)
    if server.runs():
        server.kill()
        return {"starts": True}
    end = server.end()
    return {"starts": False, "code": end.code, "named": said in end.log}
