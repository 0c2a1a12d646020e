"""Packages the chart for a repository: the same bytes from the same files, whoever does it when.

Behind scripts/package. `helm package` writes the time of the day into the archive, so what it made
is packed anew with names in order and one time for all: SOURCE_DATE_EPOCH, or that of the chart's
last commit. It cannot sign an archive that exists; gpg does, in the form of `helm package --sign`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import click
import yaml

from lab.commands import Command
from lab.errors import LabError
from lab.paths import REPO
from lab.run import output, run

CHART = REPO / "charts" / "virtualcluster"


def package(destination: Path, chart: Path = CHART, epoch: int | None = None) -> Path:
    """Write the chart's archive into a directory, under the name that helm gives it."""
    when = source_date(chart) if epoch is None else epoch
    with tempfile.TemporaryDirectory() as scratch:
        run(["helm", "package", chart, "--destination", scratch])
        (made,) = Path(scratch).iterdir()
        data = repack(made.read_bytes(), when)
    destination.mkdir(parents=True, exist_ok=True)
    target = destination / made.name
    target.write_bytes(data)
    return target


def repack(archive: bytes, epoch: int) -> bytes:
    """Return the same files in an archive that depends on nothing but their names and contents."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as source,
        gzip.GzipFile("", "wb", 9, packed, mtime=epoch) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as target,
    ):
        # Chart.yaml stays first: helm's readers go by it.
        first = source.getnames()[0]
        for member in sorted(source, key=lambda each: (each.name != first, each.name)):
            entry = tarfile.TarInfo(member.name)
            entry.size, entry.mtime, entry.mode = member.size, epoch, 0o644
            target.addfile(entry, source.extractfile(member))
    return packed.getvalue()


def source_date(chart: Path) -> int:
    """Return the time that the archive carries, in seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given:
        if not given.isdigit():
            raise LabError(f"SOURCE_DATE_EPOCH={given}: it must be a number of seconds since 1970")
        return int(given)
    try:
        last = output(["git", "-C", chart, "log", "-1", "--format=%ct", "--", "."])
    except (LabError, FileNotFoundError):
        last = ""
    if not last:
        raise LabError("the chart is in no git history: set SOURCE_DATE_EPOCH to its time")
    return int(last)


def sign(archive: Path, key: str) -> Path:
    """Write the provenance file of an archive, signed by a key of gpg's: `helm verify` reads it."""
    with tarfile.open(archive) as source:
        first = source.extractfile(source.getnames()[0])
        assert first is not None
        metadata = yaml.safe_load(first)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    files = {"files": {archive.name: f"sha256:{digest}"}}
    message = f"{yaml.safe_dump(metadata)}\n...\n{yaml.safe_dump(files)}"
    target = archive.with_name(f"{archive.name}.prov")
    command = ["gpg", "--batch", "--yes", "--local-user", key, "--digest-algo", "SHA512"]
    done = subprocess.run(
        [*command, "--output", str(target), "--clearsign"],
        input=message.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise LabError(f"gpg does not sign with {key}: {done.stderr.decode().strip()}")
    return target


def index(directory: Path, url: str) -> Path:
    """Write the index of a repository; archives of other versions that it lists stay listed."""
    target = directory / "index.yaml"
    command: list[str | Path] = ["helm", "repo", "index", directory]
    command += ["--url", url] if url else []
    command += ["--merge", target] if target.exists() else []
    run(command)
    return target


@click.command(cls=Command)
@click.option(
    "--destination",
    type=click.Path(file_okay=False, path_type=Path),
    default=REPO / "build" / "charts",
    help="Where it goes.  [default: build/charts]",
)
@click.option("--sign", "key", default="", metavar="KEY", help="Sign with this key of gpg's, too.")
@click.option("--url", default="", help="Where the repository will be; needed by few of its users.")
def main(destination: Path, key: str, url: str) -> None:
    """Package the chart, sign it if asked, and write the repository's index beside it.

    What DESTINATION holds then can be served as it is, for `helm install --repo`; for a registry,
    `helm push DESTINATION/virtualcluster-VERSION.tgz oci://…` takes the provenance file along.
    """
    made = [package(destination)]
    if key:
        made.append(sign(made[0], key))
    made.append(index(destination, url))
    for path in made:
        click.echo(path)


if __name__ == "__main__":
    main(prog_name="scripts/package")
