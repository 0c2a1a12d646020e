"""The downward API in volumes: virtual facts, carried by annotations of our own."""

import copy

import pytest

from syncer.errors import Refused
from syncer.identity import PREFIX
from syncer.kube.objects import Obj
from syncer.translate.downward_api import annotation_key, carried, format_map, value, volume_items
from tests.unit.build import container, pod

VIRT = pod(metadata={"labels": {"b": "2", "a": "1"}, "annotations": {"note": 'say "hi"\n'}})
OF_THE_POD = {
    "metadata.name": "web",
    "metadata.namespace": "default",
    "metadata.uid": "virt-default-web",
    "metadata.labels": 'a="1"\nb="2"',
    "metadata.annotations": 'note="say \\"hi\\"\\n"',
    "metadata.labels['a']": "1",
    "metadata.labels['none']": "",
    "metadata.annotations['note']": 'say "hi"\n',
    "spec.serviceAccountName": "default",
}
OF_THE_HOST = ["spec.nodeName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"]


@pytest.mark.parametrize(("path", "text"), OF_THE_POD.items())
def test_field_says_what_it_would_say_in_the_virtual_cluster(path: str, text: str) -> None:
    assert value(VIRT, path) == text


@pytest.mark.parametrize("path", OF_THE_HOST)
def test_field_that_the_host_knows_best_is_left_to_it(path: str) -> None:
    assert value(VIRT, path) is None


@pytest.mark.parametrize("path", ["metadata.ownerReferences", "spec.x", "", "metadata.labels['a"])
def test_unknown_field_is_refused(path: str) -> None:
    with pytest.raises(Refused, match="fieldRef"):
        value(VIRT, path)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain", '"plain"'),
        ('"', '"\\""'),
        ("\\", '"\\\\"'),
        ("\n\r\t", '"\\n\\r\\t"'),
        ("\a\b\f\v", '"\\a\\b\\f\\v"'),
        ("\x00\x1f\x7f", '"\\x00\\x1f\\x7f"'),
        ("ü\u00a0\u2028", '"ü\\u00a0\\u2028"'),
        ("😀", '"😀"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("\x85", '"\\u0085"'),
    ],
)
def test_map_is_quoted_as_go_quotes(text: str, quoted: str) -> None:
    """The kubelet writes them with strconv.Quote."""
    assert format_map({"k": text}) == f"k={quoted}"


def test_map_without_entries_is_empty() -> None:
    assert format_map({}) == ""


def _item(path: str, field: str, **more: object) -> Obj:
    return {"path": path, "fieldRef": {"apiVersion": "v1", "fieldPath": field}, **more}


def test_items_read_our_annotations_and_the_pod_carries_what_they_read() -> None:
    items = [
        *(_item(f"file-{number}", path) for number, path in enumerate(OF_THE_POD)),
        _item("mode", "metadata.name", mode=0o400),
        {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"}},
        *(_item(path, path) for path in OF_THE_HOST),
    ]
    before = copy.deepcopy(items)
    virt = pod(
        metadata={field: VIRT["metadata"][field] for field in ("labels", "annotations")},
        volumes=[
            {"name": "info", "downwardAPI": {"items": items}},
            {"name": "all", "projected": {"sources": [{"downwardAPI": {"items": items}}]}},
            {"name": "none", "emptyDir": {}},
        ],
    )
    made = volume_items(virt, items)
    notes = carried(virt)
    assert items == before
    assert [each["path"] for each in made] == [each["path"] for each in items]
    for item, original in zip(made, items, strict=True):
        path = original.get("fieldRef", {}).get("fieldPath")
        if path in OF_THE_POD:
            key = item["fieldRef"]["fieldPath"].split("'")[1]
            assert notes[key] == OF_THE_POD[path]
            assert item.get("mode") == original.get("mode")
        else:
            assert item == original
    assert len(notes) == len(OF_THE_POD)


def test_annotation_keys_are_our_own_and_valid() -> None:
    keys = {annotation_key(path) for path in OF_THE_POD}
    assert len(keys) == len(OF_THE_POD)
    assert all(key.startswith(f"{PREFIX}field-") and len(key) <= 63 for key in keys)


def test_pod_without_such_volumes_carries_nothing() -> None:
    assert carried(pod()) == {}
    assert volume_items(pod(), None) == []


@pytest.mark.parametrize("field", ["initContainers", "containers", "ephemeralContainers"])
@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("metadata.labels['app']", "web"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['price']", "5$ $(HOME)"),
        ("metadata.name", None),  # never changes: a literal in the variable
        ("status.podIP", None),
    ],
)
def test_variable_that_may_change_is_read_anew_at_each_start(
    field: str, path: str, text: str | None
) -> None:
    """Conformance: a failing subpath expansion is mended by an annotation."""
    env = [{"name": "V", "valueFrom": {"fieldRef": {"fieldPath": path}}}]
    metadata = {"labels": {"app": "web"}, "annotations": {"price": "5$ $(HOME)"}}
    virt = pod(metadata=metadata)
    virt["spec"][field] = [container(env=env)]
    assert carried(virt) == ({} if text is None else {annotation_key(path): text})
