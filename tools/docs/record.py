"""Records the terminal sessions of the documentation: played for real, in tmux, on a host cluster.

Behind scripts/record. A picture `recordings/NAME.svg` shows the console block before it; what it
shows is compared with each run of tests/e2e/test_docs.py, so that it cannot go stale.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import click

from tests.e2e.shell import run
from tools.docs import blocks, reader, recording
from tools.docs.blocks import ROOT, Block
from tools.docs.player import Shell
from tools.docs.terminal import Terminal

PAGE = "docs/quick-start.md"
NAMESPACE = "team-x"
_PICTURE = re.compile(r"!\[[^]]*\]\((recordings/[^)]+\.svg)\)")


def recorded(page: str = PAGE) -> tuple[Block, Path]:
    """Return the block of a page that is recorded, and the file of its picture."""
    content = (ROOT / page).read_text()
    (found,) = _PICTURE.finditer(content)
    line = content.count("\n", 0, found.start()) + 1
    before = [block for block in blocks.read(ROOT / page) if block.line < line]
    return before[-1], ROOT / "docs" / found[1]


@click.command()
@click.option("--kubeconfig", envvar="KUBECONFIG", type=Path, help="[default: that of the lab]")
def main(kubeconfig: Path | None) -> None:
    """Play the quick start on a host and write docs/recordings/*.svg.

    The host must have no namespace `team-x`: it is made, and removed at the end.
    """
    if kubeconfig is None:
        said = run([str(ROOT / "scripts" / "lab"), "kubeconfig"]).out
        kubeconfig = Path(said.strip())
    block, file = recorded()
    with tempfile.TemporaryDirectory(prefix="record-") as scratch:
        directory = Path(scratch)
        env = reader.prepare(directory, kubeconfig)
        with Shell(directory, env) as shell:
            if shell.run(f"kubectl get namespace {NAMESPACE}")[0] == 0:
                raise click.ClickException(f"the host has a namespace {NAMESPACE}: delete it first")
            try:
                with Terminal(directory, env) as terminal:
                    for step in blocks.steps(block):
                        terminal.type(step.command)
                    seen, plain = terminal.text(colours=True), terminal.text()
            finally:
                shell.run("virtualcluster disconnect --all")
                shell.run(f"virtualcluster delete dev -n {NAMESPACE} --yes")
                shell.run(f"kubectl delete namespace {NAMESPACE}")
    file.parent.mkdir(exist_ok=True)
    file.write_text(recording.picture(seen, "three commands", file.stem))
    click.echo(plain, nl=False)
    if missing := blocks.differences(tuple(block.text.splitlines()), plain):
        raise click.ClickException(f"{block.where} shows otherwise: {missing[0]}")
    click.echo(file)


if __name__ == "__main__":
    main()
