"""Says what a release is: whether all that carries its version has it, and its notes.

Behind scripts/release-notes, which the workflow of a release runs before anything is built.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import yaml

from lab.commands import Command
from lab.errors import LabError
from lab.paths import REPO
from virtualcluster_cli import __version__

CHANGELOG = REPO / "CHANGELOG.md"
VERSION = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?")
UNRELEASED = "Unreleased"
TO_VERIFY = """\
## Verify

Images, chart, packages and bills of materials are signed by the workflow that built them; `SIGNER`
is `--certificate-identity URL --certificate-oidc-issuer ISSUER`, with the issuer of its tokens and
the address of this repository's `.github/workflows/release.yaml@refs/tags/v{version}`.

    cosign verify-blob FILE --bundle FILE.sigstore.json SIGNER
    cosign verify IMAGE SIGNER
"""


def versions(root: Path = REPO) -> dict[str, str]:
    """Return what carries the version → the version that it says."""
    chart = yaml.safe_load((root / "charts" / "virtualcluster" / "Chart.yaml").read_text())
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return {
        "the chart's version": chart["version"],
        "the chart's appVersion, the syncer's image": chart["appVersion"],
        "the syncer (pyproject.toml)": project["version"],
        "the command line (virtualcluster_cli)": __version__,
    }


def check(version: str, said: dict[str, str]) -> None:
    """Raise LabError unless all of them say this version."""
    if not VERSION.fullmatch(version):
        raise LabError(f"{version!r} is no version: it must be like 1.2.3 or 1.2.3-rc.1")
    others = [f"{what} says {says}" for what, says in said.items() if says != version]
    if others:
        raise LabError(f"not a release of {version}: {'; '.join(others)}")


def section(changelog: str, version: str) -> str:
    """Return what the changelog says of a version; raise LabError if that is nothing."""
    parts = re.split(r"(?m)^## \[?([^\]\s]+)\]?.*\n", changelog)
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    text = re.sub(r"(?m)^\[[^\]]+\]: .*\n?", "", found.get(version, "")).strip()
    if not text:
        raise LabError(f"CHANGELOG.md says nothing of {version}; it has {', '.join(found)}")
    return text


def notes(version: str, changelog: str) -> str:
    """Return the notes of a release."""
    about = section(changelog, version)
    return f"{about}\n\n{TO_VERIFY.format(version=version)}" if version != UNRELEASED else about


@click.command(cls=Command)
@click.argument("version", default=UNRELEASED)
def main(version: str) -> None:
    """Print the notes of VERSION, of what is not released yet without one.

    Fails unless chart, syncer and command line all have that version and the changelog says what
    it brings.
    """
    if version != UNRELEASED:
        check(version, versions())
    click.echo(notes(version, CHANGELOG.read_text()))


if __name__ == "__main__":
    main(prog_name="scripts/release-notes")
