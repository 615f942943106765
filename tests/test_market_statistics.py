"""The building blocks of the market analysis, against scipy, plain refits and what is known of synthetic data."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mlpaygrade.dataset import postings as arrivals
from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.errors import DataError
from mlpaygrade.job.fields import COLUMNS
from mlpaygrade.market import wording
from mlpaygrade.market.geography import shrink
from mlpaygrade.market.inference import (
    bootstrap_of,
    compare_groups,
    fit_adjusted,
    group_quantiles,
    holm,
    percentile_interval,
    plain_quantiles,
    skewness,
    unique_share,
)
from mlpaygrade.market.predictability import pure_error
from mlpaygrade.market.sample import Sample, build_sample
from mlpaygrade.market.years import merged_steps
from mlpaygrade.testing.synthetic import SyntheticMarket

SIMPLE = (("year",), ("level", "remote"), ("size",))


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=3, n_postings=1_500).generate())


@pytest.fixture(scope="module")
def sample(postings: Postings) -> Sample:
    return build_sample(postings)


def _groups(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    codes = rng.integers(0, 4, 300)
    return np.round(rng.lognormal(0.2 * codes, 0.1 + 0.2 * codes), 1), codes


def test_tests_of_groups_agree_with_scipy() -> None:
    values, codes = _groups(np.random.default_rng(0))
    parts = [values[codes == code] for code in range(4)]
    found = compare_groups(values, codes, k=4, smallest=10)
    assert found is not None
    assert found.kruskal_p == pytest.approx(stats.kruskal(*parts).pvalue)
    assert found.welch_p == pytest.approx(stats.f_oneway(*parts, equal_var=False).pvalue)


def test_groups_below_the_smallest_size_are_left_out_of_a_test() -> None:
    values, codes = _groups(np.random.default_rng(1))
    strange = np.concatenate([values, [1e9]]), np.concatenate([codes, [4]])
    assert compare_groups(*strange, k=5, smallest=10) == compare_groups(values, codes, k=4, smallest=10)
    assert compare_groups(values[:5], codes[:5], k=4, smallest=10) is None


def test_effect_sizes_are_near_zero_for_noise_and_one_for_groups_alone() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 5, 5_000)
    noise = compare_groups(rng.normal(size=5_000), codes, k=5, smallest=10)
    apart = compare_groups(codes + rng.normal(0, 0.01, 5_000), codes, k=5, smallest=10)
    assert noise is not None
    assert apart is not None
    assert noise.omega2 < 0.005
    assert noise.epsilon2 < 0.005
    assert apart.omega2 > 0.99


def test_holm_is_monotone_and_stops_at_one() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_skewness_is_the_one_of_pandas() -> None:
    values = np.random.default_rng(3).lognormal(size=400)
    assert skewness(values) == pytest.approx(pd.Series(values).skew())
    assert np.isnan(skewness(np.ones(9)))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=40))
def test_weighted_quantiles_are_those_of_repeated_values(rows: list[tuple[int, int, int]]) -> None:
    codes, values, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = group_quantiles(values.astype(float), codes, k=3, probabilities=(0.25, 0.5))(weights.astype(float))
    for code in range(3):
        repeated = np.repeat(values[codes == code], weights[codes == code])
        if len(repeated):
            assert found[code] == pytest.approx(np.quantile(repeated, (0.25, 0.5), method="inverted_cdf"))
        else:
            assert np.isnan(found[code]).all()


def test_bootstrap_draws_copies_of_an_advert_together(sample: Sample) -> None:
    assert sample.n_adverts < len(sample)
    bootstrap = bootstrap_of(sample, seed=1)

    def spread_inside_adverts(weights: np.ndarray) -> np.ndarray:
        highest = np.zeros(sample.n_adverts)
        np.maximum.at(highest, sample.advert, weights)
        return np.asarray(np.abs(highest[sample.advert] - weights).max())

    replicates = bootstrap.run(spread_inside_adverts)
    assert replicates.max() == 0
    again = bootstrap.run(spread_inside_adverts)
    assert np.array_equal(replicates, again)


def test_bootstrap_interval_of_a_median_has_the_width_that_theory_gives() -> None:
    rng = np.random.default_rng(5)
    postings = build_postings(SyntheticMarket(seed=8, n_postings=2_000, copy_scale=0).generate())
    sample = dataclasses.replace(build_sample(postings), advert=np.arange(2_000))
    values = rng.normal(size=2_000)
    quantiles = group_quantiles(values, np.zeros(2_000, dtype=np.int64), k=1)
    replicates = bootstrap_of(sample, seed=0).run(lambda weights: quantiles(weights)[0, 0])
    low, high = percentile_interval(replicates, np.median(values))
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(np.pi / 2 / 2_000), rel=0.25)


def test_coefficients_are_those_of_plain_least_squares(sample: Sample) -> None:
    model = fit_adjusted(sample, terms=SIMPLE)
    matrix = model.design.matrix.toarray()[model.design.cell]
    plain, *_ = np.linalg.lstsq(matrix, sample.log_middle, rcond=None)
    assert model.residual == pytest.approx(sample.log_middle - matrix @ plain, abs=1e-8)


def test_standard_errors_are_a_jackknife_by_advert() -> None:
    postings = build_postings(SyntheticMarket(seed=4, n_postings=260).generate())
    sample = build_sample(postings)
    model = fit_adjusted(sample, terms=(("level",),))
    matrix = model.design.matrix.toarray()[model.design.cell]
    without = [
        np.linalg.lstsq(matrix[sample.advert != advert], sample.log_middle[sample.advert != advert], rcond=None)[0]
        for advert in range(sample.n_adverts)
    ]
    jackknife = np.sum((np.array(without) - model.coefficients) ** 2, axis=0)
    assert np.diag(model.covariance) == pytest.approx(jackknife, rel=1e-6)


def test_copies_do_not_narrow_an_interval(postings: Postings) -> None:
    """Posting every advert three times more is no new evidence."""
    once = build_sample(postings)
    repeated = build_sample(postings.take(np.tile(np.arange(len(postings)), 4)))
    errors = [
        [effect.error for effect in fit_adjusted(sample, terms=SIMPLE).effects("level") if effect]
        for sample in (once, repeated)
    ]
    assert errors[1] == pytest.approx(errors[0], rel=1e-6)


def test_effects_that_the_data_cannot_tell_apart_are_not_given() -> None:
    rows = SyntheticMarket(seed=5, n_postings=400).generate()
    rows["company_size"] = rows["remote_ratio"].map({0: "M", 50: "S", 100: "L"})
    model = fit_adjusted(build_sample(build_postings(rows)), terms=(("remote",), ("size",), ("level",)))
    assert model.effect("remote", 2) is None
    assert model.effect("level", 0) is not None


def test_what_only_a_field_explains_is_what_r2_loses_without_it(sample: Sample) -> None:
    full = fit_adjusted(sample, terms=(("title",), ("level",), ("country",)))
    without = fit_adjusted(sample, terms=(("title",), ("country",)))
    by_chance = (1 - full.r2) * len(full.design.places("level")) / full.degrees
    assert unique_share(full, "level")[0] == pytest.approx(full.r2 - without.r2 - by_chance, abs=1e-9)


def test_shrinkage_pulls_what_is_little_known_to_the_mean() -> None:
    effects, errors = np.array([0.5, 0.5, -0.5, -0.4, 0.1]), np.array([0.05, 1.0, 0.05, 0.05, 0.05])
    found = shrink(effects, errors)
    assert abs(found.estimate[1] - found.mean) < abs(found.estimate[0] - found.mean) / 2
    assert abs(found.estimate[0] - 0.5) < 0.02
    assert found.deviation[1] > found.deviation[0]
    nothing = shrink(np.array([0.1, -0.1, 0.0]), np.ones(3))
    assert nothing.tau == 0
    assert nothing.estimate == pytest.approx(np.zeros(3))


def test_pure_error_finds_the_noise_between_identical_jobs() -> None:
    rng = np.random.default_rng(6)
    job = np.repeat(np.arange(2_000), 3)
    middle = rng.normal(size=2_000)[job] + rng.normal(0, 0.3, 6_000)
    found = pure_error(middle, job, weights=np.ones(6_000), rows_of=np.full(6_000, 2.0), k=2_000)
    assert np.sqrt(found) == pytest.approx(0.3, rel=0.05)


def test_plain_quantiles_leave_empty_groups_open() -> None:
    found = plain_quantiles(np.array([1.0, 3.0, 8.0]), np.array([0, 0, 2]), k=3)
    assert found[[0, 2], 0] == pytest.approx([2.0, 8.0])
    assert np.isnan(found[1, 0])


def _calendar_file(folder, text: str):
    path = folder / "calendar.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_posting_is_dated_by_the_first_snapshot_that_holds_both_its_rows(tmp_path) -> None:
    path = _calendar_file(tmp_path, "snapshot_date,rows_2024\n2024-01-07,2\n2024-01-14,3\n2024-01-21,6\n")
    calendar = arrivals.read_calendar(path)
    assert calendar.days[0] == date(2024, 1, 7)
    base = {"work_year": 2024, "experience_level": "SE", "employment_type": "FT", "job_title": "Data Engineer"}
    base |= {"salary_currency": "USD", "employee_residence": "US", "remote_ratio": 0, "company_location": "US"}
    base |= {"company_size": "M"}
    salaries = [120, 100, 110, 90, 150, 140]  # newest first: three bands, six rows
    rows = [{**base, "salary": usd * 1000, "salary_in_usd": usd * 1000} for usd in salaries]
    found = arrivals.snapshot_of(build_postings(pd.DataFrame(rows)[list(COLUMNS)]), calendar)
    # The oldest stood there on the first day of the calendar, so it may be older; the second was complete on the third.
    assert found.tolist() == [-1, 2, 2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "day,rows_2024\n2024-01-07,1\n",
        "snapshot_date,rows_2024\nyesterday,1\n",
        "snapshot_date,rows_2024\n2024-01-07,many\n",
        "snapshot_date,rows_2024\n2024-01-14,1\n2024-01-07,1\n",
    ],
)
def test_what_is_no_calendar_is_refused(tmp_path, text: str) -> None:
    with pytest.raises(DataError, match=r"calendar|snapshot_date"):
        arrivals.read_calendar(_calendar_file(tmp_path, text))


def test_short_steps_join_the_next_one() -> None:
    step = np.repeat([-1, 0, 1, 2, 3, 4], [5, 12, 4, 3, 20, 2])
    found = merged_steps(step)
    assert set(np.unique(found)) == {-1, 0, 3}
    assert np.bincount(found[found >= 0], minlength=4).tolist() == [12, 0, 0, 29]


@pytest.mark.parametrize(
    ("usd", "text"),
    [(141_300, "$141K"), (9_999, "$10K"), (9_940, "$9.9K"), (999_900, "$1.0M"), (-2_500, "−$2.5K"), (640, "$640")],
)
def test_dollars_read_as_a_person_writes_them(usd: float, text: str) -> None:
    assert wording.dollars(usd) == text


def test_shares_keep_a_digit_where_whole_percents_hide_them() -> None:
    assert wording.percent(0.878).replace("\N{NO-BREAK SPACE}", " ") == "88 %"
    assert wording.percent(0.024).replace("\N{NO-BREAK SPACE}", " ") == "2.4 %"
    assert wording.signed_percent(-0.02).replace("\N{NO-BREAK SPACE}", " ") == "−2.0 %"
