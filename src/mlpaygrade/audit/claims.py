"""What the project's brief claims of the dataset, measured on any file of its columns.

Every row of `tables/claims.csv` becomes a `ClaimResult`: the claimed value, the measured one, how many rows stand behind it,
and whether the claim holds to the digit it was stated with. A claim about groups is judged by their codes ("CT/S"; "CH|DK|LU" is
a set, "EN<MI" an order) and read in words. Raw statistics of rows, as the claims are; adjusts for nothing and explains nothing.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from mlpaygrade.job.fields import FEATURES, LABELS, LOCATION, REMOTE, RESIDENCE, TARGET, YEAR, Code
from mlpaygrade.job.lookup import rows
from mlpaygrade.job.places import country

Verdict = Literal["holds", "fails", "cannot be told"]
Value = float | str
Unit = Literal["count", "usd", "percent", "number", "text"]

ABOVE_FENCE: Final = "above_fence"
"""1 where a salary lies above the Tukey fence (third quartile and 1.5 times the interquartile range), else 0."""

MIN_RANKED: Final = 3
"""Countries with fewer rows are not ranked, as in the claims that are judged."""

SMALL: Final = 10
"""Values that rest on fewer rows are marked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimResult:
    """A claim and its verdict.

    claimed, measured: in `unit` (percent as 0..100), groups by the codes of `columns`; measured is None where the file cannot
    tell. n: rows behind the measured value. remark: how the claim was read and what else has to be known.
    """

    id: str
    section: str
    claim: str
    claimed: Value
    measured: Value | None
    unit: Unit
    columns: tuple[str, ...]
    verdict: Verdict
    n: int
    remark: str
    source: str

    @property
    def claimed_text(self) -> str:
        """The claimed value as a person writes it."""
        return _shown(self.claimed, self)

    @property
    def measured_text(self) -> str:
        """The measured value as a person writes it, finer than the claimed one where they differ."""
        return "-" if self.measured is None else _shown(self.measured, self, fine=True)

    def to_json(self) -> dict[str, object]:
        """Plain JSON of the result, both texts included."""
        return {**asdict(self), "claimed_text": self.claimed_text, "measured_text": self.measured_text}


def judge_claims(frame: pd.DataFrame) -> tuple[ClaimResult, ...]:
    """Every claim judged on a validated frame, in the table's order."""
    frame = frame.assign(**{ABOVE_FENCE: (frame[TARGET] > tukey_fence_usd(frame[TARGET])).astype(int)})
    return tuple(_judge(claim, frame) for claim in rows("claims", room="audit"))


def _judge(claim: Mapping[str, str], frame: pd.DataFrame) -> ClaimResult:
    name, _, argument = claim["statistic"].partition(":")
    measured, n = _STATISTICS[name](frame, _where(frame, claim["where"]), argument)
    if isinstance(measured, float) and not math.isfinite(measured):
        measured = None
    claimed: Value = claim["claimed"] if claim["unit"] == "text" else float(claim["claimed"])
    remark = claim["remark"]
    if measured is not None and n < SMALL and claim["unit"] != "count":
        remark = f"Rests on {n} row{'s' if n != 1 else ''} only. {remark}".strip()
    return ClaimResult(
        id=claim["id"],
        section=claim["section"],
        claim=claim["claim"],
        claimed=claimed,
        measured=measured,
        columns=tuple(filter(None, argument.partition(":")[0].split("+"))),
        unit=claim["unit"],  # type: ignore[arg-type]  # the table holds no other; a test reads every row
        verdict=_verdict(claimed, measured, relation=claim["relation"], tolerance=float(claim["tolerance"] or 0)),
        n=n,
        remark=remark,
        source=claim["source"],
    )


def _verdict(claimed: Value, measured: Value | None, *, relation: str, tolerance: float) -> Verdict:
    if measured is None:
        return "cannot be told"
    if isinstance(claimed, str) or isinstance(measured, str):
        return "holds" if claimed == measured else "fails"
    slack = tolerance + 1e-9
    holds = {"equals": abs(measured - claimed) <= slack, "at_least": measured >= claimed - slack}
    return "holds" if holds[relation] else "fails"


def _where(frame: pd.DataFrame, conditions: str) -> pd.Series:
    """Rows that meet `column=code|code;column=code`, bool (n,)."""
    mask = pd.Series(True, index=frame.index)
    for condition in filter(None, conditions.split(";")):
        column, _, codes = condition.partition("=")
        mask &= frame[column].astype(str).isin(codes.split("|"))
    return mask


