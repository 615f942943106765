"""Exact Shapley values of any game of a few players.

From the worth of every coalition follow each player's share and the interaction of each pair. Knows nothing of jobs or pay.
Sources: Shapley 1953; the interaction index of Grabisch and Roubens 1999.
"""

from functools import cache
from math import factorial

import numpy as np
from numpy.typing import NDArray


@cache
def coalitions(players: int) -> NDArray[np.bool_]:
    """Members of every coalition, bool (2^players, players): coalition s holds player p where bit p of s is set."""
    numbers = np.arange(1 << players)[:, None]
    members: NDArray[np.bool_] = (numbers >> np.arange(players)) & 1 == 1
    members.setflags(write=False)
    return members


def shapley_values(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shapley values, float64 (players, ...), of worths (2^players, ...) in the order of `coalitions`.

    They add up to the worth of all players less that of none.
    """
    weights = _value_weights(_players(worth))
    return np.tensordot(weights, worth, axes=1)


def shapley_interactions(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interaction of each pair, float64 (players, players), symmetric, zero diagonal, of worths (2^players,).

    What two players are worth together beyond what each is worth apart, averaged over the coalitions of the others.
    """
    players = _players(worth)
    numbers = np.arange(1 << players)
    size = coalitions(players).sum(axis=1)
    result = np.zeros((players, players))
    for i in range(players):
        for j in range(i):
            without = numbers[(numbers >> i | numbers >> j) & 1 == 0]
            weight = np.array([factorial(k) * factorial(players - k - 2) for k in range(players - 1)])
            weight = weight[size[without]] / factorial(players - 1)
            a, b = 1 << i, 1 << j
            together = worth[without | a | b] - worth[without | a] - worth[without | b] + worth[without]
            result[i, j] = result[j, i] = weight @ together
    return result


def _players(worth: NDArray[np.float64]) -> int:
    players = len(worth).bit_length() - 1
    if len(worth) != 1 << players:
        raise ValueError(f"worth must have a power of two of coalitions; it has {len(worth)}.")
    return players


@cache
def _value_weights(players: int) -> NDArray[np.float64]:
    """(players, 2^players) so that weights @ worth are the Shapley values."""
    members = coalitions(players)
    size = members.sum(axis=1)
    joins = np.array([factorial(max(k - 1, 0)) * factorial(players - k) for k in range(players + 1)], dtype=np.float64)
    stays = np.array([factorial(k) * factorial(max(players - k - 1, 0)) for k in range(players + 1)], dtype=np.float64)
    weights: NDArray[np.float64] = np.where(members.T, joins[size], -stays[size]) / factorial(players)
    weights.setflags(write=False)
    return weights
