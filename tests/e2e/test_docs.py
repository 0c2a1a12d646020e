"""The documentation, played: what its pages say is what happens on a real host.

`tests/docs/plan.py` says which pages, in which order; `tests/docs/unplayed.yaml` which blocks are
left out, and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs import blocks, plan, player, reader, record, recording
from tests.docs.player import Shell
from tests.docs.terminal import Terminal
from tests.e2e import extras
from tests.e2e.commandline import IMAGES
from tests.e2e.release import Side
from tests.e2e.session import Session

pytestmark = pytest.mark.timeout(900)
DATABASE = "postgres:lab@postgres.databases.svc:5432/DATABASE?sslmode=disable"
# What is the reader's to replace: the host's ingress class, its issuer, a database.
HERE = {
    "classes={nginx}": "classes={traefik}",
    "ingressClassName: nginx ": "ingressClassName: traefik ",
    "site   nginx  ": "site   traefik  ",
    "cluster-issuer: letsencrypt": "cluster-issuer: lab-ca",
    "user:password@db.example.com:5432/dev": DATABASE,
}


@dataclass
class Reader:
    """Somebody who reads a group of pages: a shell, and what they call their own."""

    name: str
    shell: Shell
    directory: Path
    env: Mapping[str, str]
    instead: Mapping[str, str]

    def create(self) -> None:
        """Make what a page takes for granted."""
        code, said = self.shell.run(f"virtualcluster create dev -n {self.instead['team-x']}")
        assert code == 0, said


@pytest.fixture(scope="module", params=plan.SCENARIOS)
def group(session: Session, host: Side, request: pytest.FixtureRequest) -> Iterator[Reader]:
    name: str = request.param
    for scenario in plan.SCENARIOS[name]:
        extras.demand(host, *scenario.extras)
    namespace = session.reserve(f"docs-{name}")
    session.release("dev", namespace)  # what fails shows its state
    directory = session.scratch / f"docs-{name}"
    env = reader.prepare(directory, session.host.kubectl.kubeconfig, IMAGES)
    database = session.prefix.replace("-", "") + "docs"
    instead = {word: other.replace("DATABASE", database) for word, other in HERE.items()}
    with Shell(directory, env) as shell:
        yield Reader(name, shell, directory, env, {"team-x": namespace, **instead})
        shell.run("virtualcluster disconnect --all")
        shell.run(f"virtualcluster delete dev -n {namespace} --yes")


def test_the_pages_are_true(group: Reader) -> None:
    there = False
    for scenario in plan.SCENARIOS[group.name]:
        if scenario.needs and not there:
            group.create()
        for block in plan.to_play(scenario.page):
            if (block.page, block.line) == record.recorded()[0][0:2]:
                _watch(group)
            else:
                player.play(group.shell, block, group.instead)
        there = scenario.leaves


def _watch(group: Reader) -> None:
    """Play what is recorded in a terminal, and compare with the page and with the picture."""
    block, picture = record.recorded()
    with Terminal(group.directory, group.env) as terminal:
        for step in blocks.steps(block):
            terminal.type(player.replaced(step.command, group.instead))
        seen = terminal.text()
    for shown in (block.text, recording.text(picture.read_text())):
        lines = player.replaced(shown, group.instead).splitlines()
        assert blocks.differences(tuple(lines), seen) == [], seen
