"""What matters overall: Shapley values of many postings, permutation importance beside them, and sentences made from both.

The values come from the exact kernel that explains single jobs; figures are drawn from the bundle part `importance.json` with the
shap library. Describes the model; claims no causes.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, columns_of
from mlpaygrade.explain.explanation import (
    LOCATION_GROUP,
    PLAYERS,
    play,
    player_label,
    player_value,
    shapley_interactions,
    shapley_values,
    signed_dollars,
)
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import EXPERIENCE, LABELS, LOCATION, Job, job_of
from mlpaygrade.training.steps import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAMPLE: Final = 400
SEGMENT: Final = 60
POINTS: Final = 200
PERMUTED: Final = 2_000
REPEATS: Final = 5
SHOWN_VALUES: Final = 12
FEWEST: Final = 5
"""Postings drawn; at least so many of each segment where there are so many; points that travel in the bundle; postings whose
fields are permuted, how often; values of a field that are listed, and postings that a listed value needs."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Importance:
    """Shapley values of n postings, and what permuting a field costs.

    usd: float64 (n, players), contributions. base_usd: what they are added to. jobs: (n,), the `drawn` first ones
    a random sample, the others added so that no segment is empty. order: int64 (n,), place of each in one random order of all
    postings. interactions_usd: float64
    (players, players), mean size of the interaction over the sample. rmse_log, mae_usd: error on `rows` salaries; permuted_*:
    float64 (players,), the same with a player's values permuted. years: work years of the postings. measured_on: what they
    were to the network, in words.
    """

    jobs: Sequence[Job]
    usd: Floats
    base_usd: float
    drawn: int
    order: NDArray[np.int64]
    interactions_usd: Floats
    rows: int
    rmse_log: float
    mae_usd: float
    permuted_rmse_log: Floats
    permuted_mae_usd: Floats
    years: tuple[int, int]
    measured_on: str

    def segments(self) -> dict[str, NDArray[np.bool_]]:
        """Random sample of each segment, bool (n,): all, the US and other countries, each level."""
        in_us = np.array([job.location == "US" for job in self.jobs])
        levels = np.array([job.experience for job in self.jobs])
        found = {"all": np.ones(len(self.jobs), dtype=bool), "United States": in_us, "other countries": ~in_us}
        found |= {str(label): levels == code for code, label in LABELS[EXPERIENCE].items()}
        return {name: self._sampled(mask) for name, mask in found.items()}

    def _sampled(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The sample within a segment: the drawn ones, and where those are few the next ones of the random order."""
        size = max(int(mask[: self.drawn].sum()), SEGMENT if not mask.all() else self.drawn)
        among = np.flatnonzero(mask)
        sampled = np.zeros_like(mask)
        sampled[among[np.argsort(self.order[among])][:size]] = True
        return sampled

    def to_json(self) -> dict[str, object]:
        """The bundle part: plain JSON, dollars."""
        keep = range(min(self.drawn, POINTS))
        return {
            "players": {player: player_label(player) for player in PLAYERS},
            "years": list(self.years),
            "measured_on": self.measured_on,
            "base_usd": round(self.base_usd),
            "segments": {
                name: {"n": int(mask.sum()), "mean_abs_usd": _by_player(np.abs(self.usd[mask]).mean(axis=0))}
                for name, mask in self.segments().items()
                if mask.any()
            },
            "permutation": {
                "rows": self.rows,
                "repeats": REPEATS,
                "rmse_log": round(self.rmse_log, 4),
                "mae_usd": round(self.mae_usd),
                "rise_rmse_log": _by_player(self.permuted_rmse_log - self.rmse_log, digits=4),
                "rise_mae_usd": _by_player(self.permuted_mae_usd - self.mae_usd),
            },
            "interactions_usd": [[round(float(usd)) for usd in row] for row in self.interactions_usd],
            "values": {player: _values(self, p, player) for p, player in enumerate(PLAYERS)},
            "points": {
                player: {
                    "usd": [round(float(self.usd[n, p])) for n in keep],
                    "value": [player_value(player, self.jobs[n]) for n in keep],
                }
                for p, player in enumerate(PLAYERS)
            },
            "sentences": sentences(self),
        }


def measure_importance(
    predictor: Predictor, postings: Postings, *, measured_on: str, sample: int = SAMPLE, seed: int = 0
) -> Importance:
    """Explain postings of the newest work year, and permute their fields.

    measured_on: "training postings" or "postings not trained on"; permutation figures flatter the former, so it is said.
    """
    recent = postings.take(postings.year == postings.year.max())
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(recent))
    chosen = _with_segments(recent, order, sample)
    drawn = min(sample, len(recent))
    columns = columns_of(recent.jobs)
    jobs = [job_of({column: values[n] for column, values in columns.items()}) for n in chosen]
    background = predictor.bundle.background
    usd, interactions = [], []
    base_usd = 0.0
    for job in jobs:
        worth = play(predictor, predictor.answer(job), background.jobs, background.weights).usd
        base_usd = float(worth[0])
        usd.append(shapley_values(worth))
        interactions.append(np.abs(shapley_interactions(worth)))
    place = np.argsort(order)
    return Importance(
        jobs=jobs,
        usd=np.array(usd),
        base_usd=base_usd,
        drawn=drawn,
        order=place[chosen],
        interactions_usd=np.mean(interactions[:drawn], axis=0),
        years=(int(recent.year.min()), int(recent.year.max())),
        measured_on=measured_on,
        **_permute(predictor, recent.take(order[:PERMUTED]), rng),
    )


def sentences(importance: Importance) -> list[str]:
    """What the numbers say, each sentence with its n."""
    size = np.abs(importance.usd[: importance.drawn]).mean(axis=0)
    ranked = list(np.argsort(-size))
    names = [player_label(player) for player in PLAYERS]
    first, last = importance.years
    when = str(last) if first == last else f"{first}-{last}"
    n = importance.drawn
    top, rest = ranked[:3], ranked[3:]
    said = [
        f"Over {n:,} postings of {when}, {names[top[0]]} moves the estimate most, by ${size[top[0]]:,.0f} on average, then "
        f"{names[top[1]]} (${size[top[1]]:,.0f}) and {names[top[2]]} (${size[top[2]]:,.0f}); these three make up "
        f"{size[top].sum() / size.sum():.0%} of all movement.",
        f"{_listed([names[p] for p in rest])} together move it by ${size[rest].sum():,.0f} on average (n = {n:,}).",
    ]
    for name, mask in importance.segments().items():
        if name != "all" and mask.sum() >= FEWEST:
            of = np.abs(importance.usd[mask]).mean(axis=0)
            a, b = np.argsort(-of)[:2]
            said.append(f"{name} (n = {mask.sum():,}): {names[a]} ${of[a]:,.0f}, {names[b]} ${of[b]:,.0f}.")
    for p in top:
        listed = _values(importance, p, list(PLAYERS)[p])
        if len(listed) > 1:
            best, worst = max(listed, key=lambda v: v["median_usd"]), min(listed, key=lambda v: v["median_usd"])
            said.append(
                f"Within {names[p]}, {best['value']} contributes most ({signed_dollars(best['median_usd'])} at the median, "
                f"n = {best['n']:,}) and {worst['value']} least ({signed_dollars(worst['median_usd'])}, n = {worst['n']:,})."
            )
    i, j = np.unravel_index(int(np.argmax(importance.interactions_usd)), importance.interactions_usd.shape)
    said.append(
        f"The strongest interaction is {names[i]} with {names[j]}: ${importance.interactions_usd[i, j]:,.0f} on average beyond "
        f"what each contributes apart (n = {n:,})."
    )
    rise = importance.permuted_rmse_log - importance.rmse_log
    worst_p = int(np.argmax(rise))
    agree = len(set(top) & set(np.argsort(-rise)[:3]))
    said.append(
        f"Permuting {names[worst_p]} raises the RMSE of log pay most, from {importance.rmse_log:.3f} to "
        f"{importance.permuted_rmse_log[worst_p]:.3f} ({importance.rows:,} salaries of {importance.measured_on}); of the three "
        f"fields that move estimates most, {agree} are among the three whose permutation costs most."
    )
    return said


def importance_figures(document: Result) -> "dict[str, Figure]":
    """Matplotlib figures by name from the JSON of an `Importance`: beeswarm, bars, dependence of each field, interactions."""
    import matplotlib as mpl

    mpl.use("Agg")
    with warnings.catch_warnings():
        # shap calls what matplotlib and numpy mean to deprecate; that is between them.
        for kind in (PendingDeprecationWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", kind)
        import shap

        return _draw(document, shap)


def _draw(document: Result, shap: ModuleType) -> "dict[str, Figure]":
    import matplotlib.pyplot as plt

    players, points = list(document["players"]), document["points"]
    values = np.column_stack([np.array(points[player]["usd"], dtype=np.float64) for player in players])
    codes = [_ranks(points[player]["value"], points[player]["usd"]) for player in players]
    explanation = shap.Explanation(
        values=values,
        base_values=np.full(len(values), float(document["base_usd"])),
        data=np.column_stack([code for code, _ in codes]).astype(np.float64),
        feature_names=[f"{document['players'][player]}" for player in players],
    )
    n = len(values)
    figures: dict[str, Figure] = {}
    for name, draw, what in (
        ("beeswarm", shap.plots.beeswarm, "contribution in USD; colour: values from lowest to highest paid"),
        ("bar", shap.plots.bar, "mean size in USD"),
    ):
        plt.figure()
        draw(explanation, max_display=len(players), show=False)
        plt.gca().set_xlabel(f"{what} (n = {n})")
        figures[f"importance_{name}"] = plt.gcf()
        plt.close()
    for p, player in enumerate(players):
        labels = codes[p][1]
        if len(labels) < 2:
            continue
        plt.figure(figsize=(max(6.0, 0.28 * len(labels)), 4.5))
        axes = plt.gca()
        shap.plots.scatter(explanation[:, p], ax=axes, show=False, color="#0b6b6b")
        if len(labels) <= 60:
            axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", rotation_mode="anchor")
        name = document["players"][player]
        axes.set(xlabel=f"{name}, lowest to highest contribution", ylabel=f"contribution in USD (n = {n})")
        figures[f"dependence_{player}"] = plt.gcf()
        plt.close()
    figures["interactions"] = _interaction_figure(document)
    return figures


def _interaction_figure(document: Result) -> "Figure":
    from matplotlib.figure import Figure

    labels = list(document["players"].values())
    table = np.array(document["interactions_usd"], dtype=np.float64)
    figure = Figure(figsize=(6.5, 5.5), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(table, cmap="Greens")
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    for (i, j), usd in np.ndenumerate(table):
        if i != j:
            colour = "white" if usd > table.max() / 2 else "black"
            axes.text(j, i, f"{usd:,.0f}", ha="center", va="center", color=colour)
    axes.set_title(f"Mean size of the interaction, USD (n = {document['segments']['all']['n']})")
    figure.colorbar(image)
    return figure


def _permute(predictor: Predictor, postings: Postings, rng: np.random.Generator) -> dict[str, Any]:
    """Errors as they are and with each player's values permuted among the postings, averaged over REPEATS."""
    index, salary_usd = postings.row_values_usd()
    columns = columns_of(postings.jobs)

    def errors(jobs: Mapping[str, Any]) -> tuple[float, float]:
        log_estimate = predictor.predict(jobs).log_estimate[index]
        miss = log_estimate - np.log1p(salary_usd)
        return float(np.sqrt(np.mean(miss**2))), float(np.mean(np.abs(np.expm1(log_estimate) - salary_usd)))

    rmse_log, mae_usd = errors(columns)
    permuted = np.zeros((len(PLAYERS), 2))
    for p, fields in enumerate(PLAYERS.values()):
        for _ in range(REPEATS):
            order = rng.permutation(len(postings))
            permuted[p] += errors({**columns, **{column: columns[column][order] for column in fields}})
    permuted /= REPEATS
    return {
        "rows": len(salary_usd),
        "rmse_log": rmse_log,
        "mae_usd": mae_usd,
        "permuted_rmse_log": permuted[:, 0],
        "permuted_mae_usd": permuted[:, 1],
    }


def _with_segments(postings: Postings, order: NDArray[np.int64], sample: int) -> list[int]:
    """Positions: the first `sample` of a random order, then those that fill each segment up to SEGMENT."""
    chosen: list[int] = order[:sample].tolist()
    in_us = (postings.jobs[LOCATION] == "US").to_numpy()
    levels = postings.jobs[EXPERIENCE].to_numpy()
    for mask in (in_us, ~in_us, *(levels == code for code in LABELS[EXPERIENCE])):
        missing = SEGMENT - int(mask[chosen].sum())
        taken = set(chosen)
        chosen += [int(n) for n in order if mask[n] and n not in taken][: max(missing, 0)]
    return chosen


def _values(importance: Importance, p: int, player: str) -> list[dict[str, Any]]:
    """Contribution of each value with enough postings, the most frequent first: n, quartiles in USD."""
    segments = importance.segments()
    sampled = segments["all"]
    if player in (EXPERIENCE, LOCATION_GROUP):
        by_level = set(LABELS[EXPERIENCE].values())
        for name, mask in segments.items():
            if (name in by_level) == (player == EXPERIENCE):
                sampled = sampled | mask
    value = np.array([player_value(player, job) for job in importance.jobs])
    names, counts = np.unique(value[sampled], return_counts=True)
    listed = []
    for name, count in sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda item: -item[1]):
        if count >= FEWEST:
            low, middle, high = np.quantile(importance.usd[sampled & (value == name), p], [0.25, 0.5, 0.75])
            ends = {"low_usd": round(low), "median_usd": round(middle), "high_usd": round(high)}
            listed.append({"value": name, "n": count, **ends})
    return listed[:SHOWN_VALUES]


def _ranks(values: Sequence[str], usd: Sequence[float]) -> tuple[NDArray[np.int64], list[str]]:
    """Place of each value among the distinct ones, lowest mean contribution first, and their names in that order."""
    names, code = np.unique(np.array(values), return_inverse=True)
    mean = np.bincount(code, weights=np.array(usd, dtype=np.float64)) / np.bincount(code)
    order = np.argsort(mean, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[code], names[order].tolist()


def _by_player(values: Floats, *, digits: int = 0) -> dict[str, float]:
    return {player: round(float(value), digits) for player, value in zip(PLAYERS, values, strict=True)}


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else names[0]
    return text[0].upper() + text[1:]