Measured = tuple[Value | None, int]
Statistic = Callable[[pd.DataFrame, pd.Series, str], Measured]


def _of_salary(function: Callable[[pd.Series], float]) -> Statistic:
    def statistic(frame: pd.DataFrame, mask: pd.Series, _: str) -> Measured:
        salary = frame.loc[mask, TARGET].astype(float)
        return (float(function(salary)) if len(salary) else None), len(salary)

    return statistic


def _of_rows(function: Callable[[pd.DataFrame, str], float]) -> Statistic:
    return lambda frame, mask, column: (float(function(frame[mask], column)), int(mask.sum()))


def _share_of_outliers(frame: pd.DataFrame, mask: pd.Series, _: str) -> Measured:
    outliers = frame[ABOVE_FENCE] == 1
    return (100 * float(mask[outliers].mean()) if outliers.any() else None), int(outliers.sum())


def tukey_fence_usd(salary: pd.Series) -> float:
    """Third quartile and 1.5 times the interquartile range of salaries, USD."""
    low, high = salary.quantile(0.25), salary.quantile(0.75)
    return float(high + 1.5 * (high - low))


def _skewness_reduction(salary: pd.Series) -> float:
    before, after = float(salary.skew()), float(np.log1p(salary).skew())  # type: ignore[arg-type]
    return 100 * (1 - abs(after) / abs(before)) if before else math.nan


def _change(function: Literal["mean", "std"]) -> Statistic:
    """Change of a yearly statistic against the year before, in percent."""

    def statistic(frame: pd.DataFrame, mask: pd.Series, _: str) -> Measured:
        if not mask.any():
            return None, 0
        by_year = frame.groupby(YEAR)[TARGET].agg(function)
        year = int(frame.loc[mask, YEAR].iloc[0])
        if year - 1 not in by_year.index:
            return None, int(mask.sum())
        return 100 * float(by_year[year] / by_year[year - 1] - 1), int(mask.sum())

    return statistic


def _ranked(function: Literal["mean", "std", "size"], *, highest: bool, as_set: bool = False) -> Statistic:
    """The group with the highest or lowest statistic; with `as_set` the `column:k` highest, in order of their codes."""

    def statistic(frame: pd.DataFrame, mask: pd.Series, argument: str) -> Measured:
        names, _, count = argument.partition(":")
        columns = names.split("+")
        groups = frame[mask].groupby(columns)[TARGET].agg([function, "size"]).dropna()
        if as_set and function != "size":
            groups = groups[groups["size"] >= MIN_RANKED]
        wanted = int(count or 1)
        if len(groups) < max(2, wanted):
            return None, int(mask.sum())
        groups = groups.iloc[:, [0, -1]].set_axis(["value", "size"], axis=1)
        best = groups.sort_values("value", ascending=not highest, kind="stable").head(wanted)
        codes = ["/".join(map(str, key if isinstance(key, tuple) else (key,))) for key in best.index]
        return "|".join(sorted(codes)), int(best["size"].min())

    return statistic


def _remote_gains(frame: pd.DataFrame, column: str) -> tuple[pd.Series, int]:
    """Mean of fully remote less mean of on site by group, smallest first, and the rows of the smallest cell."""
    cells = frame[frame[REMOTE].isin([0, 100])].groupby([column, REMOTE])[TARGET].agg(["mean", "size"])
    if not {0, 100} <= set(cells.index.get_level_values(REMOTE)):
        return pd.Series(dtype=float), 0
    means = cells["mean"].unstack(REMOTE)
    return (means[100] - means[0]).dropna().sort_values(), int(cells["size"].min())


def _most_remote_gain(frame: pd.DataFrame, mask: pd.Series, column: str) -> Measured:
    gains, n = _remote_gains(frame[mask], column)
    return (str(gains.index[-1]) if len(gains) > 1 else None), n


def _remote_gain_order(frame: pd.DataFrame, mask: pd.Series, column: str) -> Measured:
    gains, n = _remote_gains(frame[mask], column)
    return ("<".join(map(str, gains.index)) if len(gains) == len(LABELS[column]) else None), n


