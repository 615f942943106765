"""Shapley values of arbitrary games: the axioms, and the definition itself."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from mlpaygrade.explain.explanation import coalitions, shapley_interactions, shapley_values

PLAYERS = 5
games = arrays(np.float64, 1 << PLAYERS, elements=st.floats(-1e6, 1e6))
close = pytest.approx


def by_orders(worth: NDArray[np.float64], players: int) -> NDArray[np.float64]:
    """The definition: what each player adds when it arrives, averaged over all orders."""
    total = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        coalition = 0
        for player in order:
            total[player] += worth[coalition | 1 << player] - worth[coalition]
            coalition |= 1 << player
    return total / len(orders)


@given(games)
def test_values_are_the_average_over_all_orders(worth: NDArray[np.float64]) -> None:
    assert shapley_values(worth) == close(by_orders(worth, PLAYERS), rel=1e-9, abs=1e-6)


@given(games)
def test_efficiency(worth: NDArray[np.float64]) -> None:
    assert shapley_values(worth).sum() == close(worth[-1] - worth[0], rel=1e-9, abs=1e-6)


@given(games, st.integers(0, PLAYERS - 1), st.floats(-1e6, 1e6))
def test_dummy_gets_what_it_brings_alone(worth: NDArray[np.float64], player: int, alone: float) -> None:
    numbers = np.arange(len(worth))
    worth = worth[numbers & ~(1 << player)] + alone * (numbers >> player & 1)
    assert shapley_values(worth)[player] == close(alone, rel=1e-9, abs=1e-5)
    assert shapley_interactions(worth)[player] == close(np.zeros(PLAYERS), abs=1e-4)


@given(games, st.permutations(range(PLAYERS)))
def test_symmetry_names_do_not_matter(worth: NDArray[np.float64], order: list[int]) -> None:
    members = coalitions(PLAYERS)
    renamed = worth[(members[:, order] << np.arange(PLAYERS)).sum(axis=1)]
    assert shapley_values(renamed)[order] == close(shapley_values(worth), rel=1e-9, abs=1e-6)


@given(games)
def test_players_who_are_alike_get_alike(worth: NDArray[np.float64]) -> None:
    numbers = np.arange(len(worth))
    swapped = (numbers & ~0b11) | (numbers >> 1 & 1) | (numbers & 1) << 1
    values = shapley_values(worth + worth[swapped])
    assert values[0] == close(values[1], rel=1e-9, abs=1e-5)


@given(games, games)
def test_values_add_up_over_games(one: NDArray[np.float64], two: NDArray[np.float64]) -> None:
    together = shapley_values(np.column_stack([one, two]))
    assert together.sum(axis=1) == close(shapley_values(one + two), rel=1e-9, abs=1e-5)


def test_interaction_is_what_only_the_pair_brings() -> None:
    members = coalitions(4)
    worth = 3.0 * members[:, 0] + 7.0 * (members[:, 1] & members[:, 2])
    expected = np.zeros((4, 4))
    expected[1, 2] = expected[2, 1] = 7.0
    assert shapley_interactions(worth) == close(expected, abs=1e-12)


def test_a_game_needs_every_coalition() -> None:
    with pytest.raises(ValueError, match="power of two"):
        shapley_values(np.zeros(7))
