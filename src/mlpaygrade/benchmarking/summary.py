"""What an employer wants to know first: how pay stands against the market, who is furthest below, what it costs, by group.

Enters a judged frame (`appraisal.judge`); amounts are US dollars a year of full-time work. Nothing is read or drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from mlpaygrade.benchmarking.appraisal import Rules
from mlpaygrade.money.currency import format_money
from mlpaygrade.money.terms import DOLLARS, PayTerms

if TYPE_CHECKING:
    import pandas as pd

GROUPS: Final = {"department": "Department", "country": "Country", "grade": "Grade", "level": "Level"}
"""Column -> what rows are grouped by; a column that says nothing or one thing is left out."""
FURTHEST: Final = 10
MOST_GROUPS: Final = 30
NEAR: Final = 0.10
"""A compa-ratio within this of 1 is near the market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows of one department, country or grade. compa_ratio: median, None without pay. cost_usd: to the chosen percentile."""

    name: str
    rows: int
    answered: int
    compa_ratio: float | None
    below: int
    cost_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A row whose pay lacks something of the chosen percentile."""

    row: int
    reference: str
    title: str
    country: str
    pay_usd: float
    target_usd: float
    compa_ratio: float
    strength: str

    @property
    def cost_usd(self) -> float:
        """What it lacks."""
        return self.target_usd - self.pay_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """rows; answered; paid: answered with pay; below, near, above: the market by more than NEAR, or not.

    compa_ratio: median; compa_spread: of 8 in 10. penetration, position: medians. None where no row has pay.
    pay_usd: total pay of paid rows; cost_usd: to bring all to the percentile. furthest: those that lack most in proportion.
    strengths: word -> answered rows. flagged: rows with a flag beside "not answered".
    """

    rows: int
    answered: int
    paid: int
    below: int
    near: int
    above: int
    compa_ratio: float | None
    compa_spread: tuple[float, float] | None
    penetration: float | None
    position: float | None
    pay_usd: float
    cost_usd: float
    behind: int
    furthest: tuple[Behind, ...]
    groups: dict[str, tuple[Group, ...]]
    strengths: dict[str, int]
    flagged: int

    @property
    def headline(self) -> str:
        """The answer in few words."""
        if self.compa_ratio is None:
            return f"{self.answered:,} of {self.rows:,} rows answered"
        apart = round(100 * (self.compa_ratio - 1))
        return f"{abs(apart)}% {'above' if apart > 0 else 'below'} the market" if apart else "at the market"

    @property
    def sentence(self) -> str:
        """What it means, in one sentence."""
        if self.compa_ratio is None:
            return f"Market figures for {self.answered:,} of {self.rows:,} rows. No pay was given to compare with them."
        return (
            f"The middle of your people with pay stands {self.headline}: {self.below:,} of {self.paid:,} are more than "
            f"{NEAR:.0%} below, {self.near:,} near it, {self.above:,} more than {NEAR:.0%} above."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What a budget pays for, those with the lowest compa-ratio first. people: brought to the percentile in full."""

    people: int
    spent_usd: float
    left: int


def summarise(frame: "pd.DataFrame") -> Summary:
    """The summary of a judged frame."""
    answered = frame[frame["typical"].notna()]
    paid = answered[answered["pay"].notna()]
    ratios = paid["compa_ratio"]
    below, above = int((ratios < 1 - NEAR).sum()), int((ratios > 1 + NEAR).sum())
    some = len(paid) > 0
    return Summary(
        rows=len(frame),
        answered=len(answered),
        paid=len(paid),
        below=below,
        near=len(paid) - below - above,
        above=above,
        compa_ratio=float(ratios.median()) if some else None,
        compa_spread=(float(ratios.quantile(0.1)), float(ratios.quantile(0.9))) if some else None,
        penetration=float(paid["penetration"].median()) if some else None,
        position=float(paid["position"].median()) if some else None,
        pay_usd=float(paid["pay"].sum()),
        cost_usd=float(paid["cost"].sum()),
        behind=int((paid["cost"] > 0).sum()),
        furthest=_furthest(paid),
        groups={name: groups for name in GROUPS if (groups := _groups(frame, name))},
        strengths={word: int((answered["strength"] == word).sum()) for word in ("strong", "fair", "rough")},
        flagged=int(((frame["flags"] != "") & frame["typical"].notna()).sum()),
    )


def raised_by(frame: "pd.DataFrame", budget_usd: float) -> Raised:
    """Whom a yearly budget brings to the percentile."""
    behind = _behind(frame[frame["cost"].notna()])
    spent = behind["cost"].cumsum()
    people = int((spent <= budget_usd).sum())
    return Raised(people=people, spent_usd=float(spent.iloc[people - 1]) if people else 0.0, left=len(behind) - people)


def total_text(usd: float, terms: PayTerms = DOLLARS) -> str:
    """A sum of yearly pay in a currency, short: "$1.2M", "€85K"."""
    amount = terms.rate.from_usd(usd)
    return format_money(round(amount, -3) if amount >= 10_000 else round(amount), terms.currency, compact=True)


def percentile_words(rules: Rules) -> str:
    """The percentile that pay is to reach."""
    return "the middle of the market" if rules.percentile == 0.5 else f"percentile {round(100 * rules.percentile)}"


def cost_sentence(summary: Summary, rules: Rules, terms: PayTerms = DOLLARS) -> str:
    """What it costs to bring everybody to the chosen percentile."""
    if not summary.paid:
        return ""
    if not summary.behind:
        return f"Nobody with pay is below {percentile_words(rules)}."
    share = summary.cost_usd / summary.pay_usd
    return (
        f"{summary.behind:,} of {summary.paid:,} are below {percentile_words(rules)}. Bringing each of them there costs "
        f"{total_text(summary.cost_usd, terms)} a year, {share:.1%} of the pay in this file."
    )


def _behind(paid: "pd.DataFrame") -> "pd.DataFrame":
    return paid[paid["cost"] > 0].sort_values(["compa_ratio", "row"])


def _furthest(paid: "pd.DataFrame") -> tuple[Behind, ...]:
    frame = _behind(paid).head(FURTHEST).rename(columns={"pay": "pay_usd", "target": "target_usd"})
    names = [field.name for field in fields(Behind)]
    rows = frame[names].itertuples(index=False, name=None)
    return tuple(Behind(**dict(zip(names, row, strict=True))) for row in rows)


def _groups(frame: "pd.DataFrame", name: str) -> tuple[Group, ...]:
    """The largest groups of a column; none where it says one thing, or is another column's twin."""
    said = frame[frame[name] != ""]
    if said[name].nunique() < 2 or (name == "grade" and set(said["grade"]) <= set(frame["level"])):
        return ()
    groups = [
        Group(
            name=str(value),
            rows=len(rows),
            answered=int(rows["typical"].notna().sum()),
            compa_ratio=float(rows["compa_ratio"].median()) if rows["compa_ratio"].notna().any() else None,
            below=int((rows["compa_ratio"] < 1 - NEAR).sum()),
            cost_usd=float(rows["cost"].sum()),
        )
        for value, rows in said.groupby(name, sort=True)
    ]
    return tuple(sorted(groups, key=lambda group: -group.rows)[:MOST_GROUPS])


def group_table(groups: Sequence[Group], terms: PayTerms = DOLLARS) -> list[list[str]]:
    """Groups in words: name, rows, median compa-ratio, below the market, cost."""
    return [
        [
            group.name,
            f"{group.rows:,}",
            "no pay" if group.compa_ratio is None else f"{group.compa_ratio:.2f}",
            f"{group.below:,}",
            total_text(group.cost_usd, terms) if group.cost_usd else "none",
        ]
        for group in groups
    ]
