"""Names on the host: one for each virtual object, and nothing of the tenant's in a host key."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import identity
from syncer.identity import SEPARATOR, Identity, tenant_key, tenant_selector, virtual_key
from syncer.kube.objects import Key, Obj
from tests.unit.build import IDENT, meta, pod, twin

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")
# Every label of up to five characters out of which the separator can be made.
SHORT = [
    text
    for size in range(1, 6)
    for text in map("".join, itertools.product("ax-", repeat=size))
    if LABEL.fullmatch(text)
]
NAMES = st.text("ax-0", max_size=90).map(lambda text: f"a{text}x")
NAMESPACES = st.text("ax-0", max_size=61).map(lambda text: f"x{text}a")
DOTTED = st.lists(NAMES, min_size=1, max_size=4).map(".".join)
KINDS = st.sampled_from(["pods", "services", "secrets", "configmaps", "tokens"])
KEYS = st.builds(Key, KINDS, NAMESPACES, NAMES)
RELEASES = st.sampled_from(["vc", "foo", "b-x-foo", "x", "x-x", "a-x-b-x-c", "r" * 53])
IDENTS = st.builds(Identity, st.just("team-x"), RELEASES, st.just("anchor-uid"))


def _place(ident: Identity, key: Key) -> tuple[str, str]:
    """Return where the twin stands; a pod's tokens are a Secret."""
    if key.kind == "tokens":
        return "secrets", ident.hashed_name(key)
    return key.kind, ident.host_name(key)


def test_no_two_short_names_of_any_two_installations_share_a_host_name() -> None:
    """Threats D1 and D3: pieces of the separator everywhere, releases that continue each other."""
    installations = [Identity("team-x", release, release) for release in ("x", "a-x-x")]
    names = [
        ident.host_name(Key("pods", namespace, name))
        for ident in installations
        for name in SHORT
        for namespace in SHORT
    ]
    assert len(set(names)) == len(names) == 2 * len(SHORT) ** 2


@given(st.lists(st.tuples(IDENTS, KEYS), min_size=2, max_size=30, unique=True))
def test_two_virtual_objects_never_share_a_host_object(owners: list[tuple[Identity, Key]]) -> None:
    places = {_place(ident._replace(uid=ident.release), key) for ident, key in owners}
    assert len(places) == len(owners)


@given(IDENTS, NAMES, NAMESPACES, st.integers(0, 40), st.integers(0, 40))
def test_moving_the_border_between_name_and_namespace_makes_another_name(
    ident: Identity, name: str, namespace: str, cut: int, other_cut: int
) -> None:
    text = f"{name}{SEPARATOR}{namespace}{SEPARATOR}{name}"
    places = [at for at in range(len(text)) if text.startswith(SEPARATOR, at)]
    first, second = places[cut % len(places)], places[other_cut % len(places)]
    if first == second:
        return
    keys = [Key("pods", text[at + len(SEPARATOR) :], text[:at]) for at in (first, second)]
    assert ident.host_name(keys[0]) != ident.host_name(keys[1])


@given(IDENTS, KEYS)
def test_host_name_is_a_dns_label_of_at_most_63_characters(ident: Identity, key: Key) -> None:
    for name in (ident.host_name(key), ident.hashed_name(key)):
        assert LABEL.fullmatch(name)
        assert len(name) <= 63


@given(IDENTS, NAMESPACES, DOTTED)
def test_name_with_dots_stays_a_valid_subdomain(ident: Identity, namespace: str, name: str) -> None:
    host_name = ident.host_name(Key("configmaps", namespace, name))
    assert SUBDOMAIN.fullmatch(host_name)
    assert len(host_name) <= 63


@given(IDENTS, KEYS)
def test_hashed_name_never_holds_the_separator_and_so_never_looks_readable(
    ident: Identity, key: Key
) -> None:
    assert SEPARATOR not in ident.hashed_name(key)


@pytest.mark.parametrize(
    ("name", "namespace", "release"),
    [
        ("web", "default", "vc"),
        ("coredns-7d", "kube-system", "virtualcluster"),
        ("a.b", "default", "vc"),
        ("x", "default", "x"),
        ("n" * 48, "default", "vc"),
    ],
)
def test_unambiguous_name_that_fits_is_readable(name: str, namespace: str, release: str) -> None:
    host_name = IDENT._replace(release=release).host_name(Key("pods", namespace, name))
    assert host_name == f"{name}-x-{namespace}-x-{release}"


