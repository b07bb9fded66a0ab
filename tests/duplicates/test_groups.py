"""Groups are stars: each member is a copy of the one in the middle, and chains of weak links join nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from lookalike.duplicates.group import AS_IS, CROP, EDITED, SAME
from lookalike.duplicates.groups import stars
from lookalike.duplicates.links import Link
from lookalike.duplicates.pixels import Seen
from lookalike.duplicates.turns import _WAYS, between


def shape(links: list[Link]) -> dict[int, list[int]]:
    return {star.centre: sorted(link.other(star.centre) for link in star.links) for star in stars(links)}


def test_no_links_no_groups():
    assert stars([]) == []


def test_a_chain_is_not_one_group():
    chain = [Link(i, i + 1, EDITED, 1e-3) for i in range(1, 6)]
    assert all(len(members) <= 2 for members in shape(chain).values())


def test_all_copies_of_one_picture_are_one_group_whatever_their_links_among_each_other():
    assert shape([Link(1, 2, SAME, 1e-9), Link(1, 3, SAME, 1e-9), Link(2, 3, SAME, 1e-9)]) == {1: [2, 3]}


def test_a_picture_between_two_groups_joins_the_one_it_is_more_surely_a_copy_of():
    links = [Link(1, 2, SAME, 1e-9), Link(1, 3, SAME, 1e-9), Link(7, 8, SAME, 1e-9), Link(7, 9, SAME, 1e-9)]
    assert shape([*links, Link(1, 5, EDITED, 1e-3), Link(7, 5, EDITED, 1e-6)]) == {1: [2, 3], 7: [5, 8, 9]}


def test_where_chance_is_out_of_the_question_pixels_say_which_group_a_picture_joins():
    links = [Link(1, 2, SAME, 1e-9), Link(1, 3, SAME, 1e-9), Link(7, 8, SAME, 1e-9), Link(7, 9, SAME, 1e-9)]
    likely, hardly = Seen(4.0, 1.0), Seen(1.5, 1.0)
    either = Link(1, 5, EDITED, 1e-15, seen=hardly), Link(7, 5, EDITED, 3e-15, seen=likely)
    assert shape([*links, *either]) == {1: [2, 3], 7: [5, 8, 9]}
    unseen = replace(either[0], seen=None)  # it has to be looked at first
    assert shape([*links, unseen, either[1]]) == {1: [2, 3, 5], 7: [8, 9]}


def test_a_part_never_stands_for_the_whole():
    """Two parts of different wholes, or two wholes of one part, are not joined through the part."""
    two_wholes = [Link(1, 2, CROP, 1e-9, whole=1), Link(2, 3, CROP, 1e-9, whole=3)]
    assert shape(two_wholes) == {1: [2]}
    two_parts = [Link(1, 2, CROP, 1e-9, whole=1), Link(1, 3, CROP, 1e-9, whole=1)]
    assert shape(two_parts) == {1: [2, 3]}


pairs = st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: pair[0] < pair[1])


@given(st.dictionaries(pairs, st.floats(0, 0.01), max_size=40))
def test_each_picture_is_in_one_group_at_most_and_linked_to_its_centre(chances):
    links = [Link(first, second, EDITED, chance) for (first, second), chance in chances.items()]
    found = shape(links)
    everyone = [id_ for centre, members in found.items() for id_ in (centre, *members)]
    assert len(everyone) == len(set(everyone))
    assert all(members for members in found.values())
    assert all(tuple(sorted((centre, one))) in chances for centre, members in found.items() for one in members)
    lonely = {id_ for pair in chances for id_ in pair} - set(everyone)
    assert not any({first, second} <= lonely for first, second in chances)


@given(st.sampled_from(list(_WAYS)), st.sampled_from(list(_WAYS)))
def test_ways_between_pictures_undo_each_other(one, other):
    assert between(one, one) == AS_IS
    assert between(one, AS_IS) == one
    assert between(AS_IS, between(one, other)) == between(other, one)
