"""A red team: eight planted leaks, each caught by a check, and an honest run that passes every one of them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from featuriser_check import check_featuriser
from mlpaygrade.dataset.postings import (
    Postings,
    Split,
    build_postings,
    decimal_years,
    geographic,
    random_rows,
    rolling_origin,
    stratified,
    temporal,
)
from mlpaygrade.dataset.table import read_table
from mlpaygrade.evaluation.leakage import (
    LeakageError,
    check_calibration,
    check_encoder,
    check_features,
    check_split,
    check_time,
    check_validation,
    encoded_columns,
)
from mlpaygrade.forecast.calibration import DIMENSIONS, Calibration, Truth
from mlpaygrade.forecast.distribution import LEVELS, TARGETS, Prediction
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.job.fields import CURRENCY, FEATURES, SALARY, TARGET, TITLE, YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket

Columns = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=9, n_postings=2_000).generate())


@pytest.fixture(scope="module")
def split(postings: Postings) -> Split:
    return temporal(postings, through=2023)


@pytest.fixture(scope="module")
def train(postings: Postings, split: Split) -> Postings:
    return postings.take(split.train)


@pytest.fixture(scope="module")
def test(postings: Postings, split: Split) -> Postings:
    return postings.take(split.test)


def honest_features(train: Postings, test: Postings) -> tuple[Columns, Columns]:
    encoder = JobEncoder.fit(train.jobs)
    return encoded_columns(encoder.transform(train.jobs)), encoded_columns(encoder.transform(test.jobs))


def guess(known: Postings, asked: Postings) -> Prediction:
    """A model without features: the quantiles of what is known, by level of nothing."""
    ends = (known.low_log[known.paired], known.high_log[known.paired], np.log1p(known.row_values_usd()[1]))
    quantiles = np.stack([np.quantile(end, LEVELS.astype(np.float64)) for end in ends]).astype(np.float32)
    n = len(asked)
    return Prediction(
        np.broadcast_to(quantiles, (n, len(TARGETS), len(LEVELS))).copy(),
        np.full((n, 2), ends[2].mean(), dtype=np.float32),
    )


def calibrate(held_out: Postings, prediction: Prediction) -> Calibration:
    return Calibration.fit(prediction, Truth.of(held_out, no_groups(held_out)))


def no_groups(postings: Postings) -> np.ndarray:
    return np.zeros((len(postings), len(DIMENSIONS)), dtype=np.int64)


# --- an honest run -----------------------------------------------------------------------------------------------------


def test_an_honest_run_passes_every_check(postings: Postings, split: Split, train: Postings, test: Postings) -> None:
    check_split(postings, split)
    check_time(postings, split)
    encoder = JobEncoder.fit(train.jobs, min_count=2)
    check_encoder(encoder, train.jobs, min_count=2)
    check_features(encoded_columns(encoder.transform(train.jobs)), train)
    check_features(encoded_columns(encoder.transform(test.jobs)), test)
    check_featuriser(honest_features, train=train, test=test)
    window = rolling_origin(train, folds=1, window=0.25)[0]
    fitted_on, held_out = train.take(window.train), train.take(window.test)
    check_time(train, window)
    check_validation(held_out, fitted_on=fitted_on, test=test)
    prediction = guess(fitted_on, held_out)
    check_calibration(
        calibrate(held_out, prediction), prediction, held_out, groups=no_groups(held_out), train=train, test=test
    )


def test_the_projects_own_splits_pass(postings: Postings) -> None:
    by_time = [temporal(postings, through=2022), *rolling_origin(postings, folds=4, window=0.1)]
    others = [geographic(postings, train_on_us=side) for side in (True, False)] + stratified(postings)
    for own in by_time:
        check_time(postings, own)
    for own in by_time + others:
        check_split(postings, own)


def test_public_file_passes(salaries_csv: Any) -> None:
    postings = build_postings(read_table(salaries_csv).frame)
    for own in (temporal(postings, through=2023), *rolling_origin(postings, folds=4, window=0.05)):
        check_time(postings, own)
        check_split(postings, own)
    for own in (*stratified(postings), geographic(postings, train_on_us=True)):
        check_split(postings, own)
    check_features(honest_features(postings, postings)[0], postings)


# --- 1: target in a feature --------------------------------------------------------------------------------------------


def local_pay(postings: Postings) -> NDArray[Any]:
    return np.asarray(postings.source[SALARY].to_numpy()[postings.rows[:, 0]])


def noisy_pay(postings: Postings) -> NDArray[Any]:
    return -np.sqrt(postings.high_usd) * np.random.default_rng(0).uniform(0.97, 1.03, len(postings))


def code_of_pay(postings: Postings) -> NDArray[Any]:
    names = {
        usd: f"id {number}"
        for number, usd in enumerate(np.random.default_rng(0).permutation(np.unique(postings.high_usd)))
    }
    return np.array([names[usd] for usd in postings.high_usd], dtype=object)


@pytest.mark.parametrize(
    "plant", [local_pay, noisy_pay, code_of_pay, lambda p: p.low_log, lambda p: p.midpoint_usd // 5_000]
)
def test_1_target_in_a_feature(plant: Callable[[Postings], NDArray[Any]], train: Postings) -> None:
    columns = honest_features(train, train)[0]
    with pytest.raises(LeakageError, match="hold the target; got harmless name"):
        check_features({**columns, "harmless name": plant(train)}, train)


def test_1_a_forbidden_column_is_refused_by_its_name_too(train: Postings) -> None:
    for name in (TARGET, SALARY, CURRENCY):
        with pytest.raises(LeakageError, match=name):
            check_features({name: np.zeros(len(train))}, train)


def test_1_pay_in_many_currencies_is_still_found(train: Postings) -> None:
    abroad = np.random.default_rng(1).random(len(train)) < 0.08
    mixed = np.where(abroad, local_pay(train) * 83, local_pay(train))
    with pytest.raises(LeakageError, match="local pay"):
        check_features({"local pay": mixed}, train)


# --- 2: target encoding on all rows ------------------------------------------------------------------------------------


def mean_pay_by_title(fitted_on: list[Postings], asked: Postings) -> NDArray[np.float64]:
    known = pd.concat([part.jobs.assign(pay=part.high_log) for part in fitted_on])
    means = known.groupby(TITLE)["pay"].mean()
    return asked.jobs[TITLE].map(means).fillna(known["pay"].mean()).to_numpy()


def test_2_target_encoded_on_all_rows(train: Postings, test: Postings) -> None:
    def on_all(one: Postings, two: Postings) -> tuple[Columns, Columns]:
        return {"pay": mean_pay_by_title([one, two], one)}, {"pay": mean_pay_by_title([one, two], two)}

    def on_training(one: Postings, two: Postings) -> tuple[Columns, Columns]:
        return {"pay": mean_pay_by_title([one], one)}, {"pay": mean_pay_by_title([one], two)}

    with pytest.raises(LeakageError, match="what test postings pay; got pay of the training"):
        check_featuriser(on_all, train=train, test=test)
    check_featuriser(on_training, train=train, test=test)


def test_2_target_read_from_the_source_rows(train: Postings, test: Postings) -> None:
    def sly(one: Postings, two: Postings) -> tuple[Columns, Columns]:
        return {"pay": local_pay(one) % 1_000}, {"pay": local_pay(two) % 1_000}

    with pytest.raises(LeakageError, match="got pay of the test"):
        check_featuriser(sly, train=train, test=test)


# --- 3: encoder fitted on test -----------------------------------------------------------------------------------------


def test_3_encoder_fitted_on_test(postings: Postings, train: Postings, test: Postings) -> None:
    everything = JobEncoder.fit(postings.jobs, min_count=2)
    with pytest.raises(LeakageError, match="fitted on training postings only"):
        check_encoder(everything, train.jobs, min_count=2)

    def on_all(one: Postings, two: Postings) -> tuple[Columns, Columns]:
        encoder = JobEncoder.fit(pd.concat([one.jobs, two.jobs], ignore_index=True))
        return encoded_columns(encoder.transform(one.jobs)), encoded_columns(encoder.transform(two.jobs))

    with pytest.raises(LeakageError, match="left out"):
        check_featuriser(on_all, train=train, test=test)


def test_3_one_title_too_many_or_a_later_year_is_enough(train: Postings) -> None:
    encoder = JobEncoder.fit(train.jobs, min_count=2)
    with pytest.raises(LeakageError, match="Title Nobody Had"):
        check_encoder(replace(encoder, titles=(*encoder.titles, "Title Nobody Had")), train.jobs, min_count=2)
    with pytest.raises(LeakageError, match="newest year"):
        check_encoder(replace(encoder, newest_year=2024), train.jobs, min_count=2)
    with pytest.raises(LeakageError, match="too few"):
        check_encoder(replace(encoder, titles=encoder.titles[1:]), train.jobs, min_count=2)


# --- 4: posting across the split ---------------------------------------------------------------------------------------


def one_posting_a_row(frame: pd.DataFrame) -> Postings:
    """What somebody builds who does not know of bands: every row for itself, oldest first."""
    at = np.arange(len(frame))[::-1]
    pay = frame[TARGET].to_numpy(dtype=np.float64)[at]
    jobs = frame[list(FEATURES)].iloc[at].reset_index(drop=True)
    return Postings(
        jobs=jobs,
        low_usd=pay,
        high_usd=pay,
        paired=np.zeros(len(frame), dtype=bool),
        time_years=decimal_years(jobs[YEAR].to_numpy(dtype=np.int64)),
        rows=np.column_stack([at, np.full(len(frame), -1)]),
        source=frame,
    )


def test_4_posting_across_the_split(postings: Postings) -> None:
    rows = one_posting_a_row(postings.source)
    with pytest.raises(LeakageError, match="wholly in training or wholly in test"):
        check_split(rows, random_rows(len(rows)))


def test_4_a_single_band_cut_in_time_is_enough(postings: Postings) -> None:
    rows = one_posting_a_row(postings.source)
    high_end_row = int(postings.rows[postings.paired][-1, 0])
    cut = len(rows) - 1 - high_end_row  # its low end stands below, so it is the last one of the training rows
    with pytest.raises(LeakageError, match="got 1 bands"):
        check_split(rows, Split(name="by row", train=np.arange(cut), test=np.arange(cut, len(rows))))


# --- 5: exact copies across --------------------------------------------------------------------------------------------


def test_5_exact_copies_across(postings: Postings) -> None:
    order = np.random.default_rng(0).permutation(len(postings))
    cut = round(0.8 * len(postings))
    careless = Split(name="random postings", train=order[:cut], test=order[cut:])
    with pytest.raises(LeakageError, match="Copies of a posting"):
        check_split(postings, careless)


def test_5_a_single_copy_moved_out_of_its_fold_is_enough(postings: Postings) -> None:
    fold = stratified(postings)[0]
    signature = postings.signature()
    copied = next(at for at in fold.test if (signature[fold.test] == signature[at]).sum() > 1)
    moved = Split(name="moved", train=np.append(fold.train, copied), test=fold.test[fold.test != copied])
    with pytest.raises(LeakageError, match=r"got [1-9] of"):
        check_split(postings, moved)


# --- 6: time travel ----------------------------------------------------------------------------------------------------


def test_6_time_travel(postings: Postings, split: Split) -> None:
    newest = split.test[-1:]
    traveller = Split(name="through 2023", train=np.append(split.train, newest), test=split.test[:-1])
    with pytest.raises(LeakageError, match="got 1 of"):
        check_time(postings, traveller)
    fold = rolling_origin(postings, folds=3, window=0.1)[0]
    later = np.arange(fold.test.max() + 1, len(postings))
    with pytest.raises(LeakageError, match=f"got {len(later):,} of"):
        check_time(postings, Split(name="origin", train=np.append(fold.train, later), test=fold.test))
    for careless in stratified(postings):
        with pytest.raises(LeakageError, match="before the test begins"):
            check_time(postings, careless)


# --- 7: test-tuned threshold -------------------------------------------------------------------------------------------


def test_7_calibrated_on_the_test(train: Postings, test: Postings) -> None:
    prediction = guess(train, test)
    with pytest.raises(LeakageError, match="must not be test postings"):
        check_calibration(calibrate(test, prediction), prediction, test, groups=no_groups(test), train=train, test=test)


def test_7_one_test_posting_among_the_calibrating_ones_is_enough(postings: Postings, split: Split) -> None:
    mixed = postings.take(np.append(split.train[-400:], split.test[:1]))
    train, test = postings.take(split.train), postings.take(split.test)
    prediction = guess(train, mixed)
    with pytest.raises(LeakageError, match=r"got [12] shared"):
        check_calibration(
            calibrate(mixed, prediction), prediction, mixed, groups=no_groups(mixed), train=train, test=test
        )


def test_7_shifts_tuned_on_the_test_under_an_honest_label(train: Postings, test: Postings) -> None:
    held_out = train.take(np.arange(len(train) - 400, len(train)))
    prediction = guess(train, held_out)
    honest = calibrate(held_out, prediction)
    tuned = replace(honest, widening=calibrate(test, guess(train, test)).widening)
    nudged = replace(honest, group_widening=tuple(widening + 0.01 for widening in honest.group_widening))
    for planted in (tuned, nudged):
        with pytest.raises(LeakageError, match="widening that differs"):
            check_calibration(planted, prediction, held_out, groups=no_groups(held_out), train=train, test=test)


def test_7_calibrated_on_postings_outside_training(train: Postings, test: Postings) -> None:
    outside = train.take(np.arange(len(train) - 400, len(train)))
    prediction = guess(train, outside)
    with pytest.raises(LeakageError, match="must be training postings"):
        check_calibration(
            calibrate(outside, prediction),
            prediction,
            outside,
            groups=no_groups(outside),
            train=train.take(np.arange(500)),
            test=test,
        )


# --- 8: early stopping on test -----------------------------------------------------------------------------------------


def test_8_early_stopping_on_the_test(postings: Postings, split: Split, train: Postings, test: Postings) -> None:
    fitted_on = train.take(np.arange(len(train) - 300))
    with pytest.raises(LeakageError, match="that stop the training must not be test"):
        check_validation(test, fitted_on=train, test=test)
    mixed = postings.take(np.append(split.train[-300:], split.test[-1:]))
    with pytest.raises(LeakageError, match="must not be test"):
        check_validation(mixed, fitted_on=fitted_on, test=test)
    with pytest.raises(LeakageError, match="it is fitted on"):
        check_validation(train.take(np.arange(100)), fitted_on=fitted_on, test=test)


def test_postings_of_two_tables_cannot_be_compared(train: Postings, test: Postings) -> None:
    stranger = build_postings(SyntheticMarket(seed=10, n_postings=200).generate())
    with pytest.raises(LeakageError, match="same table"):
        check_validation(stranger, fitted_on=train, test=test)
