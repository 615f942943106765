"""Checks that nothing of the test postings, and nothing of the target, reaches what is fitted or chosen.

The artefacts of a run are examined as they are: postings, splits, fitted encoders, feature columns, held-out predictions, a
calibration; a `LeakageError` says the rule, what was found and the remedy. Nothing is taken on trust: postings are recognised
by their source rows, bands are rebuilt from the file, encoders and calibrations are fitted again and compared. Does not see
what a caller does not show, and a feature that gives away part of the target stays below its thresholds.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings, Split, pair_rows
from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.forecast.calibration import Calibration, Truth
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.encode import CATEGORICAL, NUMERIC, Encoded, JobColumns, JobEncoder
from mlpaygrade.job.fields import FORBIDDEN

Columns = Mapping[str, NDArray[np.generic]]
"""Feature columns by name, each (n,), numbers or codes."""

MAX_RANK_CORRELATION: Final = 0.9
"""A single feature that orders pay better than this holds pay. Of the eight fields none reaches 0.5 on the public file."""
MAX_EXPLAINED: Final = 0.9
"""The same for the share of the variance of log pay that the other rows of a value explain; the fields stay below 0.4."""


class LeakageError(MLPayGradeError):
    """What a model must not know has reached it; its figures would be worth nothing."""

    def __init__(self, rule: str, *, value: str, remedy: str) -> None:
        self.rule, self.value, self.remedy = rule, value, remedy
        super().__init__(f"{rule}; got {value}. {remedy}")


def check_split(postings: Postings, split: Split) -> None:
    """No band may have its ends on both sides, and copies may part only in time.

    Bands are rebuilt from `postings.source`, so postings that were built wrongly are found out too. Copies (same job, same
    band) may stand on both sides only where every training posting arrived before every test posting.
    """
    train, test = (_source_rows(postings.take(side)) for side in (split.train, split.test))
    side_of_row = np.zeros(len(postings.source), dtype=np.int8)
    side_of_row[train] = 1
    both = np.unique(test[side_of_row[test] == 1])
    side_of_row[test] = 2
    pairs = pair_rows(postings.source)
    ends = side_of_row[pairs[pairs[:, 1] >= 0]]
    crossing = int((ends.prod(axis=1) == 2).sum()) + len(both)
    if crossing:
        raise LeakageError(
            "A posting must be wholly in training or wholly in test",
            value=f"{crossing:,} bands of the split '{split.name}' with one end on each side, or both on both",
            remedy="Rebuild postings from the rows first, then split postings.",
        )
    if _late(postings, split) == 0:
        return
    signature = postings.signature()
    copies = int(np.isin(signature[split.test], signature[split.train]).sum())
    if copies:
        raise LeakageError(
            "Copies of a posting must stay on one side of a split that time does not order",
            value=f"{copies:,} of {len(split.test):,} test postings of '{split.name}' with a copy in training",
            remedy="Split groups of equal postings (`Postings.signature`), or split by time.",
        )


def check_time(postings: Postings, split: Split) -> None:
    """In a split by time every training posting must have arrived before the first test posting.

    By the order of the file or by the dated year: a file may publish a few postings of an old year late.
    """
    late = _late(postings, split)
    if late:
        raise LeakageError(
            "Training must end before the test begins",
            value=f"{late:,} of {len(split.train):,} training postings of '{split.name}' from after the test's start",
            remedy="Cut by work year or by order of arrival, and train on the older side only.",
        )


def check_encoder(encoder: JobEncoder, train: JobColumns, *, min_count: int) -> None:
    """An encoder must know exactly what fitting it on the training jobs teaches it."""
    refitted = type(encoder).fit(train, min_count=min_count)
    for field in fields(encoder):
        found, expected = getattr(encoder, field.name), getattr(refitted, field.name)
        if found == expected:
            continue
        value = f"{found} where training gives {expected}"
        if isinstance(found, tuple):
            extra, lacking = sorted(set(found) - set(expected)), sorted(set(expected) - set(found))
            value = f"{len(extra):,} that training does not hold, such as {extra[:3]}, and {len(lacking):,} too few"
        raise LeakageError(
            "An encoder must be fitted on training postings only",
            value=f"in its {field.name.replace('_', ' ')}: {value}",
            remedy="Fit it on the training side of the split, with the run's min_count.",
        )


def check_features(columns: Columns, postings: Postings) -> None:
    """No feature may be the target, order it, or name it.

    columns: (n,) each, those of the n postings in the same order.
    """
    if forbidden := sorted(set(columns) & set(FORBIDDEN)):
        raise _target_error(", ".join(forbidden), "is the target or determines it")
    targets = (postings.high_log, postings.low_log, np.log1p(postings.midpoint_usd))
    ranked = [pd.Series(target).rank() for target in targets]
    for name, values in columns.items():
        if len(values) != len(postings):
            raise ValueError(f"{name} has {len(values)} values for {len(postings)} postings.")
        codes = np.asarray(pd.factorize(values)[0])
        order = pd.Series(values).rank() if np.issubdtype(values.dtype, np.number) else pd.Series(codes)
        for target, ranks in zip(targets, ranked, strict=True):
            # Not a number, and so below any limit, where either does not vary.
            if (correlation := abs(order.corr(ranks, min_periods=3))) > MAX_RANK_CORRELATION:
                raise _target_error(name, f"orders pay with a rank correlation of {correlation:.3f}")
            if (explained := _explained(codes, target)) > MAX_EXPLAINED:
                raise _target_error(name, f"explains {explained:.1%} of the variance of log pay by its values alone")


def check_validation(validation: Postings, *, fitted_on: Postings, test: Postings | None) -> None:
    """Postings that stop the training must be neither those it fits nor the test's."""
    _require_apart("Postings that stop the training", validation, fitted_on, "the postings it is fitted on")
    if test is not None:
        _require_apart("Postings that stop the training", validation, test, "test postings")


