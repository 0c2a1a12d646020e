"""The documentation, played: what its pages say is what happens on a real host.

`tools/docs/plan.py` says which pages, in which order; `tools/docs/unplayed.yaml` which blocks are
left out, and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e import extras
from tests.e2e.commandline import IMAGES
from tests.e2e.release import Side
from tests.e2e.session import Session
from tools.docs import blocks, plan, player, reader, record, recording
from tools.docs.plan import SCENARIOS, Scenario
from tools.docs.player import Shell
from tools.docs.terminal import Terminal

pytestmark = pytest.mark.timeout(900)
DATABASE = "postgres:lab@postgres.databases.svc:5432/DATABASE?sslmode=disable"
# What is the reader's to replace: the host's ingress class, its issuer, a database, a registry.
HERE = {
    "classes={nginx}": "classes={traefik}",
    "ingressClassName: nginx ": "ingressClassName: traefik ",
    "site   nginx  ": "site   traefik  ",
    "cluster-issuer: letsencrypt": "cluster-issuer: lab-ca",
    "mirror.example.com": "private.registry.test",
    "docker-username=me --docker-password=secret": "docker-username=lab --docker-password=pull-me",
    "user:password@db.example.com:5432/dev": DATABASE,
}


AT_ONCE = 3
"""Groups of pages that are played at the same time: on two cores they mostly wait."""


class Reader(NamedTuple):
    """Somebody who reads a group of pages: a shell, and what they call their own."""

    shell: Shell
    directory: Path
    env: Mapping[str, str]
    instead: Mapping[str, str]

    def read(self, scenarios: tuple[Scenario, ...]) -> None:
        """Play pages from top to bottom; what one takes for granted is made."""
        there = False
        for scenario in scenarios:
            if scenario.needs and not there:
                create = f"virtualcluster create dev -n {self.instead['team-x']}"
                assert self.shell.run(create)[0] == 0
            for block in plan.to_play(scenario.page):
                if block == record.recorded()[0]:
                    self._watch()
                else:
                    player.play(self.shell, block, self.instead)
            there = scenario.leaves

    def _watch(self) -> None:
        """Play what is recorded in a terminal, and compare with the page and with the picture."""
        block, picture = record.recorded()
        with Terminal(self.directory, self.env) as terminal:
            for step in blocks.steps(block):
                terminal.type(player.replaced(step.command, self.instead))
            seen = terminal.text()
        for shown in (block.text, recording.text(picture.read_text())):
            lines = player.replaced(shown, self.instead).splitlines()
            assert blocks.differences(tuple(lines), seen) == [], seen


def _read(session: Session, name: str) -> None:
    namespace = session.reserve(f"docs-{name}")
    session.release("dev", namespace)  # what fails shows its state
    directory = session.scratch / f"docs-{name}"
    env = reader.prepare(directory, session.host.kubectl.kubeconfig, IMAGES)
    database = f"{session.prefix.replace('-', '')}docs"
    instead = {word: other.replace("DATABASE", database) for word, other in HERE.items()}
    with Shell(directory, env) as shell:
        try:
            Reader(shell, directory, env, {"team-x": namespace, **instead}).read(SCENARIOS[name])
        finally:
            shell.run("virtualcluster disconnect --all")


def _extras(name: str) -> list[str]:
    return [extra for each in SCENARIOS[name] for extra in each.extras]


@pytest.fixture(scope="module")
def readers(session: Session, request: pytest.FixtureRequest) -> Iterator[dict[str, Future[None]]]:
    """All groups that are asked for and can be played here, from the first test on."""
    asked = [
        str(item.callspec.params["name"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    ]
    names = [name for name in asked if not extras.missing(session.host, *_extras(name))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(_read, session, name) for name in names}
    for name in names:
        session.host.api.delete("Namespace", f"{session.prefix}-docs-{name}")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_pages_are_true(host: Side, readers: dict[str, Future[None]], name: str) -> None:
    extras.demand(host, *_extras(name))
    readers[name].result()
