"""Independent sources of pay, each read into the same record, and the shipped model's answers for them.

Files are described in the sources' own documentation; none is part of this repository. Rows that break a rule (no pay, an
amount below 10,000 or above 2,000,000 US dollars a year) are left out and counted by the caller.
"""

import csv
import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import EMPLOYMENT, EXPERIENCE, LOCATION, REMOTE, RESIDENCE, SIZE, TITLE, YEAR, Experience
from mlpaygrade.job.known_titles import resolve_title
from mlpaygrade.job.lookup import MAX_TEXT
from mlpaygrade.job.places import read_place
from mlpaygrade.job.reading import read_title
from mlpaygrade.money.currency import HOURS_A_WEEK, WEEKS_A_YEAR, usd_to
from mlpaygrade.money.place import log_ratio_of

COUNTRIES_OF_A_BOARD: Final = 10
SEARCHED_FOR_ANOTHER: Final = "Sudan"
"""A country whose postings of 2023 are in truth those of the United States, wherever their place tells."""
LEAST_USD: Final = 10_000
MOST_USD: Final = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One job and its pay in another source, US dollars a year: one figure, or the middle of a band.

    yearly: whether the source gave pay a year, not an hour's. place: as written, "" where none is.
    """

    title: str
    experience: Experience
    country: str
    year: int
    remote: bool
    usd: float
    place: str = ""
    employer: str = ""
    yearly: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The model's answers for n jobs, log dollars: log_typical, log_low, log_high (90 % range) (n,); answered bool (n,)."""

    log_typical: NDArray[np.float64]
    log_low: NDArray[np.float64]
    log_high: NDArray[np.float64]
    answered: NDArray[np.bool_]


def level_of(*titles: str) -> Experience:
    """The level that the first of the titles names; mid level where none does."""
    return next((level for title in titles if title.strip() and (level := read_title(title[:MAX_TEXT]).level)), "MI")


def plain_title(title: str) -> str:
    """The job that a title names, without level and remarks."""
    return read_title(title[:MAX_TEXT]).title


def postings_2023(path: Path) -> Iterator[Observed]:
    """Postings of 2023 found through a search engine.

    A posting with a US place counts as one of the United States, whatever country the search was made for. Abroad, pay by the
    hour is left out, and so are figures of `board_figures`.
    """
    rows = list(_rows(path))
    fixed = board_figures(rows)
    for row in rows:
        country = _country(row)
        yearly = bool(row["salary_year_avg"])
        if country is None or (country != "US" and (not yearly or row["salary_year_avg"] in fixed)):
            continue
        pay = float(row["salary_year_avg"] or row["salary_hour_avg"] or "nan")
        usd = pay if yearly else pay * HOURS_A_WEEK * WEEKS_A_YEAR
        if _plausible(usd):
            yield Observed(
                title=plain_title(row["job_title_short"]),
                experience=level_of(row["job_title"], row["job_title_short"]),
                country=country,
                year=2023,
                remote=row["job_work_from_home"] == "True",
                usd=usd,
                place=row["job_location"],
                employer=row["company_name"],
                yearly=yearly,
            )


def board_figures(rows: Iterable[Mapping[str, str]]) -> frozenset[str]:
    """Yearly figures that stand in adverts of at least `COUNTRIES_OF_A_BOARD` countries: a job board's, not an employer's."""
    countries: dict[str, set[str]] = {}
    for row in rows:
        countries.setdefault(row["salary_year_avg"], set()).add(row["job_country"])
    return frozenset(figure for figure, named in countries.items() if len(named) >= COUNTRIES_OF_A_BOARD)


def _country(row: Mapping[str, str]) -> str | None:
    place = row["job_location"]
    if place == "United States" or (re.search(r", [A-Z]{2}\b", place) and log_ratio_of(place) is not None):
        return "US"
    if row["job_country"] in {"", SEARCHED_FOR_ANOTHER}:
        return None
    return read_place(row["job_country"]).code


def startup_bands(path: Path) -> Iterator[Observed]:
    """Bands that startups post, autumn 2025, at the exchange rate of their day."""
    for row in _rows(path):
        country = read_place(row["country"]).code if row["country"] else None
        if country is None or row["employment"] != "FullTime" or not (row["salary_min"] and row["salary_max"]):
            continue
        day = dt.date.fromisoformat(row["published_at"])
        low, high = (usd_to(row["currency"], day).to_usd(float(row[end])) for end in ("salary_min", "salary_max"))
        if not (_plausible(low) and _plausible(high)):
            continue
        yield Observed(
            title=plain_title(row["title"]),
            experience=level_of(row["title"]),
            country=country,
            year=day.year,
            remote=row["remote"] == "True",
            usd=math.sqrt(low * high),
            place=row["location"],
            employer=row["company"],
        )


def survey(path: Path) -> Iterator[Observed]:
    """What data and AI people say that they earn, 2025."""
    titles = {"AI/ML engineer": "Machine Learning Engineer", "Data or business analyst": "Data Analyst"}
    levels: dict[str, Experience] = {"EN": "EN", "MI": "MI", "SE": "SE", "EX": "EX"}
    for row in _rows(path):
        if _plausible(usd := float(row["salary"])):
            title = titles.get(row["PrimaryRole"], row["PrimaryRole"].title())
            yield Observed(
                title=title, experience=levels[row["lvl"]], country=row["iso"], year=2025, remote=False, usd=usd
            )


def answers(predictor: Predictor, jobs: Sequence[Observed]) -> Answers:
    """The one use of the model here: medium size, full time; a year later than the model's counts as its newest."""
    newest = predictor.bundle.encoder.newest_year
    readings = {title: resolve_title(title, known=predictor.known_titles).title for title in {j.title for j in jobs}}
    titles = [readings[job.title] for job in jobs]
    answers = predictor.answer_many(
        {
            YEAR: [min(job.year, newest) for job in jobs],
            EXPERIENCE: [job.experience for job in jobs],
            EMPLOYMENT: ["FT"] * len(jobs),
            TITLE: titles,
            RESIDENCE: [job.country for job in jobs],
            REMOTE: [100 if job.remote else 0 for job in jobs],
            LOCATION: [job.country for job in jobs],
            SIZE: ["M"] * len(jobs),
        }
    )
    low, high = answers.interval_usd(90)
    return Answers(
        log_typical=answers.prediction.log_estimate,
        log_low=np.log1p(low),
        log_high=np.log1p(high),
        answered=np.array([refusal is None for refusal in answers.refusals], dtype=bool),
    )


def log_pay(jobs: Iterable[Observed]) -> NDArray[np.float64]:
    """log1p of the observed pay, as the model's answers are."""
    return np.log1p(np.array([job.usd for job in jobs], dtype=np.float64))


def _plausible(usd: float) -> bool:
    return LEAST_USD <= usd <= MOST_USD


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
