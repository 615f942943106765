"""Why an estimate is what it is: exact Shapley values over the fields that a person typed in.

The contributions of an `Explanation` add up to the estimate, in dollars and as factors, with the evidence beside it. Uses the
same network as the estimate and nothing but numpy. Explains the model, not the market: what a field contributes is no promise
of what changing it brings (`scenarios` answers that, with its uncertainty).

The values are interventional (Janzing, Minorics and Bloebaum 2020): a coalition keeps its fields from the job and takes the
others from each background job in turn. All 2^7 coalitions are computed; each distinct job among them is estimated once. From
the worth of every coalition follow each player's share (Shapley 1953) and the interaction of each pair (Grabisch and Roubens
1999).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import factorial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.background import Background
from mlpaygrade.forecast.evidence import Cell
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import BY_COLUMN, FIELDS, YEAR, Code, Job, label_of
from mlpaygrade.job.places import country


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
    return np.tensordot(_value_weights(_player_count(worth)), worth, axes=1)


def shapley_interactions(worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interaction of each pair, float64 (players, players), symmetric, zero diagonal, of worths (2^players,).

    What two players are worth together beyond what each is worth apart, averaged over the coalitions of the others.
    """
    players = _player_count(worth)
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


def _player_count(worth: NDArray[np.float64]) -> int:
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


LOCATION_GROUP: Final = "location"


def _players() -> dict[str, tuple[str, ...]]:
    """Each field by itself, in the registry's order; both countries as one."""
    players: dict[str, tuple[str, ...]] = {}
    for field in FIELDS:
        player = LOCATION_GROUP if field.kind == "country" else field.column
        players[player] = (*players.get(player, ()), field.column)
    return players


PLAYERS: Final[Mapping[str, tuple[str, ...]]] = _players()
"""What shares the credit -> the fields it stands for. The two countries are one, always: they are equal in 99 % of postings, so
nothing could tell their shares apart."""

LIMITS: Final = (
    "Each contribution is how the model's estimate moves, on average over all orders, when the fields of a typical posting are "
    "replaced by this job's, one at a time. Some of the combinations passed on the way are rare or do not exist. "
    "Contributions describe the model; they are not causes, and not what a change would bring."
)
"""Shown wherever contributions are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """The share of one player of `PLAYERS`.

    label, value: the field and its value in plain words. usd: added to the estimate. factor: multiplies it. width_usd: added to
    the width of the 90 % interval.
    """

    field: str
    label: str
    value: str
    usd: float
    factor: float
    width_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An estimate taken apart.

    base_usd + sum of usd = estimate_usd; base_factor_usd * product of factors = estimate_usd; base_width_usd + sum of width_usd =
    width_usd, the width of the 90 % interval. base_usd is the average estimate of the background, base_factor_usd its
    geometric mean. evidence: matching postings, most specific cell first. background: the jobs compared with.
    """

    job: Job
    estimate_usd: float
    base_usd: float
    base_factor_usd: float
    width_usd: float
    base_width_usd: float
    contributions: tuple[Contribution, ...]
    evidence: tuple[Cell, ...]
    support: Cell
    background: Background
    model: Mapping[str, object]
    notes: tuple[str, ...]

    def ranked(self) -> tuple[Contribution, ...]:
        """Contributions, the largest first."""
        return tuple(sorted(self.contributions, key=lambda part: -abs(part.usd)))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: the estimate in whole dollars as it is displayed, contributions in cents.

        base_usd carries the rounding of the estimate (under a dollar), so that base and contributions add up to the cent.
        """
        estimate_usd, width_usd = round(self.estimate_usd), round(self.width_usd)
        usd = {part.field: cents(part.usd) for part in self.contributions}
        width = {part.field: cents(part.width_usd) for part in self.contributions}
        return {
            "job": self.job.fields(),
            "base_usd": round(estimate_usd - sum(usd.values()), 2),
            "contributions_usd": usd,
            "factors": {part.field: round(part.factor, 6) for part in self.contributions},
            "factor_base_usd": round(self.base_factor_usd, 2),
            "estimate_usd": estimate_usd,
            "width_90_usd": width_usd,
            "base_width_90_usd": round(width_usd - sum(width.values()), 2),
            "width_contributions_90_usd": width,
            "background": {
                "jobs": len(self.background),
                "postings": self.background.postings,
                "years": [self.background.first_year, self.background.last_year],
                "method": "exact interventional Shapley values",
                "groups": {LOCATION_GROUP: list(PLAYERS[LOCATION_GROUP])},
                "limits": LIMITS,
            },
            "evidence": [cell_json(cell) for cell in self.evidence],
            "model": dict(self.model),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Game:
    """The worth of every coalition of `PLAYERS` for one job, each float64 (2^7,): estimate and width of the 90 % interval.

    usd, width_usd: averages over the background. log_usd: average of the log of the estimate.
    distinct_jobs: how many jobs had to be estimated.
    """

    usd: NDArray[np.float64]
    log_usd: NDArray[np.float64]
    width_usd: NDArray[np.float64]
    distinct_jobs: int


def explain(predictor: Predictor, job: Job | ReadJob | Answer) -> Explanation:
    """Take the estimate for a job apart.

    Raises InputError where the answer is "not enough data", BundleError where the bundle has no background.
    """
    estimate = job if isinstance(job, Answer) else predictor.answer(job)
    estimate.require_answer()
    background = predictor.bundle.background
    game = play(predictor, estimate, background.jobs, background.weights)
    usd, log_usd, width_usd = (shapley_values(worth) for worth in (game.usd, game.log_usd, game.width_usd))
    return Explanation(
        job=estimate.job,
        estimate_usd=estimate.estimate_usd,
        base_usd=float(game.usd[0]),
        base_factor_usd=float(np.exp(game.log_usd[0])),
        width_usd=float(game.width_usd[-1]),
        base_width_usd=float(game.width_usd[0]),
        contributions=tuple(
            Contribution(
                field=player,
                label=player_label(player),
                value=player_value(player, estimate.job),
                usd=float(usd[p]),
                factor=float(np.exp(log_usd[p])),
                width_usd=float(width_usd[p]),
            )
            for p, player in enumerate(PLAYERS)
        ),
        evidence=tuple(predictor.bundle.evidence.matching(estimate.job.fields())),
        support=estimate.support,
        background=background,
        model=estimate.model,
        notes=estimate.notes,
    )


def play(
    predictor: Predictor, estimate: Answer, others: Mapping[str, Sequence[Code]], weights: NDArray[np.float64]
) -> Game:
    """Estimate every coalition of a job's fields with each of k other jobs (dataset columns; weights (k,), sum 1)."""
    values = [_distinct_values(fields, estimate.job.fields(), others, predictor) for fields in PLAYERS.values()]
    radix = np.cumprod([1, *(len(distinct) for distinct, _ in values[:-1])])
    codes = np.column_stack([code for _, code in values])
    keys = np.where(coalitions(len(PLAYERS)), 0, 1) * radix @ codes.T
    distinct_keys, place = np.unique(keys, return_inverse=True)
    place = place.reshape(keys.shape)

    columns: dict[str, NDArray[np.object_]] = {}
    for (fields, (distinct, _)), step in zip(zip(PLAYERS.values(), values, strict=True), radix, strict=True):
        digit = distinct_keys // step % len(distinct)
        for n, column in enumerate(fields):
            columns[column] = np.array([value[n] for value in distinct], dtype=object)[digit]
    answers = predictor.answer_many(columns)
    low, high = answers.interval_usd(90)
    usd, width = answers.estimate_usd.copy(), high - low
    # Key 0 is the job itself. The network's last digit may depend on the batch; the figure shown is the one to be explained.
    usd[distinct_keys == 0] = estimate.estimate_usd
    width[distinct_keys == 0] = estimate.intervals_usd[90][1] - estimate.intervals_usd[90][0]
    return Game(
        usd=usd[place] @ weights,
        log_usd=np.log(usd)[place] @ weights,
        width_usd=width[place] @ weights,
        distinct_jobs=len(distinct_keys),
    )


