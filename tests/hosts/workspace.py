"""A git repository for chart-testing: the chart before its last change, and as it is now.

`ct install --upgrade` installs what the target branch holds and upgrades it to what is checked out.
It looks for both in the repository that it runs in, which here has just these two commits.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from lab.errors import LabError
from lab.paths import REPO
from lab.run import output, run
from tests.hosts import presets

CHART = Path("charts") / "virtualcluster"
_IDENTITY = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "scripts/test hosts"), ("EMAIL", "hosts@localhost"))
}


def make(directory: Path, values: Collection[str], before: str, repository: Path = REPO) -> Path:
    """Make it for these values files; `before` is a commit of the repository."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    _git(directory, "init", "--quiet", "--initial-branch=main")
    _unpack(repository, before, directory)
    _commit(directory, values, f"The chart at {before}")
    # ct names the target branch by its remote.
    _git(directory, "remote", "add", "origin", str(directory))
    _git(directory, "fetch", "--quiet", "origin")
    _git(directory, "checkout", "--quiet", "-b", "change")
    shutil.rmtree(directory / CHART)
    shutil.copytree(repository / CHART, directory / CHART)
    shutil.copy(repository / "ct.yaml", directory)
    _commit(directory, values, "The chart of the working tree")
    return directory


def previous(repository: Path = REPO) -> str:
    """Return the commit of the chart that users have: the newest tag, or before the last change."""
    tags = output(["git", "-C", repository, "tag", "--sort=-creatordate", "--merged", "HEAD"])
    if tags:
        return tags.splitlines()[0]
    changes = output(["git", "-C", repository, "log", "-2", "--format=%H", "--", CHART])
    if not changes:
        raise LabError(f"no git history of {CHART}: say with --before which chart is upgraded")
    return changes.splitlines()[-1]


def _unpack(repository: Path, revision: str, directory: Path) -> None:
    command = ["git", "-C", str(repository), "archive", "--format=tar", revision, str(CHART)]
    archive = subprocess.run(command, capture_output=True, check=False)
    if archive.returncode != 0:
        raise LabError(f"no chart in {revision}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "-x", "-C", str(directory)], input=archive.stdout, check=True)


def _commit(directory: Path, values: Collection[str], message: str) -> None:
    presets.fit(directory / CHART, values)
    _git(directory, "add", "--all", "--force")
    _git(directory, "commit", "--quiet", "--message", message)


def _git(directory: Path, *args: str) -> None:
    # Neither a developer's settings, such as hooks and signing, nor the repository around it.
    plain = {name: "" for name in os.environ if name.startswith("GIT_")}
    env = {**plain, **_IDENTITY, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    env |= {"GIT_DIR": str(directory / ".git"), "GIT_WORK_TREE": str(directory)}
    run(["git", *args], cwd=directory, env=env)
