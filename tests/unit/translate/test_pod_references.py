"""What a pod names is found whatever else is in it: nothing is judged, nothing fails."""

import pytest

from syncer.kube.objects import Key, Obj
from syncer.translate.pod_references import references
from tests.unit.build import container, pod

CONF = Key("configmaps", "default", "conf")
SECRET = Key("secrets", "default", "secret")
CLAIM = Key("persistentvolumeclaims", "default", "claim")
FROM_CONF = {"envFrom": [{"configMapRef": {"name": "conf"}}]}


@pytest.mark.parametrize("field", ["containers", "initContainers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "conf"}}}]}, {CONF}),
        ({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "secret"}}}]}, {SECRET}),
        (FROM_CONF, {CONF}),
        ({"envFrom": [{"prefix": "P", "secretRef": {"name": "secret"}}]}, {SECRET}),
        ({"envFrom": [{"ofTheFuture": {}}, *FROM_CONF["envFrom"]]}, {CONF}),
        ({"securityContext": {"privileged": True}, **FROM_CONF}, {CONF}),
        ({"ofTheFuture": {"deep": 1}, **FROM_CONF}, {CONF}),
        ({"env": [{"name": "A", "value": "b"}]}, set()),
    ],
)
def test_names_in_containers(field: str, content: Obj, named: set[Key]) -> None:
    spec: Obj = {field: [container(**content)]}
    assert references(pod(**spec)) == named


@pytest.mark.parametrize(
    ("volume", "named"),
    [
        ({"configMap": {"name": "conf"}}, {CONF}),
        ({"secret": {"secretName": "secret", "optional": True}}, {SECRET}),
        ({"persistentVolumeClaim": {"claimName": "claim"}}, {CLAIM}),
        (
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "conf"}},
                        {"secret": {"name": "secret"}},
                        {"ofTheFuture": {"name": "x"}},
                    ]
                }
            },
            {CONF, SECRET},
        ),
        (
            {"ephemeral": {"volumeClaimTemplate": {}}},
            {Key("persistentvolumeclaims", "default", "web-v")},
        ),
        ({"emptyDir": {}}, set()),
        ({"hostPath": {"path": "/"}}, set()),
        ({"ofTheFuture": {"name": "x"}}, set()),
    ],
)
@pytest.mark.parametrize("refused", [{}, {"hostNetwork": True}, {"ofTheFuture": [{}]}])
def test_names_in_volumes(volume: Obj, named: set[Key], refused: Obj) -> None:
    assert references(pod(volumes=[{"name": "v", **volume}], **refused)) == named


@pytest.mark.parametrize("spoilt", [None, "text", 7, [], {}, [None], ["text"], [[]], [{"x": 1}]])
@pytest.mark.parametrize(
    "field", ["containers", "initContainers", "ephemeralContainers", "volumes", "imagePullSecrets"]
)
def test_spoilt_field_names_nothing_and_takes_nothing_from_the_others(
    field: str, spoilt: object
) -> None:
    whole = pod(volumes=[{"name": "v", "configMap": {"name": "conf"}}])
    whole["spec"]["imagePullSecrets"] = [{"name": "secret"}]
    whole["spec"]["initContainers"] = [container(**FROM_CONF)]
    rest: Obj = {**whole["spec"], field: []}
    expected = references(pod(**rest))
    whole["spec"][field] = spoilt
    assert references(whole) == expected
