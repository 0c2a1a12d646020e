"""The packaged chart: the same bytes twice, from a repository and a registry, signed.

Needs `helm`, `crane` and gpg on PATH, as `scripts/test chart` sees to it.
"""

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lab.errors import LabError
from tools import package
from tools.serving import serving

PRESETS = sorted((package.CHART / "values").iterdir())
EPOCH = 1_700_000_000


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Helm's caches and settings are the test's own."""
    before = dict(os.environ)
    scratch = tmp_path_factory.mktemp("helm")
    os.environ.update({f"HELM_{n}_HOME": str(scratch / n) for n in ("CACHE", "CONFIG", "DATA")})
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def key() -> Iterator[str]:
    """A key that is thrown away; gpg's directory has a short name, since sockets are in it."""
    before = os.environ.get("GNUPGHOME")
    directory = tempfile.mkdtemp(prefix="vc-gpg-")
    os.environ["GNUPGHOME"] = directory
    make = ("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "test@example")
    run(*make, "ed25519", "sign", "never")
    yield "test@example"
    run("gpgconf", "--kill", "all")
    shutil.rmtree(directory, ignore_errors=True)
    os.environ.pop("GNUPGHOME")
    os.environ.update({"GNUPGHOME": before} if before else {})


@pytest.fixture(scope="module")
def keyring(key: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keyring") / "public.gpg"
    run("gpg", "--output", str(path), "--export", key)
    return path


@pytest.fixture(scope="module")
def repository(key: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `scripts/package --sign` leaves behind."""
    directory = tmp_path_factory.mktemp("repository")
    made = package.package(directory)
    package.sign(made, key)
    package.index(directory, "")
    return directory


@pytest.fixture(scope="module")
def url(repository: Path) -> Iterator[str]:
    with serving(repository) as url:
        yield url


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """A registry on this machine; returns its address as helm names it."""
    command = ["crane", "registry", "serve", "--address", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"port (\d+)", process.stderr.readline())
        assert found
        yield f"oci://127.0.0.1:{found[1]}/charts"
        process.terminate()


def run(*args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(args, capture_output=True, text=True, check=False, timeout=60)
    assert not check or done.returncode == 0, f"{args}: {done.stderr}"
    return done


def archive(directory: Path) -> Path:
    (found,) = directory.glob("*.tgz")
    return found


def image(rendered: str) -> str:
    documents = [each for each in yaml.safe_load_all(rendered) if each]
    (control_plane,) = [each for each in documents if each["kind"] == "StatefulSet"]
    return str(control_plane["spec"]["template"]["spec"]["containers"][0]["image"])


def test_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    """Although they are copies of another age, with other rights, in another place."""
    copy = tmp_path / "elsewhere" / "virtualcluster"
    shutil.copytree(package.CHART, copy)
    for path in copy.rglob("*.yaml"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    first = package.package(tmp_path / "1", epoch=EPOCH)
    second = package.package(tmp_path / "2", chart=copy, epoch=EPOCH)
    assert first.name == second.name == "virtualcluster-0.1.0.tgz"
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as entries:
        assert {entry.mtime for entry in entries} == {EPOCH}


def test_other_files_make_other_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "virtualcluster"
    shutil.copytree(package.CHART, copy)
    (copy / "values" / "1.34.yaml").write_text("virtualCluster: {image: other}\n")
    first = package.package(tmp_path / "1", epoch=EPOCH)
    second = package.package(tmp_path / "2", chart=copy, epoch=EPOCH)
    assert first.read_bytes() != second.read_bytes()


def test_helm_alone_goes_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or `repack` could go."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    run("helm", "package", str(package.CHART), "--destination", str(tmp_path))
    with tarfile.open(archive(tmp_path)) as entries:
        assert EPOCH not in {entry.mtime for entry in entries}


@pytest.mark.parametrize(("given", "said"), [("tomorrow", "must be a number"), ("", "no git")])
def test_a_time_must_be_known(
    given: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    with pytest.raises(LabError, match=said):
        package.source_date(tmp_path)


def test_the_time_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "17")
    assert package.source_date(package.CHART) == 17


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_repository_serves_every_preset(preset: Path, url: str) -> None:
    wanted = yaml.safe_load(preset.read_text())["virtualCluster"]["image"]
    command = ("helm", "template", "virtualcluster", "virtualcluster", "--repo", url)
    done = run(*command, "--kube-version", f"{preset.stem}.0")
    assert image(done.stdout) == wanted


def test_pulled_chart_is_the_one_that_was_packaged(url: str, tmp_path: Path) -> None:
    run("helm", "pull", "virtualcluster", "--repo", url, "--untar", "--destination", str(tmp_path))
    chart = tmp_path / "virtualcluster"
    assert {path.name for path in PRESETS} == {each.name for each in (chart / "values").iterdir()}
    for path in (path for path in chart.rglob("*") if path.is_file()):
        same = package.CHART / path.relative_to(chart)
        if path.name == "Chart.yaml":  # helm writes it anew
            assert yaml.safe_load(path.read_text()) == yaml.safe_load(same.read_text())
        else:
            assert path.read_bytes() == same.read_bytes()
    preset = str(chart / "values" / "1.16.yaml")
    done = run("helm", "template", "vc", str(chart), "--values", preset, "--kube-version=1.34.0")
    assert image(done.stdout) == "rancher/k3s:v1.16.13-k3s1"


def test_index_keeps_earlier_versions(tmp_path: Path) -> None:
    package.package(tmp_path)
    package.index(tmp_path, "https://charts.example")
    later = tmp_path / "later"
    shutil.copytree(package.CHART, later)
    text = (later / "Chart.yaml").read_text()
    (later / "Chart.yaml").write_text(text.replace("version: 0.1.0", "version: 0.2.0", 1))
    archive(tmp_path).unlink()
    package.package(tmp_path, chart=later, epoch=EPOCH)
    shutil.rmtree(later)
    package.index(tmp_path, "https://charts.example")
    entries = yaml.safe_load((tmp_path / "index.yaml").read_text())["entries"]["virtualcluster"]
    assert {entry["urls"][0] for entry in entries} == {
        "https://charts.example/virtualcluster-0.1.0.tgz",
        "https://charts.example/virtualcluster-0.2.0.tgz",
    }


def test_registry_gives_back_what_was_pushed(
    registry: str, repository: Path, keyring: Path, tmp_path: Path
) -> None:
    pushed = archive(repository)
    run("helm", "push", str(pushed), registry, "--plain-http")
    chart = f"{registry}/virtualcluster"
    pull = ("helm", "pull", chart, "--version=0.1.0", "--plain-http", "--verify")
    run(*pull, "--keyring", str(keyring), "--destination", str(tmp_path))
    assert archive(tmp_path).read_bytes() == pushed.read_bytes()
    done = run("helm", "template", "vc", chart, "--plain-http", "--kube-version=1.18.0")
    assert image(done.stdout) == "rancher/k3s:v1.18.6-k3s1"


def test_signature_is_verified(repository: Path, keyring: Path, url: str) -> None:
    done = run("helm", "verify", str(archive(repository)), "--keyring", str(keyring))
    assert "Signed by: test@example" in done.stdout
    install = ("helm", "template", "virtualcluster", "virtualcluster", "--repo", url, "--verify")
    run(*install, "--keyring", str(keyring), "--kube-version=1.34.0")


def test_signature_fits_one_archive_only(repository: Path, keyring: Path, tmp_path: Path) -> None:
    for path in repository.glob("*.tgz*"):
        shutil.copy(path, tmp_path)
    other = archive(tmp_path)
    other.write_bytes(package.repack(other.read_bytes(), EPOCH))
    done = run("helm", "verify", str(other), "--keyring", str(keyring), check=False)
    assert done.returncode != 0
    assert "sha256 sum does not match" in done.stderr


def test_unknown_key_is_told(repository: Path, key: str) -> None:
    assert key
    with pytest.raises(LabError, match="gpg does not sign with nobody@example"):
        package.sign(archive(repository), "nobody@example")


def test_command_leaves_what_can_be_served(key: str, tmp_path: Path) -> None:
    command = ["--destination", str(tmp_path), "--url", "https://charts.example", "--sign"]
    done = CliRunner().invoke(package.main, [*command, key])
    assert done.exit_code == 0, done.output
    names = ["virtualcluster-0.1.0.tgz", "virtualcluster-0.1.0.tgz.prov", "index.yaml"]
    assert [Path(line).name for line in done.output.splitlines()] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    refused = CliRunner().invoke(package.main, [*command, "nobody@example"])
    assert refused.exit_code == 1
    assert "Error: gpg does not sign with nobody@example" in refused.output
