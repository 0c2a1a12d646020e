"""Helm, run as a program: it creates, upgrades and deletes, and nothing else does."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple

from virtualcluster_cli.access import Access
from virtualcluster_cli.errors import (
    NoProgram,
    NoRight,
    NotFound,
    NotReady,
    Trouble,
    one_line,
)

OLDEST = (3, 8)
"""The first that takes charts from registries without being asked twice."""


class Done(NamedTuple):
    """How helm ended."""

    code: int
    out: str
    err: str


class Helm:
    """Helm under the caller's own user."""

    def __init__(self, access: Access) -> None:
        program = shutil.which("helm")
        if program is None:
            raise NoProgram(
                "helm is not installed, and it is what creates, upgrades and deletes",
                "install Helm 3 (https://helm.sh/docs/intro/install)",
            )
        self._program = program
        self._access = access

    def check(self) -> None:
        """Raise Trouble for a helm that is too old."""
        said = self._run("version", "--template", "{{.Version}}").out
        found = re.search(r"v(\d+)\.(\d+)", said)
        if found and (int(found[1]), int(found[2])) < OLDEST:
            raise Trouble(
                f"helm {said.strip()} is too old", f"install {OLDEST[0]}.{OLDEST[1]} or newer"
            )

    def pull(self, chart: str, repository: str, version: str, directory: Path) -> None:
        """Fetch a chart and unpack it into a directory."""
        flags = [f"--repo={repository}"] if repository else []
        flags += [f"--version={version}"] if version else []
        archive = Path(chart)
        if archive.is_file():
            try:
                shutil.unpack_archive(archive, directory, filter="data")
            except (shutil.ReadError, ValueError):
                raise Trouble(f"{chart} is no chart's archive", "pass another --chart") from None
            return
        if not repository and "://" not in chart:
            raise NotFound(f"there is no chart at {chart}", "pass another --chart")
        done = self._run("pull", chart, "--untar", f"--untardir={directory}", *flags)
        if done.code != 0:
            raise Trouble(
                f"the chart cannot be had from {repository or chart} ({_last(done.err)})",
                "check the address and the version",
            )

    def release(self, name: str, namespace: str) -> str:
        """Return the state of a release, such as "deployed"; empty when there is none."""
        done = self._host("status", name, f"--namespace={namespace}", "--output=json")
        if done.code == 0:
            return str(json.loads(done.out)["info"]["status"])
        if "not found" in done.err:
            return ""
        raise trouble(done.err)

    def start(self, *args: str) -> Running:
        """Start helm with the host's flags; it runs beside us."""
        return Running(self._command(*args), self._access)

    def uninstall(self, name: str, namespace: str) -> Done:
        """Delete a release."""
        return self._host("uninstall", name, f"--namespace={namespace}", "--wait")

    def _host(self, *args: str) -> Done:
        return Running(self._command(*args), self._access).result()

    def _run(self, *args: str) -> Done:
        return Running([self._program, *args], self._access).result()

    def _command(self, *args: str) -> list[str]:
        return [self._program, *args, *self._access.flags("helm")]


class Running:
    """A helm that runs; what it says is read meanwhile."""

    def __init__(self, command: list[str], access: Access) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=access.environment(),
        )
        self._said = ("", "")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def running(self) -> bool:
        """Tell whether it still runs."""
        return self._reader.is_alive()

    def end(self) -> None:
        """Ask it to end, as Ctrl-C does, and wait: it records what it did."""
        self._process.terminate()
        self._reader.join()

    def result(self) -> Done:
        """Wait for its end."""
        self._reader.join()
        return Done(self._process.returncode, *self._said)

    def _read(self) -> None:
        self._said = self._process.communicate()


def warnings(said: str) -> list[str]:
    """Return what the chart's notes warn of, a line each."""
    return [one_line(each) for each in re.findall(r"(?ms)^Warning: (.+?)(?:\n\n|\Z)", said)]


def trouble(said: str) -> Trouble:
    """Return what a failed helm means, in one line with a cure."""
    said = re.sub(r"(?m)^Use --debug flag.*$", "", said)
    if refusal := _logged(said):
        return Trouble(refusal)  # what the preflight check says, which names the cure
    if "already exists and cannot be imported" in said or "exists and cannot be" in said:
        what = re.search(r'(\w+ "[^"]+") in namespace "([^"]*)" exists', said)
        return Trouble(
            f"{what[1] if what else 'an object'} is there already and is not of this release",
            "choose another name, or delete it",
        )
    if values := re.search(
        r"(?s)values don't meet the specifications.*?:\n.*?\n((?:- .+\n?)+)", said
    ):
        lines = "; ".join(line.removeprefix("- ") for line in values[1].splitlines())
        return Trouble(f"the values are not valid: {lines}", "see the chart's README for the keys")
    if refused := re.search(r"(?s)execution error at \([^)]*\):\s*(.+)", said):
        return Trouble(refused[1])  # the chart's own words, which name the cure
    if right := re.search(r'cannot (\S+) resource "([^"]+)"(?:.*?namespace "([^"]+)")?', said):
        where = f"in namespace {right[3]}" if right[3] else "in the whole cluster"
        return NoRight(
            f"you may not {right[1]} {right[2]} {where}",
            "ask whoever runs the host for the ClusterRole admin in the namespace, or leave the"
            " values off that need more",
        )
    if "incompatible with Kubernetes" in said:
        return Trouble(_last(said), "use a newer host, or an older chart")
    if "context deadline exceeded" in said or "timed out waiting" in said:
        return NotReady(
            "helm has waited in vain for its objects to be made or to go",
            "see what they wait for with kubectl get all,pvc in the namespace, and try again",
        )
    if missing := re.search(r'namespaces? "([^"]+)" not found', said):
        return NotFound(
            f"there is no namespace {missing[1]!r}", f"kubectl create namespace {missing[1]}"
        )
    if file := re.search(r"open ([^:]+): no such file", said):
        return NotFound(f"there is no file {file[1]}", "mend the path")
    if "failed to parse" in said or "error converting YAML" in said:
        return Trouble(f"a values file is not valid YAML ({_last(said)})", "mend it")
    return Trouble(f"helm failed: {_last(said)}")


def _logged(said: str) -> str:
    """Return the error that a pod of the chart's logged, if helm passed its log on."""
    for line in said.splitlines():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return str(json.loads(line)["error"])
    return ""


def _last(said: str) -> str:
    """Return the last thing that helm says, without its ceremony."""
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("WARN")]
    at = next((i for i, line in enumerate(lines) if line.startswith("Error:")), len(lines) - 1)
    return one_line(" ".join(lines[at:])).removeprefix("Error: ")[:600] if lines else "no message"
