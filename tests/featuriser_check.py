"""Whether features of any making know what they must not: made again with other pay in the test, and with half of the test."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlpaygrade.dataset.postings import Postings
from mlpaygrade.evaluation.leakage import LeakageError
from mlpaygrade.job.fields import SALARY, TARGET

Columns = Mapping[str, NDArray[np.generic]]
Featuriser = Callable[[Postings, Postings], tuple[Columns, Columns]]
"""From (training postings, test postings) to the feature columns of both, whatever is fitted on the way."""


def check_featuriser(featurise: Featuriser, *, train: Postings, test: Postings, seed: int = 0) -> None:
    """Features must not move when the test's pay changes, nor when other test postings come or go.

    Runs the featuriser three times. Finds target encodings and scalers fitted on all rows, whatever they are called.
    """
    known = featurise(train, test)
    rng = np.random.default_rng(seed)
    moved = featurise(*_with_other_pay(train, test, rng))
    for side, before, after in zip(("training", "test"), known, moved, strict=True):
        for name in _changed(before, after):
            raise LeakageError(
                "Features must not depend on what test postings pay",
                value=f"{name} of the {side} postings, which changed with the test's salaries",
                remedy="Compute it from training postings alone.",
            )
    half = np.sort(rng.permutation(len(test))[: max(1, len(test) // 2)])
    fewer = featurise(train, test.take(half))
    kept = {name: values[half] for name, values in known[1].items()}
    for side, before, after in (("training", known[0], fewer[0]), ("test", kept, fewer[1])):
        for name in _changed(before, after):
            raise LeakageError(
                "What makes the features must be fitted on training postings only",
                value=f"{name} of the {side} postings, which changed when test postings were left out",
                remedy="Fit encoders and scalers on the training side of the split.",
            )


def _with_other_pay(train: Postings, test: Postings, rng: np.random.Generator) -> tuple[Postings, Postings]:
    """The same postings with other salaries for the test, in the source too."""
    factor = rng.uniform(0.5, 2.0, len(test))
    source = train.source.copy()
    for column in (TARGET, SALARY):
        pay = source[column].to_numpy(dtype=np.float64).copy()
        for end in (0, 1):
            there = test.rows[:, end] >= 0
            pay[test.rows[there, end]] *= factor[there]
        source[column] = np.rint(pay).astype(source[column].dtype)
    return (
        replace(train, source=source),
        replace(test, low_usd=test.low_usd * factor, high_usd=test.high_usd * factor, source=source),
    )


def _changed(before: Columns, after: Columns) -> list[str]:
    """Names of the columns that differ, or that only one side has."""
    return [
        name
        for name in sorted(set(before) | set(after))
        if name not in before or name not in after or not _same(before[name], after[name])
    ]


def _same(one: NDArray[np.generic], two: NDArray[np.generic]) -> bool:
    """Whether two columns hold the same values, missing ones included, whatever their types."""
    return len(one) == len(two) and bool(((one == two) | (pd.isna(one) & pd.isna(two))).all())
