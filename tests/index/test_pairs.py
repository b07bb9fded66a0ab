"""Close pairs among codes: as comparing all with all finds them, in less time, whatever the codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lookalike.index import pairs
from lookalike.index.pairs import Pairs, close_pairs

Codes = NDArray[np.uint8]


def all_with_all(codes: Codes, radius: int) -> dict[tuple[int, int], int]:
    bits = np.unpackbits(codes, axis=1).astype(np.int16)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    n = len(codes)
    return {(i, j): int(distances[i, j]) for i in range(n) for j in range(i + 1, n) if distances[i, j] <= radius}


def as_dict(found: Pairs) -> dict[tuple[int, int], int]:
    keys = zip(found.first.tolist(), found.second.tolist(), strict=True)
    return dict(zip(keys, found.distances.tolist(), strict=True))


def planted(n: int, copies: int, bits: int, seed: int = 0) -> tuple[Codes, list[tuple[int, int]]]:
    """Random codes of 256 bits, the last `copies` of them differing in `bits` bits from the first ones."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 256, (n, 32), np.uint8)
    for i in range(copies):
        flipped = np.zeros(256, np.uint8)
        flipped[random.choice(256, bits, replace=False)] = 1
        codes[n - copies + i] = codes[i] ^ np.packbits(flipped)
    return codes, [(i, n - copies + i) for i in range(copies)]


@given(
    n=st.integers(0, 40),
    width=st.integers(1, 20),
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_few_codes_give_exactly_the_pairs_of_comparing_all_with_all(n, width, share, seed):
    random = np.random.default_rng(seed)
    codes = random.choice(np.array([0, 1, 3, 255], np.uint8), (n, width))
    radius = int(share * 8 * width)
    found, wanted = as_dict(close_pairs(codes, radius)), all_with_all(codes, radius)
    distinct = {pair: bits for pair, bits in wanted.items() if bits}
    first_of = {code.tobytes(): i for i, code in reversed(list(enumerate(codes)))}
    firsts = set(first_of.values())
    assert {pair: bits for pair, bits in found.items() if bits} == {
        pair: bits for pair, bits in distinct.items() if firsts >= set(pair)
    }


def test_equal_codes_are_paired_with_the_first_of_their_kind_only():
    one, other = np.full(32, 7, np.uint8), np.full(32, 200, np.uint8)
    found = close_pairs(np.stack([one, other, one, one, other]), 3)
    assert as_dict(found) == {(0, 2): 0, (0, 3): 0, (1, 4): 0}


def test_a_thousand_equal_codes_give_999_pairs():
    assert len(close_pairs(np.zeros((1000, 32), np.uint8), 64)) == 999


@pytest.mark.parametrize("n", [0, 1])
def test_no_code_or_one_has_no_pairs(n):
    assert len(close_pairs(np.zeros((n, 32), np.uint8), 256)) == 0


def test_radius_zero_finds_equal_codes_and_nothing_else():
    codes, _ = planted(50, 10, 1)
    codes[49] = codes[0]
    assert as_dict(close_pairs(codes, 0)) == {(0, 49): 0}


@pytest.mark.parametrize(("bits", "recall"), [(8, 1.0), (32, 1.0), (48, 0.99), (64, 0.97)])
def test_among_many_codes_nearly_all_near_copies_are_found(bits, recall):
    codes, wanted = planted(2 * pairs.ORDERS * pairs.WINDOW + 4000, 500, bits)
    found = as_dict(close_pairs(codes, 66))
    assert sum(pair in found for pair in wanted) / len(wanted) >= recall
    assert all(found[pair] == bits for pair in wanted if pair in found)


def test_every_pair_that_is_found_is_within_the_radius_and_once():
    codes, _ = planted(12_000, 300, 20)
    found = close_pairs(codes, 30)
    assert (found.first < found.second).all()
    assert len(as_dict(found)) == len(found)
    differing = np.bitwise_count(codes[found.first] ^ codes[found.second]).sum(axis=1)
    assert (differing == found.distances).all()
    assert found.distances.max() <= 30


def test_the_same_codes_give_the_same_pairs_in_the_same_order():
    codes, _ = planted(12_000, 400, 60)
    one, other = close_pairs(codes, 64, seed=3), close_pairs(codes, 64, seed=3)
    assert (one.first == other.first).all()
    assert (one.second == other.second).all()


def test_many_codes_that_are_all_alike_give_a_bounded_number_of_pairs():
    random = np.random.default_rng(0)
    codes = np.zeros((10_000, 32), np.uint8)
    codes[:, :3] = random.integers(0, 256, (10_000, 3))
    found = close_pairs(codes, 64)
    partners = np.bincount(np.concatenate([found.first, found.second]), minlength=len(codes))
    assert partners.min() >= 1
    assert len(found) <= 10_000 * (pairs.ENOUGH + 4 * pairs.WINDOW)


def test_bits_that_never_change_do_not_hide_near_copies():
    codes, wanted = planted(12_000, 300, 20)
    codes[:, :24] = 255
    found = as_dict(close_pairs(codes, 12))
    near = [pair for pair in wanted if np.bitwise_count(codes[pair[0]] ^ codes[pair[1]]).sum() <= 6]
    assert len(near) > 100
    assert sum(pair in found for pair in near) / len(near) >= 0.97
