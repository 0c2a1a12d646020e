"""The command line as its users install it: from the wheel, into an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.parser import Parser
from pathlib import Path

import pytest

from lab.paths import REPO
from virtualcluster_cli import __version__

Run = Callable[..., str]


def package(destination: Path) -> list[Path]:
    command: list[str | Path] = [REPO / "scripts" / "package-cli", "--destination", destination]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [Path(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return package(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(built: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Install the wheel where nothing is; returns what runs a program there."""
    directory = tmp_path_factory.mktemp("venv")
    (wheel,) = (each for each in built if each.suffix == ".whl")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}

    def run(*command: str, **more: str) -> str:
        program, *rest = command
        return subprocess.run(
            [directory / "bin" / program, *rest],
            cwd=directory,
            env={**inherited, **more},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    subprocess.run([sys.executable, "-m", "venv", directory], env=inherited, check=True)
    run("pip", "--disable-pip-version-check", "install", "--quiet", str(wheel))
    return run


def test_the_wheel_holds_the_package_and_nothing_else(built: list[Path]) -> None:
    (wheel,) = (each for each in built if each.suffix == ".whl")
    with zipfile.ZipFile(wheel) as files:
        names = files.namelist()
        metadata = Parser().parsestr(
            files.read(next(n for n in names if n.endswith("/METADATA"))).decode()
        )
    assert {each.partition("/")[0] for each in names} == {
        "virtualcluster_cli",
        f"virtualcluster_cli-{__version__}.dist-info",
    }
    assert "virtualcluster_cli/rules.json" in names
    assert "virtualcluster_cli/shared/identity.py" in names
    assert [each for each in names if each.endswith("LICENSE")]
    assert metadata["Name"] == "virtualcluster-cli"
    assert metadata["Version"] == __version__
    assert "virtualcluster create" in metadata.get_payload()


def test_the_source_distribution_holds_what_the_wheel_was_made_from(built: list[Path]) -> None:
    (archive,) = (each for each in built if each.name.endswith(".tar.gz"))
    with tarfile.open(archive) as files:
        names = {each.partition("/")[2] for each in files.getnames()}
    assert {"pyproject.toml", "LICENSE", "virtualcluster_cli/rules.json"} <= names
    assert not [each for each in names if "__pycache__" in each]


def test_the_same_sources_make_the_same_wheel(built: list[Path], tmp_path: Path) -> None:
    """Not the same source distribution: setuptools writes the time of the day into that."""
    first, second = ([p for p in made if p.suffix == ".whl"] for made in (built, package(tmp_path)))
    assert [each.read_bytes() for each in first] == [each.read_bytes() for each in second]


def test_its_dependencies_go_together(installed: Run) -> None:
    assert "No broken requirements" in installed("pip", "check")


@pytest.mark.parametrize("program", ["virtualcluster", "kubectl-virtualcluster"])
def test_both_names_say_their_version(installed: Run, program: str) -> None:
    assert installed(program, "--version") == f"virtualcluster, version {__version__}\n"


def test_kubectls_name_is_in_its_help(installed: Run) -> None:
    assert "Usage: kubectl virtualcluster " in installed("kubectl-virtualcluster", "--help")
    assert "Usage: virtualcluster " in installed("virtualcluster", "--help")


def test_nothing_of_the_syncer_is_needed(installed: Run) -> None:
    code = "import sys, virtualcluster_cli.main; print('syncer' in sys.modules)"
    assert installed("python", "-c", code) == "False\n"


def test_the_rules_are_there(installed: Run) -> None:
    code = "from virtualcluster_cli.rules import verdict; print(verdict('POD_SPEC', 'hostIPC')[0])"
    assert installed("python", "-c", code) == "copy\n"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl; scripts/test has one")
def test_kubectl_finds_its_plugin(installed: Run) -> None:
    beside = installed("python", "-c", "import sys; print(sys.prefix + '/bin')").strip()
    done = subprocess.run(
        ["kubectl", "virtualcluster", "--version"],
        env={**os.environ, "PATH": f"{beside}:{os.environ['PATH']}", "PYTHONPATH": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"virtualcluster, version {__version__}\n"


def test_kubectl_completes_it_too(installed: Run) -> None:
    *words, what_to_do = installed("kubectl_complete-virtualcluster", "ex").splitlines()
    assert [each.partition("\t")[0] for each in words] == ["explain"]
    assert what_to_do == ":4"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_its_commands(installed: Run, shell: str) -> None:
    assert "_VIRTUALCLUSTER_COMPLETE" in installed("virtualcluster", "completion", shell)
    words = {"bash": "virtualcluster ex", "zsh": "virtualcluster ex", "fish": "virtualcluster ex"}
    said = installed(
        "virtualcluster",
        _VIRTUALCLUSTER_COMPLETE=f"{shell}_complete",
        COMP_WORDS="ex" if shell == "fish" else words[shell],
        COMP_CWORD="ex" if shell == "fish" else "1",
    )
    assert "explain" in said