def check_calibration(
    calibration: Calibration,
    prediction: Prediction,
    held_out: Postings,
    *,
    groups: NDArray[np.int64],
    train: Postings,
    test: Postings | None,
) -> None:
    """A calibration must be what held-out training postings alone make of it.

    prediction, groups: for `held_out`, as the calibration was given them. The calibration is fitted again and compared.
    """
    if test is not None:
        _require_apart("Postings that calibrate", held_out, test, "test postings")
    outside = np.setdiff1d(_source_rows(held_out, like=train), _source_rows(train))
    if len(outside):
        raise LeakageError(
            "Postings that calibrate must be training postings",
            value=f"{len(outside):,} source rows from elsewhere (first: row {outside[0] + 1})",
            remedy="Calibrate on the newest windows of the training postings.",
        )
    refitted = type(calibration).fit(prediction, Truth.of(held_out, groups))
    pairs = zip(
        (calibration.widening, *calibration.group_widening), (refitted.widening, *refitted.group_widening), strict=True
    )
    difference = max(float(np.abs(found - expected).max()) for found, expected in pairs)
    if difference > 1e-6 or calibration.postings != refitted.postings:
        raise LeakageError(
            "A calibration must be what its held-out training postings make of it",
            value=f"a widening that differs by {difference:.4f} log dollars, from {calibration.postings:,} postings where "
            f"{refitted.postings:,} were held out",
            remedy="Fit it on those postings, and change nothing after looking at the test.",
        )


def encoded_columns(encoded: Encoded) -> dict[str, NDArray[np.generic]]:
    """Encoded jobs as the columns that the checks take; words by their place in the title."""
    columns: dict[str, NDArray[np.generic]] = {name: encoded.categorical[:, k] for k, name in enumerate(CATEGORICAL)}
    columns |= {name: encoded.numeric[:, k] for k, name in enumerate(NUMERIC)}
    return columns | {f"word {k + 1}": encoded.words[:, k] for k in range(encoded.words.shape[1])}


def _source_rows(postings: Postings, *, like: Postings | None = None) -> NDArray[np.int64]:
    """Sorted source rows of postings: who they are, whatever subset they were taken from."""
    if like is not None and postings.source is not like.source:
        raise LeakageError(
            "Postings that are compared must come from the same table",
            value="two tables, whose rows cannot be told apart",
            remedy="Build all postings at once, and take subsets of them.",
        )
    return np.unique(postings.rows[postings.rows >= 0])


def _require_apart(what: str, postings: Postings, others: Postings, name: str) -> None:
    shared = np.intersect1d(_source_rows(postings, like=others), _source_rows(others))
    if len(shared):
        raise LeakageError(
            f"{what} must not be {name}",
            value=f"{len(shared):,} shared source rows (first: row {shared[0] + 1})",
            remedy="Take them from the newest training postings, and keep them out of the fit.",
        )


def _late(postings: Postings, split: Split) -> int:
    """Training postings that did not arrive before the first test posting, by the kinder of the two clocks."""
    by_file = int((split.train >= split.test.min()).sum())
    by_date = int((postings.time_years[split.train] >= postings.time_years[split.test].min()).sum())
    return min(by_file, by_date)


def _explained(codes: NDArray[np.int64], target: NDArray[np.float64]) -> float:
    """Share of the target's variance that the mean of the other postings of the same value explains, over repeated values."""
    codes = codes + 1  # missing values are one more value
    count = np.bincount(codes)[codes]
    repeated = count > 1
    if repeated.sum() < 3 or np.ptp(target[repeated]) == 0:
        return 0.0
    others = (np.bincount(codes, weights=target)[codes] - target)[repeated] / (count[repeated] - 1)
    error = target[repeated] - others
    return float(1 - np.mean(error**2) / np.var(target[repeated]))


def _target_error(name: str, what: str) -> LeakageError:
    return LeakageError(
        "No feature may hold the target",
        value=f"{name}, which {what}",
        remedy="Remove it; a model may see the eight fields of a job and what follows from them.",
    )
