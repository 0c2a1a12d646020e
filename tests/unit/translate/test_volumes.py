"""Volumes: every name mapped, and tokens of the virtual API instead of the host's."""

import pytest

from syncer.kube.objects import Obj
from syncer.translate.volumes import TokenWish, to_host, token_wishes
from tests.unit.build import pod

RAW = "web-x-default-x-vc"


def _rename(kind: str, name: str) -> str:
    return f"host/{kind}/{name}" if name else name


KEY = "virt-default-web.v."


def _made(**source: Obj) -> Obj:
    return to_host(pod(), {"name": "v", **source}, "token-secret", _rename)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"emptyDir": {"medium": "Memory"}}, {"emptyDir": {"medium": "Memory"}}),
        (
            {"configMap": {"name": "c", "items": [{"key": "k", "path": "p"}], "optional": True}},
            {
                "configMap": {
                    "name": "host/configmaps/c",
                    "items": [{"key": "k", "path": "p"}],
                    "optional": True,
                }
            },
        ),
        (
            {"secret": {"secretName": "s", "defaultMode": 256}},
            {"secret": {"secretName": "host/secrets/s", "defaultMode": 256}},
        ),
        (
            {"persistentVolumeClaim": {"claimName": "d", "readOnly": True}},
            {
                "persistentVolumeClaim": {
                    "claimName": "host/persistentvolumeclaims/d",
                    "readOnly": True,
                }
            },
        ),
        (
            {"ephemeral": {"volumeClaimTemplate": {"spec": {"volumeName": "somebodys"}}}},
            {"persistentVolumeClaim": {"claimName": "host/persistentvolumeclaims/web-v"}},
        ),
        ({"downwardAPI": {"defaultMode": 256}}, {"downwardAPI": {"defaultMode": 256, "items": []}}),
        ({}, {}),
    ],
)
def test_volume(source: Obj, expected: Obj) -> None:
    assert _made(**source) == {"name": "v", **expected}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"configMap": {"name": "c"}}, {"configMap": {"name": "host/configmaps/c"}}),
        ({"secret": {"name": "s"}}, {"secret": {"name": "host/secrets/s"}}),
        ({"downwardAPI": {"items": []}}, {"downwardAPI": {"items": []}}),
        (
            {"serviceAccountToken": {"path": "token", "audience": "vault"}},
            {"secret": {"name": "token-secret", "items": [{"key": KEY + "0", "path": "token"}]}},
        ),
    ],
)
def test_projected_source(source: Obj, expected: Obj) -> None:
    made = _made(projected={"defaultMode": 420, "sources": [source]})
    assert made == {"name": "v", "projected": {"defaultMode": 420, "sources": [expected]}}


def test_each_token_of_a_volume_has_a_key_of_its_own() -> None:
    sources = [
        {"serviceAccountToken": {"path": "a"}},
        {"configMap": {"name": "c"}},
        {"serviceAccountToken": {"path": "b"}},
    ]
    made = _made(projected={"sources": sources})["projected"]["sources"]
    keys = [each["secret"]["items"][0]["key"] for each in made if "secret" in each]
    assert keys == [KEY + "0", KEY + "2"]


def test_tokens_that_a_pod_wishes_for() -> None:
    tokens = [
        {"serviceAccountToken": {"path": "a", "audience": "vault", "expirationSeconds": 600}},
        {"configMap": {"name": "c"}},
        {"serviceAccountToken": {"path": "b"}},
    ]
    virt = pod(volumes=[{"name": "v", "projected": {"sources": tokens}}, {"name": "w"}])
    assert token_wishes(virt) == [
        TokenWish(KEY + "0", "vault", 600),
        TokenWish(KEY + "2", "", 3600),
    ]
    assert token_wishes(pod()) == []


@pytest.mark.parametrize(
    "source",
    [
        {"configMap": {"name": RAW}},
        {"secret": {"secretName": RAW}},
        {"persistentVolumeClaim": {"claimName": RAW}},
        {"projected": {"sources": [{"secret": {"name": RAW}}]}},
        {"projected": {"sources": [{"configMap": {"name": RAW}}]}},
    ],
)
@pytest.mark.parametrize("name", ["v", "kube-api-access-abcde", "aws-iam-token"])
def test_no_raw_host_name_gets_through_whatever_the_volume_is_called(
    source: Obj, name: str
) -> None:
    """Threats D5."""
    made = to_host(pod(), {"name": name, **source}, "token-secret", _rename)
    assert str(made).count(RAW) == str(made).count(f"s/{RAW}") == 1
