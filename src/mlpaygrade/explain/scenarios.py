"""What would change the number: one or two fields changed, a career ladder, other places, two jobs side by side.

Each `Scenario` has its difference, the interval of that difference and the postings it rests on. Offers only supported jobs,
and never moves a person to another country unasked. A difference between jobs is what the market pays differently for them; it
is not what a person gains by changing.

A job is supported where at least `ENOUGH` postings share its title, level and company's country; where a way of working was
changed (remote, size, employment), at least `SEEN` postings must share all of the job; and where employee and company are in
different countries, `ENOUGH` postings must join those two.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any, Final

import numpy as np

from mlpaygrade.errors import InputError
from mlpaygrade.explain.explanation import PLAYERS, play, shapley_values
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.distribution import Difference, differences, probability_pays_more
from mlpaygrade.forecast.evidence import CLOSE, COUNT_LEVELS, ENOUGH, SAME_JOB, Cell
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.forecast.predictor import Predictor, jobs_as_columns
from mlpaygrade.job.fields import (
    BY_NAME,
    CHANGEABLE,
    EMPLOYMENT,
    FEATURES,
    LABELS,
    LOCATION,
    REMOTE,
    RESIDENCE,
    SIZE,
    TITLE,
    Code,
    Job,
    job_of,
)
from mlpaygrade.rendering.words import value_text

WORDING: Final = "associated with, not promised"

SEEN: Final = 5
"""So many postings must share all fields of a job whose way of working was changed."""

UNASKED: Final = tuple(field.name for field in CHANGEABLE if field.unasked)
"""Allowed where a person says nothing."""

_CHANGEABLE_NAMES: Final = tuple(field.name for field in CHANGEABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field changed: dataset column, codes before and after, and plain words for it."""

    field: str
    before: str | int
    after: str | int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A job with its changes (none for the job itself).

    difference: against the original job. interval_90_usd: of one figure advertised for the new job. support: the postings
    it rests on. supported: whether the rule above holds.
    """

    job: Job
    changes: tuple[Change, ...]
    estimate_usd: float
    interval_90_usd: tuple[float, float]
    difference: Difference
    support: Cell
    supported: bool

    @property
    def text(self) -> str:
        """The changes in plain words; empty where there is none."""
        move = [change for change in self.changes if change.field in (LOCATION, RESIDENCE)]
        if len(move) == 2 and len({change.before for change in move}) == len({change.after for change in move}) == 1:
            _, places = move[0].text.split(": ", 1)
            others = [change.text for change in self.changes if change not in move]
            return "; ".join([*others, f"move from {places}"])
        return "; ".join(change.text for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, whole dollars; `changes` is {field: new value}."""
        low, high = self.difference.interval_90_usd
        return {
            "changes": {change.field: change.after for change in self.changes},
            "estimate_usd": round(self.estimate_usd),
            "difference_usd": round(self.difference.usd),
            "difference_90_usd": [round(low), round(high)],
            "support": {"postings": self.support.postings, "level": self.support.level},
            "supported": self.supported,
            "interval_90_usd": [round(end) for end in self.interval_90_usd],
            "text": self.text,
            "wording": WORDING,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioList:
    """Scenarios of a job, the largest gain first.

    allowed: names of fields in `CHANGEABLE`. considered: jobs looked at. notes: what was left out and why.
    """

    job: Job
    estimate_usd: float
    allowed: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    considered: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two jobs side by side.

    difference: second less first. probability_second_pays_more: for one figure drawn for each, independent once the fields are
    known.
    drivers_usd: player of `explain.PLAYERS` -> its share of the difference in dollars; they add up to it.
    """

    first: Answer
    second: Answer
    difference: Difference
    probability_second_pays_more: float
    drivers_usd: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, whole dollars."""
        return {
            "estimates_usd": [round(self.first.estimate_usd), round(self.second.estimate_usd)],
            "difference_usd": round(self.difference.usd),
            "difference_90_usd": [round(end) for end in self.difference.interval_90_usd],
            "probability_second_pays_more": round(self.probability_second_pays_more, 3),
            "drivers_usd": {field: round(usd, 2) + 0.0 for field, usd in self.drivers_usd.items()},
            "wording": WORDING,
        }


def scenarios(
    predictor: Predictor, job: Job | ReadJob, *, allow: Iterable[str] | None = None, max_changes: int = 2
) -> ScenarioList:
    """All changes of up to `max_changes` allowed fields that lead to a supported job, the largest gain first.

    allow: names of fields in `CHANGEABLE` or dataset columns; without it all but the residence. Where both countries may change,
    they change together, as one: a move. Raises InputError for a field that cannot be changed.
    """
    original = _job(job)
    estimate = predictor.answer(original)
    estimate.require_answer()
    allowed = read_allowed(allow)
    counts = _Counts(predictor, original)
    found, considered, apart = [], 0, 0
    for fields in _neighbours(original, allowed, predictor, max_changes=max_changes):
        considered += 1
        if counts.supported(fields):
            found.append(fields)
        elif counts.triple(fields) >= ENOUGH and not counts.pair_seen(fields):
            apart += 1
    notes = [f"{considered - len(found):,} of {considered:,} changed jobs are left out: too few postings support them."]
    if apart:
        notes.append(
            f"{apart:,} of those have the company in another country than the employee, as hardly any posting has. "
            "Allow residence as well as location to see moves."
        )
    return ScenarioList(
        job=original,
        estimate_usd=estimate.estimate_usd,
        allowed=allowed,
        scenarios=tuple(sorted(_scenarios(predictor, found, counts), key=lambda scenario: -scenario.difference.usd)),
        considered=considered,
        notes=tuple(notes),
    )


def what_if(predictor: Predictor, job: Job | ReadJob, **changes: Any) -> Scenario:
    """One job with fields of `Job` changed, supported or not: what_if(predictor, job, experience="EX", remote=100).

    Values are codes; `Predictor.read_job` reads words.
    """
    original = _job(job)
    counts = _Counts(predictor, original)
    return _scenarios(predictor, [replace(original, **changes).fields()], counts)[0]


def ladder(predictor: Predictor, job: Job | ReadJob) -> tuple[Scenario, ...]:
    """The job at every level, entry to executive, each against the job as it is."""
    return across(predictor, job, "experience")


def across(predictor: Predictor, job: Job | ReadJob, field: str) -> tuple[Scenario, ...]:
    """The job with each value of one field, each against the job as it is and itself among them; unsupported ones are marked.

    field: the name of a field in `CHANGEABLE`. `location` and `residence` give the same job in other countries, held by somebody
    who lives there. Countries and titles come the best paid first, other fields in their natural order.
    """
    original = _job(job)
    (name,) = read_allowed([field])
    before = original.fields()
    column = BY_NAME[name].column
    places = column in (LOCATION, RESIDENCE)
    jobs = [before]
    for value in _values(name, predictor):
        fields = {**before, LOCATION: value, RESIDENCE: value} if places else {**before, column: value}
        if fields != before:
            jobs.append(fields)
    made = _scenarios(predictor, jobs, _Counts(predictor, original))
    if places or column == TITLE:
        made.sort(key=lambda scenario: -scenario.estimate_usd)
    else:
        order = list(LABELS[column])
        made.sort(key=lambda scenario: order.index(scenario.job.fields()[column]))
    return tuple(made)


def compare(predictor: Predictor, first: Job | ReadJob | Answer, second: Job | ReadJob | Answer) -> Comparison:
    """Two jobs side by side, and what drives them apart: Shapley values of the second against the first alone."""
    one, two = (job if isinstance(job, Answer) else predictor.answer(job) for job in (first, second))
    others = {column: [value] for column, value in one.job.fields().items()}
    game = play(predictor, two, others, np.ones(1))
    worth = game.usd.copy()
    worth[0] = one.estimate_usd
    prediction = predictor.answer_many(jobs_as_columns([one.job, two.job])).prediction
    difference = differences(prediction.take(slice(1, 2)), prediction.take(slice(0, 1)))[0]
    quantiles = prediction.quantiles("any")
    return Comparison(
        first=one,
        second=two,
        difference=replace(difference, usd=two.estimate_usd - one.estimate_usd),
        probability_second_pays_more=probability_pays_more(quantiles[1], quantiles[0]),
        drivers_usd=dict(zip(PLAYERS, shapley_values(worth).tolist(), strict=True)),
    )


def read_allowed(allow: Iterable[str] | None) -> tuple[str, ...]:
    """Names of `CHANGEABLE` fields in their order, from names or dataset columns; without any, all but the residence.

    Raises InputError for anything else.
    """
    if allow is None:
        return UNASKED
    names = {field.name: field.name for field in CHANGEABLE} | {field.column: field.name for field in CHANGEABLE}
    wanted = set()
    for text in allow:
        name = text.strip().casefold().replace("-", "_")
        if name not in names:
            raise InputError(f"A field to change must be one of {', '.join(_CHANGEABLE_NAMES)}; got '{text}'.")
        wanted.add(names[name])
    if not wanted:
        raise InputError(f"At least one field must be allowed to change: {', '.join(_CHANGEABLE_NAMES)}.")
    return tuple(name for name in _CHANGEABLE_NAMES if name in wanted)


class _Counts:
    """Counts of training postings that the rule of support needs."""

    def __init__(self, predictor: Predictor, original: Job) -> None:
        self.evidence = predictor.bundle.evidence
        self.abroad = predictor.bundle.background.abroad
        self.original = original

    def triple(self, fields: Mapping[str, Code]) -> int:
        """Postings with the title, level and company's country."""
        return self._count(CLOSE[1], fields)

    def pair_seen(self, fields: Mapping[str, Code]) -> bool:
        """Whether the two countries are one, those of the original job, or joined by enough postings."""
        company, home = fields[LOCATION], fields[RESIDENCE]
        if company == home or (company, home) == (self.original.location, self.original.residence):
            return True
        return self.abroad.get(f"{company}|{home}", 0) >= ENOUGH

    def supported(self, fields: Mapping[str, Code]) -> bool:
        """The rule that the module states, for a job as dataset columns."""
        if self.triple(fields) < ENOUGH or not self.pair_seen(fields):
            return False
        before = self.original.fields()
        changed = any(fields[column] != before[column] for column in (REMOTE, SIZE, EMPLOYMENT))
        return not changed or self._count(SAME_JOB, fields) >= SEEN

    def _count(self, level: str, fields: Mapping[str, Code]) -> int:
        cell = self.evidence.cells[level].get("|".join(str(fields[key]) for key in COUNT_LEVELS[level]))
        return 0 if cell is None else int(cell[0])


def _neighbours(
    original: Job, allowed: tuple[str, ...], predictor: Predictor, *, max_changes: int
) -> Iterator[dict[str, Code]]:
    """Every job, as dataset columns, that differs in one to `max_changes` allowed fields."""
    before = original.fields()
    moves: dict[str, list[dict[str, Code]]] = {}
    for name in allowed:
        column = BY_NAME[name].column
        moves[name] = [{column: value} for value in _values(name, predictor) if value != before[column]]
    if "location" in moves and "residence" in moves:
        moves.pop("residence")
        moves["location"] = [{**move, RESIDENCE: move[LOCATION]} for move in moves["location"]]
    for count in range(1, max_changes + 1):
        for names in combinations(moves, count):
            for parts in product(*(moves[name] for name in names)):
                fields = dict(before)
                for part in parts:
                    fields.update(part)
                yield fields


def _values(name: str, predictor: Predictor) -> Iterable[Code]:
    encoder = predictor.bundle.encoder
    if name == "title":
        return encoder.titles
    return encoder.countries if name in ("location", "residence") else BY_NAME[name].labels


def _scenarios(predictor: Predictor, jobs: Sequence[Mapping[str, Code]], counts: _Counts) -> list[Scenario]:
    """Scenarios of jobs given as dataset columns, in that order."""
    original = counts.original
    rows = [original.fields(), *jobs]
    answers = predictor.answer_many({column: [row[column] for row in rows] for column in FEATURES})
    changed, against = answers.prediction.take(slice(1, None)), answers.prediction.take(slice(0, 1))
    low, high = answers.interval_usd(90)
    return [
        Scenario(
            job=job_of(fields),
            changes=_changes(original, fields),
            estimate_usd=float(answers.estimate_usd[n]),
            interval_90_usd=(float(low[n]), float(high[n])),
            difference=difference,
            support=counts.evidence.support(fields),
            supported=answers.refusals[n] is None and counts.supported(fields),
        )
        for n, (fields, difference) in enumerate(zip(jobs, differences(changed, against), strict=True), start=1)
    ]


def _changes(original: Job, fields: Mapping[str, Code]) -> tuple[Change, ...]:
    """What was changed; a move, from one country to another with the company, is said once but listed as both fields."""
    before = original.fields()
    changes = []
    for column, label in ((field.column, field.label) for field in CHANGEABLE):
        old, new = before[column], fields[column]
        if new != old:
            text = f"{label}: {value_text(column, old)} to {value_text(column, new)}"
            changes.append(Change(field=column, before=old, after=new, text=text))
    return tuple(changes)


def _job(job: Job | ReadJob) -> Job:
    return job.job if isinstance(job, ReadJob) else job
