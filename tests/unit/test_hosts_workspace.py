"""The repository that chart-testing runs in: the chart before, the chart now, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.run import output
from tests.hosts import workspace

WHO = ("-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgSign=false")

VALUES = ("default-values.yaml", "preset-1.34-values.yaml")


def git(directory: Path, *args: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(directory), *WHO, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout


def change(repository: Path, version: str) -> str:
    """Commit a version of the chart; return the commit."""
    chart = repository / workspace.CHART
    (chart / "values").mkdir(parents=True, exist_ok=True)
    (chart / "Chart.yaml").write_text(f"version: {version}\n")
    (chart / f"only-in-{version}").write_text("")
    for minor in ("1.16", "1.34"):
        (chart / "values" / f"{minor}.yaml").write_text(f"version: {version}\n")
    (repository / "ct.yaml").write_text("charts: []\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--message", version)
    return git(repository, "rev-parse", "HEAD").strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "--initial-branch=main")
    return path


def test_target_branch_is_the_chart_before_and_the_checkout_the_working_tree(
    repository: Path, tmp_path: Path
) -> None:
    before = change(repository, "1")
    change(repository, "2")
    chart = repository / workspace.CHART
    (chart / "only-in-1").unlink()
    (chart / "Chart.yaml").write_text("version: not committed\n")
    made = workspace.make(tmp_path / "made", VALUES, before, repository)
    shown = f"{workspace.CHART}/Chart.yaml"
    assert git(made, "show", f"origin/main:{shown}") == "version: 1\n"
    assert (made / shown).read_text() == "version: not committed\n"
    assert git(made, "status", "--porcelain") == ""
    assert git(made, "merge-base", "origin/main", "HEAD") == git(made, "rev-parse", "origin/main")
    for revision in ("origin/main", "HEAD"):
        names = git(made, "ls-tree", "-r", "--name-only", revision, f"{workspace.CHART}/ci/")
        assert tuple(Path(name).name for name in names.split()) == VALUES
    assert not (made / workspace.CHART / "only-in-1").exists()
    assert (made / "ct.yaml").exists()


def test_made_again_it_is_new(repository: Path, tmp_path: Path) -> None:
    before = change(repository, "1")
    for minor in ("1.34", "1.16"):
        name = f"preset-{minor}-values.yaml"
        made = workspace.make(tmp_path / "made", [name], before, repository)
        assert output(["git", "-C", made, "rev-list", "--count", "HEAD"]) == "2"
        assert [path.name for path in (made / workspace.CHART / "ci").iterdir()] == [name]


def test_the_chart_before_is_the_newest_release_or_that_before_the_last_change(
    repository: Path,
) -> None:
    with pytest.raises(LabError):
        workspace.previous(repository)
    first = change(repository, "1")
    assert workspace.previous(repository) == first
    change(repository, "2")
    assert workspace.previous(repository) == first
    git(repository, "tag", "v2")
    change(repository, "3")
    assert workspace.previous(repository) == "v2"


def test_a_commit_that_is_none_is_told(repository: Path, tmp_path: Path) -> None:
    change(repository, "1")
    with pytest.raises(LabError, match="no chart in nowhere"):
        workspace.make(tmp_path / "made", VALUES, "nowhere", repository)