@pytest.mark.parametrize(
    ("name", "namespace", "release"),
    [
        ("a-x-b", "c", "vc"),
        ("a", "b-x-c", "vc"),
        ("a-x", "b", "vc"),
        ("a", "x-b", "vc"),
        ("a", "b-x", "vc"),
        ("a", "b", "x-vc"),
        ("a", "b", "c-x-vc"),
        ("n" * 49, "default", "vc"),
    ],
)
def test_ambiguous_or_long_name_is_a_readable_prefix_and_128_bits(
    name: str, namespace: str, release: str
) -> None:
    host_name = IDENT._replace(release=release).host_name(Key("pods", namespace, name))
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*)-[0-9a-f]{32}", host_name)
    assert host_name.startswith(name[:1])


@given(KEYS)
def test_hashed_names_differ_between_installations(key: Key) -> None:
    assert IDENT.hashed_name(key) != IDENT._replace(uid="another").hashed_name(key)


LABELS = {"app": "web", "release": "vc", identity.MANAGED_BY: "other", identity.NAMESPACE: "ns"}


def test_tenant_labels_arrive_under_hashed_keys_and_ours_cannot_be_forged() -> None:
    labels = IDENT.labels("default", LABELS)
    assert labels[identity.MANAGED_BY] == "vc"
    assert labels[identity.NAMESPACE] == "default"
    assert len(labels) == len(LABELS) + 2
    assert not labels.keys() & (LABELS.keys() - {identity.MANAGED_BY, identity.NAMESPACE})


@given(st.text(min_size=1, max_size=300))
def test_hashed_label_key_is_valid_and_holds_nothing_of_the_tenants_text(key: str) -> None:
    assert re.fullmatch(r"tenant\.virtualcluster\.dev/[0-9a-f]{32}", tenant_key(key))


@given(st.text(max_size=20), st.text(max_size=20))
def test_hashed_label_keys_differ(one: str, other: str) -> None:
    assert (tenant_key(one) == tenant_key(other)) == (one == other)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, None),
        ({}, {}),
        ({"matchLabels": {"a": "1"}}, {"matchLabels": {tenant_key("a"): "1"}}),
        (
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]},
            {"matchExpressions": [{"key": tenant_key("a"), "operator": "In", "values": ["1"]}]},
        ),
    ],
)
def test_selector_is_translated_like_the_labels_that_it_selects(
    selector: Obj | None, expected: Obj | None
) -> None:
    assert tenant_selector(selector) == expected


def test_metadata_holds_marks_and_one_owner_and_nothing_of_the_tenants() -> None:
    virt = pod(
        metadata={
            "labels": {"app": "web"},
            "annotations": {"a": "b", identity.NAME: "forged"},
            "ownerReferences": [{"uid": "rs"}],
            "finalizers": ["x/y"],
            "generateName": "web-",
            "managedFields": [{}],
            "deletionTimestamp": "2026-01-01T00:00:00Z",
            "creationTimestamp": "2026-01-01T00:00:00Z",
        }
    )
    assert IDENT.metadata(Key("pods", "default", "web"), virt) == {
        "name": "web-x-default-x-vc",
        "namespace": "team-x",
        "labels": {
            tenant_key("app"): "web",
            identity.MANAGED_BY: "vc",
            identity.NAMESPACE: "default",
        },
        "annotations": {
            identity.NAME: "web",
            identity.NAMESPACE: "default",
            identity.UID: "virt-default-web",
            identity.KIND: "pods",
        },
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "vc-anchor", "uid": "anchor-uid"}
        ],
    }


def test_owner_is_a_controller_on_pods_only_and_blocks_nothing() -> None:
    assert IDENT.owner(controller=True)["controller"] is True
    assert "controller" not in IDENT.owner()
    assert "blockOwnerDeletion" not in IDENT.owner(controller=True)


def test_host_object_leads_back_to_its_virtual_one() -> None:
    assert virtual_key(twin(pod(), "pods")) == Key("pods", "default", "web")
    assert virtual_key({"metadata": meta("stranger")}) is None


@pytest.mark.parametrize(
    ("labels", "annotations", "ours"),
    [
        ({identity.MANAGED_BY: "vc"}, {identity.KIND: "pods", identity.NAME: "web"}, True),
        ({identity.MANAGED_BY: "other"}, {identity.KIND: "pods", identity.NAME: "web"}, False),
        ({identity.MANAGED_BY: "vc"}, {}, False),  # a host controller copies labels
        ({}, {identity.KIND: "pods", identity.NAME: "web"}, False),
        (None, None, False),
    ],
)
def test_host_object_is_ours_by_label_and_annotation(
    labels: Obj | None,
    annotations: Obj | None,
    ours: bool,  # noqa: FBT001
) -> None:
    host = {"metadata": meta("x", labels=labels, annotations=annotations)}
    assert IDENT.is_ours(host) is ours
