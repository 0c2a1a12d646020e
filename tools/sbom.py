"""Writes bills of materials: what is in the syncer's image, what the command line needs.

Behind scripts/sbom. They are made of the lock files by cyclonedx-py, in CycloneDX, and are the same
bytes each time: every package with its version and the hashes that it may have. What a base image
brings along is in no lock file.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import click

from lab.commands import Command
from lab.errors import LabError
from lab.paths import REPO
from virtualcluster_cli import __version__

VARIABLE = "VC_RELEASE"
"""Where the programs of requirements/release.lock are; scripts/sbom says so."""
SUBJECTS = {
    "virtualcluster-syncer": (REPO / "pyproject.toml", REPO / "syncer" / "requirements.lock"),
    "virtualcluster-cli": (REPO / "cli" / "pyproject.toml", REPO / "cli" / "requirements.lock"),
}


def bill(name: str) -> dict[str, Any]:
    """Return the bill of materials of one of the subjects."""
    home = os.environ.get(VARIABLE)
    if not home:
        raise LabError(f"{VARIABLE} is not set: run scripts/sbom")
    project, lock = SUBJECTS[name]
    command: list[str | Path] = [f"{home}/bin/cyclonedx-py", "requirements", "--pyproject", project]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [*command, "--output-reproducible", "--validate", "-o", "-", lock],
        env={**clean, "PYTHONWARNINGS": "ignore"},  # a lock file says nothing of who needs whom
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"cyclonedx-py cannot read {lock}: {done.stderr.strip()}")
    made: dict[str, Any] = json.loads(done.stdout)
    # The command line's version stands in its source, where cyclonedx-py does not look.
    made["metadata"]["component"].setdefault("version", __version__)
    return made


@click.command(cls=Command)
@click.option(
    "--destination",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPO / "build" / "sbom",
    help="Where they go.  [default: build/sbom]",
)
def main(destination: Path) -> None:
    """Write what the syncer's image and the command line are made of, as CycloneDX in JSON."""
    destination.mkdir(parents=True, exist_ok=True)
    for name in SUBJECTS:
        made = bill(name)
        path = destination / f"{name}-{made['metadata']['component']['version']}.cdx.json"
        path.write_text(f"{json.dumps(made, indent=2, sort_keys=True)}\n")
        click.echo(path)


if __name__ == "__main__":
    main(prog_name="scripts/sbom")
