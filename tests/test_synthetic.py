"""The synthetic market: its file looks like the public one, and its stated truth is the one it is drawn from."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlpaygrade.dataset.postings import pair_rows
from mlpaygrade.dataset.table import check_table, read_table, sidecar_path
from mlpaygrade.errors import InputError
from mlpaygrade.job import fields as schema
from mlpaygrade.testing.synthetic import INTERCEPT, NOISE, Draw, End, SyntheticMarket, width_shares, widths, years

FRESH = SyntheticMarket(seed=3, n_postings=60_000, copy_scale=0.0)


@pytest.fixture(scope="module")
def fresh() -> Draw:
    """A market without copies, so that every posting is new evidence."""
    return FRESH.draw()


@pytest.fixture(scope="module")
def usual() -> Draw:
    return SyntheticMarket(seed=1).draw()


def job(**changes: str | int) -> pd.DataFrame:
    base: dict[str, str | int] = {
        "work_year": 2024,
        "experience_level": "SE",
        "employment_type": "FT",
        "job_title": "Data Engineer",
        "employee_residence": "US",
        "remote_ratio": 0,
        "company_location": "US",
        "company_size": "M",
    }
    return pd.DataFrame([base | changes])


def test_same_settings_same_file_other_seed_other_file() -> None:
    one, two, other = (SyntheticMarket(seed=seed, n_postings=300).generate() for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(other)


def test_the_gate_accepts_the_written_file_and_knows_that_it_is_synthetic(tmp_path: Path) -> None:
    market = SyntheticMarket(seed=2, n_postings=400)
    path = market.write(tmp_path / "deep" / "synthetic_jobs.csv")
    assert check_table(path).defects == ()
    table = read_table(path)
    assert table.synthetic
    pd.testing.assert_frame_equal(table.frame, market.generate(), check_dtype=False)
    meta = json.loads(sidecar_path(path).read_text())
    assert (meta["synthetic"], meta["settings"]["seed"], meta["rows"]) == (True, 2, len(table.frame))
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, sidecar_path(path).name}


def test_a_name_that_hides_the_origin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="synthetic"):
        SyntheticMarket(n_postings=10).write(tmp_path / "salaries.csv")
    assert list(tmp_path.iterdir()) == []


def test_it_looks_like_the_public_file(usual: Draw) -> None:
    frame = usual.frame
    assert list(frame.columns) == list(schema.COLUMNS)
    assert 16_000 < len(frame) < 17_000
    for column, code, share in [
        ("company_location", "US", 0.878),
        ("company_size", "M", 0.926),
        ("employment_type", "FT", 0.995),
        ("experience_level", "SE", 0.646),
        ("remote_ratio", 100, 0.313),
        ("work_year", 2023, 0.517),
        ("job_title", "Data Engineer", 0.210),
    ]:
        assert (frame[column] == code).mean() == pytest.approx(share, abs=0.05), column
    assert frame.duplicated().mean() == pytest.approx(0.388, abs=0.06)
    assert (frame["employee_residence"] == frame["company_location"]).mean() == pytest.approx(0.99, abs=0.01)
    singles = pd.Series(usual.end == 0).groupby(frame["work_year"]).mean()
    assert singles[2020] > 0.9
    assert singles[2024] < 0.03


def test_greedy_pairing_finds_nearly_all_planted_bands(usual: Draw) -> None:
    first = np.flatnonzero(np.append(True, usual.posting[1:] != usual.posting[:-1]))
    second = np.where(usual.end[first] == 1, first + 1, -1)
    planted = set(zip(first.tolist(), second.tolist(), strict=True))
    found = set(map(tuple, pair_rows(usual.frame).tolist()))
    assert len(planted & found) / len(planted) > 0.99


def test_high_end_stands_before_low_end(usual: Draw) -> None:
    usd = usual.frame["salary_in_usd"].to_numpy()
    high = np.flatnonzero(usual.end == 1)
    assert (usual.end[high + 1] == -1).all()
    assert (usd[high] >= usd[high + 1]).all()
    same = usual.frame[list(schema.FEATURES)]
    assert (same.iloc[high].to_numpy() == same.iloc[high + 1].to_numpy()).all()


def test_copies_repeat_an_older_posting_of_their_year(usual: Draw) -> None:
    copies = np.flatnonzero(usual.root != np.arange(len(usual.root)))
    assert 0.15 < len(copies) / len(usual.root) < 0.3
    assert (usual.root[copies] > copies).all()  # further down the file is older
    rows = pd.DataFrame({"posting": usual.posting}).groupby("posting").indices
    for copy in copies[:200]:
        one, two = usual.frame.iloc[rows[copy]], usual.frame.iloc[rows[usual.root[copy]]]
        assert (one.to_numpy() == two.to_numpy()).all()


def test_newest_first_within_each_year(usual: Draw) -> None:
    year = usual.frame["work_year"].to_numpy()[np.unique(usual.posting, return_index=True)[1]]
    for one in (2022, 2023, 2024):
        assert (np.diff(usual.arrival[year == one]) < 0).all()


def test_effects_add_up_and_interactions_count() -> None:
    truth = FRESH.truth
    assert truth.log_middle(job())[0] == pytest.approx(INTERCEPT)
    effects = truth.effects()
    changes: dict[str, str | int] = {
        "experience_level": "EX",
        "remote_ratio": 100,
        "job_title": "Data Analyst",
        "company_size": "L",
        "work_year": 2021,
    }
    plain = sum(effects[column][code] for column, code in changes.items())
    interaction = truth.interactions()[(("experience_level", "EX"), ("remote_ratio", 100))]
    assert truth.log_middle(job(**changes))[0] == pytest.approx(INTERCEPT + plain + interaction)
    with pytest.raises(InputError, match="Wizard"):
        truth.log_middle(job(job_title="Wizard"))


@pytest.mark.parametrize("end", ["low", "high", "row"])
def test_file_follows_the_stated_distribution(fresh: Draw, end: End) -> None:
    wanted = {"low": fresh.end == -1, "high": fresh.end == 1, "row": np.ones(len(fresh.end), bool)}[end]
    frame = fresh.frame[wanted]
    jobs, log_salary = frame[list(schema.FEATURES)], np.log(frame["salary_in_usd"].to_numpy(dtype=np.float64))
    for arrival in (None, fresh.arrival[fresh.posting[wanted]]):
        place = np.sort(FRESH.truth.cdf(jobs, log_salary, end=end, arrival=arrival))
        gap = np.abs(place - (np.arange(len(place)) + 0.5) / len(place)).max()
        assert gap < 2.5 / math.sqrt(len(place)) + 0.003  # chance, and the rounding of dollars
        mean = FRESH.truth.mean(jobs, end=end, arrival=arrival)
        assert (log_salary - mean).mean() == pytest.approx(0.0, abs=0.005)


def test_the_distribution_test_can_fail(fresh: Draw) -> None:
    frame = fresh.frame[fresh.end == 1]
    log_salary = np.log(frame["salary_in_usd"].to_numpy(dtype=np.float64))
    place = np.sort(FRESH.truth.cdf(frame, log_salary, end="low"))
    assert np.abs(place - np.linspace(0, 1, len(place))).max() > 0.2


@pytest.mark.parametrize(("level", "year"), [("EN", 2020), ("MI", 2022), ("SE", 2023), ("EX", 2024)])
def test_quantiles_agree_with_a_plain_simulation(level: str, year: int) -> None:
    rng = np.random.default_rng(8)
    n = 200_000
    jobs = job(experience_level=level, work_year=year)
    facts = next(one for one in years() if one.year == year)
    middle = FRESH.truth.log_middle(jobs)[0] + facts.log_drift * (rng.random(n) - 0.5) + rng.normal(0, NOISE[level], n)
    half = rng.choice(widths(), n, p=width_shares(level)) / 2
    probabilities = [0.05, 0.25, 0.5, 0.75, 0.95]
    row = np.concatenate([middle + half, middle - half])[np.tile(rng.random(n) >= facts.share_single, 2)]
    n_single = round(len(row) / 2 * facts.share_single / (1 - facts.share_single))
    samples: dict[End, np.ndarray] = {
        "mid": middle,
        "high": middle + half,
        "low": middle - half,
        "row": np.concatenate([row, rng.choice(middle, n_single)]),
    }
    for end, sample in samples.items():
        exact = FRESH.truth.quantile(jobs, probabilities, end=end)[0]
        assert exact == pytest.approx(np.quantile(sample, probabilities), abs=0.006), end


def test_quantile_inverts_the_distribution_function() -> None:
    jobs = pd.concat([job(), job(experience_level="EN", work_year=2020)])
    ends: tuple[End, ...] = ("low", "mid", "high", "row")
    for end in ends:
        quantiles = FRESH.truth.quantile(jobs, [0.1, 0.9], end=end)
        assert FRESH.truth.cdf(jobs, quantiles[:, 1], end=end) == pytest.approx([0.9, 0.9], abs=1e-9)
        assert (quantiles[:, 0] < quantiles[:, 1]).all()
    low, high = (FRESH.truth.quantile(jobs, [0.5], end=end) for end in ("low", "high"))
    assert (low < high).all()


def test_bad_settings_are_refused() -> None:
    for settings in ({"n_postings": 0}, {"noise_scale": 0.0}, {"copy_scale": 1.5}, {"single_scale": -0.1}):
        with pytest.raises(InputError):
            SyntheticMarket(**settings)
    with pytest.raises(InputError, match="inside"):
        FRESH.truth.quantile(job(), [1.0], end="mid")


def test_large_markets_are_quick() -> None:
    started = time.process_time()
    assert len(SyntheticMarket(n_postings=200_000).generate()) > 370_000
    assert time.process_time() - started < 15
