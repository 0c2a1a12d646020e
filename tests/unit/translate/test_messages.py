"""What the host says, in the words of the virtual cluster: no name of the host's gets through."""

from typing import Any

import pytest

from syncer.identity import Identity
from syncer.translate.messages import replacements, reworded
from tests.unit.build import IDENT, pod, twin


def _reworded(
    value: Any, name: str = "web", namespace: str = "shop", ident: Identity = IDENT
) -> Any:
    virt = pod(name, namespace, metadata={"uid": "virt-uid"})
    host = twin(virt, "pods")
    host["metadata"] |= {"uid": "host-uid"}
    return reworded(value, replacements(host, virt, ident))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "Successfully assigned team-x/web-x-shop-x-vc to node-1",
            "Successfully assigned shop/web to node-1",
        ),
        (
            "back-off restarting failed container=main pod=web-x-shop-x-vc_team-x(host-uid)",
            "back-off restarting failed container=main pod=web_shop(virt-uid)",
        ),
        ('secret "cred-x-shop-x-vc" not found', 'secret "cred" not found'),
        (
            'persistentvolumeclaim "data-x-shop-x-vc" not found in "team-x"',
            'persistentvolumeclaim "data" not found in "shop"',
        ),
        ("claim team-x/data-x-shop-x-vc is lost", "claim shop/data is lost"),
        ('object "team-x"/"ca" not registered', 'object "shop"/"ca" not registered'),
        (
            "Successfully provisioned volume pvc-host-uid",
            "Successfully provisioned volume pvc-host-uid",
        ),
        ("Created container main", "Created container main"),
        ("", ""),
    ],
)
def test_message(said: str, told: str) -> None:
    assert _reworded(said) == told


@pytest.mark.parametrize(
    "text",
    [
        'Pulling image "library/busybox:1.36"',
        "Successfully pulled mirror/library/busybox",
        "error in /var/library/x",
        'Created container "library"',
    ],
)
def test_host_namespace_with_the_name_of_an_ordinary_word_spoils_no_text(text: str) -> None:
    assert _reworded(text, ident=IDENT._replace(host_namespace="library")) == text


def test_namespaces_of_one_name_stay_as_they_are() -> None:
    text = 'assigned shop/web-x-shop-x-vc in "shop"'
    assert _reworded(text, ident=IDENT._replace(host_namespace="shop")) == (
        'assigned shop/web in "shop"'
    )


def test_status_is_reworded_in_its_messages_only() -> None:
    status = {
        "message": "pod web-x-shop-x-vc",
        "podIP": "10.42.0.5",
        "conditions": [{"type": "PodScheduled", "message": 'claim "data-x-shop-x-vc"'}],
        "containerStatuses": [
            {
                "name": "web-x-shop-x-vc",
                "image": "example/team-x/web-x-shop-x-vc:1",
                "state": {"waiting": {"reason": "x", "message": 'secret "s-x-shop-x-vc"'}},
                "restartCount": 3,
            }
        ],
    }
    assert _reworded(status) == {
        "message": "pod web",
        "podIP": "10.42.0.5",
        "conditions": [{"type": "PodScheduled", "message": 'claim "data"'}],
        "containerStatuses": [
            {
                "name": "web-x-shop-x-vc",
                "image": "example/team-x/web-x-shop-x-vc:1",
                "state": {"waiting": {"reason": "x", "message": 'secret "s"'}},
                "restartCount": 3,
            }
        ],
    }
