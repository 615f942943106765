"""The wide part: what the network carries is the ridge that was fitted, and a burst of adverts does not move the level."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.forecast.distribution import LEVELS
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.fit import posting_targets
from mlpaygrade.training.network import INPUTS, build_network, serving_network
from mlpaygrade.training.settings import NetworkSettings
from mlpaygrade.training.wide import WidePart, arrival_week, fit_wide, wide_columns, wide_design


@pytest.fixture(scope="module")
def postings() -> Postings:
    return build_postings(SyntheticMarket(seed=5, n_postings=600).generate())


@pytest.fixture(scope="module")
def encoder(postings: Postings) -> JobEncoder:
    return JobEncoder.fit(postings.jobs)


def fitted(encoder: JobEncoder, postings: Postings) -> tuple[WidePart, np.ndarray]:
    encoded = encoder.transform(postings.jobs)
    return fit_wide(encoder, encoded, postings, np.ones(len(postings)), penalty=5.0)


def test_every_job_has_one_column_of_each_block_and_its_words(postings: Postings, encoder: JobEncoder) -> None:
    encoded = encoder.transform(postings.jobs)
    design = wide_design(encoder, encoded)
    assert design.shape == (
        len(postings),
        sum(size for _, _, size in wide_columns(encoder)) + len(encoder.words) + 1,
    )
    words = (encoded.words > 0).sum(axis=1)
    np.testing.assert_array_equal(np.asarray(design.sum(axis=1)).ravel(), len(wide_columns(encoder)) + words)


def test_the_serving_network_with_the_whole_share_is_the_wide_part(postings: Postings, encoder: JobEncoder) -> None:
    part, _ = fitted(encoder, postings)
    keras.utils.set_random_seed(0)
    deep = build_network(NetworkSettings(members=2, hidden=(8,)), encoder, start=np.linspace(10, 13, len(LEVELS)))
    encoded = encoder.transform(postings.jobs.iloc[:50])
    inputs = [getattr(encoded, name) for name in INPUTS]
    wide = part.predict(encoder, encoded)

    def means(share: float) -> np.ndarray:
        model = serving_network(deep, encoder, part, share=share, lowest=0.0, highest=20.0)
        return np.asarray(model(inputs)["log_members"]).mean(axis=1)

    np.testing.assert_allclose(means(1.0), wide, atol=1e-4)
    np.testing.assert_allclose(means(0.5), (means(0.0) + wide) / 2, atol=1e-4)
    assert np.abs(means(0.0) - wide).max() > 0.01


def test_the_move_keeps_what_members_and_quantiles_differ_by(postings: Postings, encoder: JobEncoder) -> None:
    part, _ = fitted(encoder, postings)
    deep = build_network(NetworkSettings(members=3, hidden=(8,)), encoder, start=np.linspace(10, 13, len(LEVELS)))
    encoded = encoder.transform(postings.jobs.iloc[:20])
    inputs = [getattr(encoded, name) for name in INPUTS]
    without, half = (
        serving_network(deep, encoder, part, share=share, lowest=0.0, highest=20.0)(inputs) for share in (0.0, 0.5)
    )
    for name in ("log_quantiles", "log_members"):
        spread = [np.diff(np.asarray(one[name]), axis=-1) for one in (without, half)]
        np.testing.assert_allclose(spread[0], spread[1], atol=1e-4)


def test_a_burst_of_adverts_does_not_move_the_level(postings: Postings, encoder: JobEncoder) -> None:
    """The newest week holds a third of all postings, and pays a quarter more than its fields say."""
    n = len(postings)
    week = np.where(np.arange(n) < 2 * n // 3, np.arange(n) // 40, 10_000)
    burst = week == 10_000
    factor = np.where(burst, np.exp(0.25), 1.0)
    bursting = replace(
        postings,
        low_usd=postings.low_usd * factor,
        high_usd=postings.high_usd * factor,
        time_years=2020 + (np.unique(week, return_inverse=True)[1] + 0.5) / 52,
    )
    calm = replace(postings, time_years=bursting.time_years)
    encoded = encoder.transform(postings.jobs)
    part, above = fitted(encoder, bursting)
    before, _ = fitted(encoder, calm)
    moved = float((part.predict(encoder, encoded) - before.predict(encoder, encoded)).mean())
    assert moved < 0.7 * 0.25 * burst.mean()  # without effects of weeks it moves by its share of the rows
    assert above[burst][0] > 0.1
    targets = posting_targets(bursting, np.ones(n), above_level=above)
    np.testing.assert_allclose(targets[:, 0], bursting.high_log - above, rtol=1e-5)


def test_weeks_are_counted_in_order_without_gaps() -> None:
    week = arrival_week(np.array([2023.0, 2023.001, 2023.5, 2024.9]))
    assert week.tolist() == [0, 0, 1, 2]
