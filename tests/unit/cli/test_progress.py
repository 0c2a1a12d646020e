"""How long something wrong may stand before it is given up on."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from syncer.kube.objects import Obj
from tests.unit.cli.conftest import statefulset
from tests.unit.cli.fakes import LABELS, Served
from virtualcluster_cli.access import Access
from virtualcluster_cli.api import Api
from virtualcluster_cli.errors import NotReady
from virtualcluster_cli.progress import until_usable


@pytest.fixture
def api(config: Path) -> Api:
    return Api(Access(str(config), "host", "team-x", None))


@pytest.fixture
def pod(host: Served) -> Obj:
    host.create("statefulsets", "team-x", **statefulset())
    return host.create("pods", "team-x", metadata={"name": "dev-0", "labels": LABELS}, status={})


def waiting(reason: str, message: str) -> Obj:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "syncer", "image": "x", "state": state}]}


def test_one_trouble_in_changing_words_is_one_trouble(
    host: Served, api: Api, pod: Obj, capsys: pytest.CaptureFixture[str]
) -> None:
    words = itertools.cycle([("ErrImagePull", "no such host"), ("ImagePullBackOff", "Back-off")])

    def kubelet(_asked: object) -> None:
        pod["status"] = waiting(*next(words))

    host.api.between.append(kubelet)
    begin = time.monotonic()
    with pytest.raises(NotReady, match="cannot be pulled"):
        until_usable(api, "team-x", "dev", 60.0, patience=1.0)
    assert time.monotonic() - begin < 30.0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("held up")]
    assert len(said) == 1


def test_what_passes_is_no_reason_to_give_up(host: Served, api: Api, pod: Obj) -> None:
    pod["status"] = waiting("ErrImagePull", "no such host")
    begin = time.monotonic()

    def kubelet(_asked: object) -> None:
        if time.monotonic() - begin > 1.0:
            pod["status"] = {}

    host.api.between.append(kubelet)
    with pytest.raises(NotReady, match="still waiting for: pod scheduled"):
        until_usable(api, "team-x", "dev", 4.0, patience=3.0)