def player_label(player: str) -> str:
    """A player in plain words."""
    return "location" if player == LOCATION_GROUP else BY_COLUMN[player].label


def player_value(player: str, job: Job) -> str:
    """What a job has there, in plain words."""
    if player == LOCATION_GROUP:
        company, home = country(job.location).name, country(job.residence).name
        return company if company == home else f"{company}, employee in {home}"
    return label_of(player, job.fields()[player])


def width_sentence(explanation: Explanation) -> str:
    """What makes the interval as wide as it is, in one sentence made from the numbers."""
    share = explanation.width_usd / explanation.estimate_usd
    base = explanation.base_width_usd / explanation.base_usd
    support = explanation.support
    parts = sorted(explanation.contributions, key=lambda part: -abs(part.width_usd))[:2]
    reasons = " and ".join(f"{part.label} ({part.value}) {signed_dollars(part.width_usd)}" for part in parts)
    than = "wider than" if share > base * 1.05 else "narrower than" if share < base / 1.05 else "about as wide as"
    return (
        f"The 90 % interval spans {share:.0%} of the estimate, {than} that of a typical posting ({base:.0%}). What "
        f"moves its width most: {reasons}. It rests on {support.postings:,} postings ({support.level})."
    )


def background_sentence(explanation: Explanation) -> str:
    """What the contributions are measured against."""
    background = explanation.background
    first, last = background.first_year, background.last_year
    years = str(last) if first == last else f"{first}-{last}"
    return (
        f"Measured from ${explanation.base_usd:,.0f}, the average estimate of {len(background)} jobs that stand for the newest "
        f"{background.postings:,} postings ({years})."
    )


def cents(usd: float) -> float:
    """An amount rounded to cents, never -0.0."""
    return round(usd, 2) + 0.0


def signed_dollars(usd: float) -> str:
    """An amount with its sign, whole dollars: +$12,345, and $0 where it rounds to nothing."""
    sign = "-" if round(usd) < 0 else "+" if round(usd) > 0 else ""
    return f"{sign}${abs(round(usd)):,}"


def cell_json(cell: Cell) -> dict[str, object]:
    """A cell of evidence as plain JSON."""
    quartiles = None if cell.quartiles_usd is None else list(cell.quartiles_usd)
    named = {"level": cell.level, "postings": cell.postings, "quartiles_usd": quartiles}
    return {**named, "newest_year": cell.newest_year}


def _distinct_values(
    fields: tuple[str, ...], job: Mapping[str, Code], others: Mapping[str, Sequence[Code]], predictor: Predictor
) -> tuple[list[tuple[Code, ...]], NDArray[np.int64]]:
    """Distinct values of a player, the job's first, and the code of each other job's value, int64 (k,)."""
    newest = predictor.bundle.encoder.newest_year

    def read(values: tuple[Code, ...]) -> tuple[Code, ...]:
        return (min(int(values[0]), newest),) if fields == (YEAR,) else values

    codes = {read(tuple(job[column] for column in fields)): 0}
    found = [codes.setdefault(read(value), len(codes)) for value in zip(*(others[c] for c in fields), strict=True)]
    return list(codes), np.array(found, dtype=np.int64)
