"""The packaged chart, from a repository: what users install."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cluster import Obj
from tests.e2e.session import Session
from tests.e2e.waiting import Pending, until
from tools import package
from tools.serving import serving


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A chart repository with the packaged chart; returns its URL."""
    directory: Path = tmp_path_factory.mktemp("repository")
    package.package(directory)
    package.index(directory, "")
    with serving(directory) as url:
        yield url


def test_it_installs_as_the_readme_says(session: Session, repository: str) -> None:
    """With `--create-namespace`, as the admin of the host."""
    api, namespace = session.host.api, session.reserve("readme")
    release = session.release("virtualcluster", namespace)
    session.install(
        release, {"storage": {"size": "5Gi"}}, "--create-namespace", repository=repository
    )
    shown = release.host.kubectl("get", "po", "-n", namespace).out
    assert "-x-kube-system-x-virtualcluster" in shown
    virt = session.connect(release)
    assert virt.api.find("Namespace", "kube-system")
    session.uninstall(release)

    def gone() -> bool:
        kinds = ("Pod", "Service", "PersistentVolumeClaim", "Secret", "StatefulSet")
        found = [each for kind in kinds for each in api.all(kind, namespace)]
        left = [each["metadata"]["name"] for each in found if not _of_the_namespace(each)]
        if left:
            raise Pending(", ".join(left))
        return True

    until("nothing is left", gone, 60)


def _of_the_namespace(obj: Obj) -> bool:
    """Tell whether it is the token that hosts before 1.24 give every namespace's own account."""
    annotations = obj["metadata"].get("annotations") or {}
    return bool(annotations.get("kubernetes.io/service-account.name") == "default")