def _weakest_kruskal(frame: pd.DataFrame, mask: pd.Series, _: str) -> Measured:
    """Smallest ratio over the features of the Kruskal-Wallis statistic (ties corrected) to its 0.1 % critical value."""
    salary = frame.loc[mask, TARGET]
    n, ranks = len(salary), salary.rank()
    ties = salary.value_counts().to_numpy(dtype=float)
    correction = 1 - float((ties**3 - ties).sum()) / (n**3 - n) if n > 1 else 0.0
    ratios = []
    for column in FEATURES:
        groups = ranks.groupby(frame.loc[mask, column]).agg(["mean", "size"])
        if (freedom := len(groups) - 1) < 1 or correction <= 0:
            continue
        statistic = (
            12 / (n * (n + 1)) * float((groups["size"] * (groups["mean"] - (n + 1) / 2) ** 2).sum()) / correction
        )
        ratios.append(statistic / _chi_square_critical(freedom, 0.001))
    return (min(ratios) if ratios else None), n


def _chi_square_critical(freedom: int, probability: float) -> float:
    """The value that a chi-square variable exceeds with this probability, by bisection of its closed form.

    Q(x; k + 2) = Q(x; k) + (x/2)^(k/2) exp(-x/2) / Gamma(k/2 + 1), from Q(x; 1) = erfc(sqrt(x/2)) or Q(x; 2) = exp(-x/2).
    """

    def above(x: float) -> float:
        start = 2 - freedom % 2
        first = math.erfc(math.sqrt(x / 2)) if start == 1 else math.exp(-x / 2)
        terms = (math.exp(k / 2 * math.log(x / 2) - x / 2 - math.lgamma(k / 2 + 1)) for k in range(start, freedom, 2))
        return first + sum(terms)

    low, high = 1e-9, 20.0 * freedom + 40
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > probability else (low, middle)
    return high


def plain_word(column: str, code: Code) -> str:
    """What a person reads for a code: "Senior", "Switzerland", "2020"."""
    if column in (LOCATION, RESIDENCE):
        return country(str(code)).name
    labels = {str(known): label for known, label in LABELS.get(column, {}).items()}
    return labels.get(str(code), str(code))


def _groups_text(codes: str, columns: tuple[str, ...]) -> str:
    """Groups in words: a set in alphabetical order, an order as it stands."""
    groups = [
        " / ".join(map(plain_word, columns, group.split("/", maxsplit=len(columns) - 1)))
        for group in re.split("[|<]", codes)
    ]
    return " < ".join(groups) if "<" in codes else ", ".join(sorted(groups))


def _shown(value: Value, result: ClaimResult, *, fine: bool = False) -> str:
    unit = result.unit
    if isinstance(value, str):
        return _groups_text(value, result.columns)
    if unit == "usd":
        return f"${value / 1000:,.1f}K" if fine else f"${value / 1000:,.0f}K"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "percent":
        return f"{value:.2f} %" if fine else f"{value:g} %"
    return f"{value:.2f}"


_STATISTICS: Final[Mapping[str, Statistic]] = {
    "rows": _of_rows(lambda rows, _: len(rows)),
    "missing": _of_rows(lambda rows, _: rows.isna().to_numpy().sum()),
    "distinct": _of_rows(lambda rows, column: rows[column].nunique()),
    "share": lambda _frame, mask, _: (100 * float(mask.mean()), int(mask.sum())),
    "share_of_outliers": _share_of_outliers,
    "min": _of_salary(pd.Series.min),
    "max": _of_salary(pd.Series.max),
    "mean": _of_salary(pd.Series.mean),
    "median": _of_salary(pd.Series.median),
    "sd": _of_salary(pd.Series.std),
    "skewness": _of_salary(lambda salary: float(salary.skew())),  # type: ignore[arg-type]
    "log_skewness": _of_salary(lambda salary: float(np.log1p(salary).skew())),
    "skewness_reduction": _of_salary(_skewness_reduction),
    "fence": _of_salary(tukey_fence_usd),
    "yearly_change": _change("mean"),
    "deviation_change": _change("std"),
    "most_rows": _ranked("size", highest=True),
    "most_rows_set": _ranked("size", highest=True, as_set=True),
    "most_mean": _ranked("mean", highest=True),
    "top_mean_set": _ranked("mean", highest=True, as_set=True),
    "most_sd": _ranked("std", highest=True),
    "least_sd": _ranked("std", highest=False),
    "most_remote_gain": _most_remote_gain,
    "remote_gain_order": _remote_gain_order,
    "weakest_kruskal": _weakest_kruskal,
}
