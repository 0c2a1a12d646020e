"""Who needs what: the edges in both directions agree after any change."""

from hypothesis import given
from hypothesis import strategies as st

from syncer.kube.objects import Key
from syncer.state.references import References

OWNERS = [Key("pods", "default", name) for name in "ab"] + [Key("ingresses", "default", "a")]
NAMED = [Key(kind, "default", "x") for kind in ("secrets", "configmaps")] + [
    Key("secrets", "other", "x")
]
CHANGES = st.lists(st.tuples(st.sampled_from(OWNERS), st.sets(st.sampled_from(NAMED))), max_size=12)


def test_first_owner_makes_a_key_wanted_and_the_last_one_that_leaves_ends_it() -> None:
    refs = References()
    one, other, named = OWNERS[0], OWNERS[1], NAMED[0]
    assert refs.set(one, {named}) == {named}
    assert refs.set(other, {named}) == {named}
    assert refs.owners(named) == {one, other}
    assert refs.set(one, set()) == {named}
    assert refs.wanted(named)
    assert refs.set(other, set()) == {named}
    assert not refs.wanted(named)
    assert refs.owners(named) == frozenset()


def test_only_the_keys_that_gain_or_lose_an_owner_are_reported() -> None:
    refs = References()
    refs.set(OWNERS[0], {NAMED[0], NAMED[1]})
    assert refs.set(OWNERS[0], {NAMED[0], NAMED[1]}) == set()
    assert refs.set(OWNERS[0], {NAMED[1], NAMED[2]}) == {NAMED[0], NAMED[2]}


@given(CHANGES)
def test_edges_are_those_of_the_last_word_of_every_owner(
    changes: list[tuple[Key, set[Key]]],
) -> None:
    refs, model = References(), dict[Key, set[Key]]()
    for owner, named in changes:
        before = model.get(owner, set())
        assert refs.set(owner, named) == before ^ named
        model[owner] = named
    for key in NAMED:
        owners = {owner for owner, named in model.items() if key in named}
        assert refs.owners(key) == owners
        assert refs.wanted(key) == bool(owners)
