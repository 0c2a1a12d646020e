"""Shows a virtual cluster on its way, stage by stage, until it is usable or held up for good."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Self

import click
from rich.console import Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from virtualcluster_cli.api import Api, Obj
from virtualcluster_cli.errors import NotReady, Trouble
from virtualcluster_cli.installations import synced_pods_of
from virtualcluster_cli.output import console
from virtualcluster_cli.stages import Held, Stage, View, broken_container, held, stages

Condition = Callable[[], bool]
LOOK = 0.5  # seconds between two looks
PATIENCE = 30.0  # seconds that something wrong may stand: an image's first pull may fail once


def look(host: Api, namespace: str, name: str) -> View:
    """Return what is seen of a virtual cluster now."""
    core = f"/api/v1/namespaces/{namespace}"
    statefulset = host.find(f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}")
    pod = host.find(f"{core}/pods/{name}-0")
    claim = host.find(f"{core}/persistentvolumeclaims/{name}-data")
    preflight = host.find(f"{core}/pods/{name}-preflight") if pod is None else None
    ready = pod is not None and all(each.done for each in stages(View(statefulset, pod), dns=False))
    if ready:
        return View(statefulset, pod, claim, synced=tuple(synced_pods_of(host, namespace, name)))
    uids = {each["metadata"]["uid"] for each in (statefulset, pod, claim) if each is not None}
    events = [
        each
        for each in host.list(f"{core}/events")
        if (each.get("involvedObject") or {}).get("uid") in uids
    ]
    events.sort(key=lambda each: each.get("lastTimestamp") or each.get("eventTime") or "")
    last = _last_line(host, pod)
    return View(statefulset, pod, claim, tuple(events), last_line=last, preflight=preflight)


def until_usable(
    host: Api,
    namespace: str,
    name: str,
    timeout: float,
    *,
    dns: bool = True,
    patience: float = PATIENCE,
    busy: Condition = lambda: False,
) -> None:
    """Show the stages until all are done; raise NotReady when that is not to be.

    `busy` tells whether helm still runs, and raises Trouble when it failed.
    """
    begin = time.monotonic()
    deadline, wrong_since, wrong = begin + timeout, begin, ""
    with _Shown() as shown:
        while True:
            running = busy()
            view = look(host, namespace, name)
            now, steps, why = time.monotonic(), stages(view, dns=dns), held(view)
            shown.update(steps, why)
            if all(each.done for each in steps) and not running:
                return
            # The same cure, the same trouble: what a kubelet says of an image changes all the time.
            if (why.cure if why else "") != wrong:
                wrong_since, wrong = now, why.cure if why else ""
            if why and now - wrong_since > patience:
                raise NotReady(why.cause, why.cure)
            if now > deadline:
                raise _late(name, namespace, timeout, steps, why)
            time.sleep(LOOK)


def wait_until(done: Condition, deadline: float, late: str, namespace: str) -> None:
    """Wait until something is done; raise NotReady, saying what is late, when it is not in time."""
    while not done():
        if time.monotonic() > deadline:
            raise NotReady(late, f"see kubectl get pods -n {namespace}; wait with --timeout")
        time.sleep(LOOK)


def _late(
    name: str, namespace: str, timeout: float, steps: list[Stage], why: Held | None
) -> Trouble:
    if why is not None:
        return NotReady(why.cause, why.cure)
    missing = next((each.name for each in steps if not each.done), "helm")
    return NotReady(
        f"{name!r} is not usable after {timeout:.0f} s: still waiting for: {missing}",
        f"wait longer with --timeout, or see kubectl describe pod {name}-0 -n {namespace}",
    )


class _Shown:
    """The stages on a terminal, or a line for each in a log."""

    def __init__(self) -> None:
        self._console = console(err=True)
        self._live = Live(console=self._console, transient=False) if self._terminal else None
        self._begin = time.monotonic()
        self._took: dict[str, float] = {}
        self._said = ""

    @property
    def _terminal(self) -> bool:
        return self._console.is_terminal

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, steps: list[Stage], why: Held | None) -> None:
        """Show the stages as they are now."""
        for each in steps:
            if each.done and each.name not in self._took:
                self._took[each.name] = time.monotonic() - self._begin
                if self._live is None:
                    click.echo(f"{self._took[each.name]:5.1f} s  {each.name}", err=True)
        said = f"{why.cause}: {why.cure}" if why else ""
        if self._live is not None:
            self._live.update(self._picture(steps, said))
        elif why is not None and why.cure != self._said:
            click.echo(f"held up: {said}", err=True)
        self._said = why.cure if why else ""

    def _picture(self, steps: list[Stage], said: str) -> Group:
        lines: list[Text | Spinner] = []
        current = next((each.name for each in steps if not each.done), "")
        for each in steps:
            if each.done:
                took = self._took.get(each.name, 0.0)
                lines.append(Text.assemble(("✓ ", "green"), each.name, (f"  {took:.1f} s", "dim")))
            elif each.name == current:
                lines.append(Spinner("dots", text=each.name, style="yellow"))
            else:
                lines.append(Text(f"  {each.name}", style="dim"))
        if said:
            lines.append(Text(f"held up: {said}", style="red"))
        return Group(*lines)


def _last_line(host: Api, pod: Obj | None) -> str:
    """Return the last line of a container that keeps crashing."""
    container = broken_container(pod)
    if not container or pod is None:
        return ""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
    query = {"container": container, "previous": "true", "tailLines": "1"}
    try:
        line = host.request("GET", path, query=query).decode(errors="replace").strip()
    except Trouble:
        return ""
    try:
        said = json.loads(line)
        return str(said.get("error") or said.get("event") or line)
    except (ValueError, AttributeError):
        return line[:300]
