"""The encoder: learnt from training jobs alone, insensitive to their order, and never lost for an answer."""

import json

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.bundle import read_document
from mlpaygrade.forecast.encode import CATEGORICAL, MAX_YEARS_BACK, NUMERIC, Encoded, JobEncoder
from mlpaygrade.job.fields import FEATURES, LOCATION, RESIDENCE, TITLE, YEAR
from mlpaygrade.job.titles import FAMILIES, canonical_title, title_family
from mlpaygrade.testing.synthetic import SyntheticMarket

JOBS = SyntheticMarket(seed=11, n_postings=400).generate()[list(FEATURES)].reset_index(drop=True)
ENCODER = JobEncoder.fit(JOBS)


def changed(**values: object) -> pd.DataFrame:
    """The first job, with other values."""
    return JOBS.iloc[:1].assign(**values)


def ids(encoded: Encoded, column: str) -> list[int]:
    return encoded.categorical[:, CATEGORICAL.index(column)].tolist()


@settings(max_examples=10)
@given(st.permutations(range(len(JOBS))))
def test_row_order_changes_nothing(order: list[int]) -> None:
    shuffled = JOBS.iloc[order].reset_index(drop=True)
    assert JobEncoder.fit(shuffled) == ENCODER
    whole, parts = ENCODER.transform(JOBS), ENCODER.transform(shuffled)
    np.testing.assert_array_equal(parts.categorical, whole.categorical[order])
    np.testing.assert_array_equal(parts.words, whole.words[order])
    np.testing.assert_array_equal(parts.numeric, whole.numeric[order])


def test_every_id_lies_within_the_sizes_and_every_job_is_encoded() -> None:
    encoded = ENCODER.transform(JOBS)
    sizes = ENCODER.sizes()
    assert list(sizes) == list(CATEGORICAL)
    assert encoded.categorical.shape == (len(JOBS), len(CATEGORICAL))
    assert encoded.numeric.shape == (len(JOBS), len(NUMERIC))
    for place, column in enumerate(CATEGORICAL):
        of_column = encoded.categorical[:, place]
        assert of_column.min() >= 0, column
        assert of_column.max() < sizes[column], column
    assert encoded.words.max() <= len(ENCODER.words)
    assert np.isfinite(encoded.numeric).all()


def test_different_known_values_have_different_ids_above_zero() -> None:
    encoded = ENCODER.transform(JOBS)
    for column, values in (("title", ENCODER.titles), ("location", ENCODER.countries)):
        raw = JOBS[TITLE].map(canonical_title) if column == "title" else JOBS[LOCATION]
        known = raw.isin(values).to_numpy()
        found = pd.Series(ids(encoded, column))
        assert (found[known] > 0).all()
        assert (found[~known] == 0).all()
        assert found[known].groupby(raw[known]).nunique().max() == 1
        assert found[known].nunique() == raw[known].nunique()


def test_an_unseen_title_is_zero_but_keeps_its_words_and_family() -> None:
    title = "Principal Robotics Data Engineer"
    assert title not in ENCODER.titles
    encoded = ENCODER.transform(changed(**{TITLE: title}))
    assert ids(encoded, "title") == [0]
    assert ids(encoded, "title_family") == [1 + FAMILIES.index(title_family(title))]
    words = {ENCODER.words[number - 1] for number in encoded.words[0] if number}
    assert {"data", "engineer"} <= words
    nonsense = ENCODER.transform(changed(**{TITLE: "Zzyzx"}))
    assert ids(nonsense, "title") == [0]
    assert not nonsense.words.any()
    assert ids(nonsense, "title_family")[0] > 0


def test_titles_that_mean_one_job_are_one_title() -> None:
    jobs = pd.concat([JOBS, changed(**{TITLE: "ML Engineer"}), changed(**{TITLE: "Machine Learning Engineer"})])
    encoder = JobEncoder.fit(jobs.reset_index(drop=True))
    assert "ML Engineer" not in encoder.titles
    short, long = (
        encoder.transform(changed(**{TITLE: title})) for title in ("ML Engineer", "Machine Learning Engineer")
    )
    assert ids(short, "title") == ids(long, "title") != [0]
    np.testing.assert_array_equal(short.words, long.words)


def test_the_united_states_are_a_group_of_their_own() -> None:
    group = {
        code: ids(ENCODER.transform(changed(**{LOCATION: code})), "location_group")[0] for code in ("US", "CA", "DE")
    }
    assert group["US"] == 1
    assert len(set(group.values())) == 3


def test_an_unseen_country_is_zero_but_keeps_continent_and_tier() -> None:
    unseen = next(code for code in ("MN", "BT", "FJ", "LA") if code not in ENCODER.countries)
    encoded = ENCODER.transform(changed(**{LOCATION: unseen, RESIDENCE: unseen}))
    assert ids(encoded, "location") == ids(encoded, "residence") == [0]
    for column in ("location_continent", "location_tier", "residence_continent"):
        assert ids(encoded, column)[0] > 0
    assert ids(encoded, "abroad") == [1]
    assert ids(ENCODER.transform(changed(**{LOCATION: "US", RESIDENCE: "CA"})), "abroad") == [2]


def test_a_later_year_is_the_newest_and_an_earlier_one_the_oldest() -> None:
    newest = int(JOBS[YEAR].max())
    years = [newest, newest + 1, newest + 40, newest - 1, 1990]
    found = [ids(ENCODER.transform(changed(**{YEAR: year})), "years_back")[0] for year in years]
    assert found[:4] == [0, 0, 0, 1]
    assert found[4] == min(MAX_YEARS_BACK, newest - int(JOBS[YEAR].min()))


def test_a_title_seen_once_is_unknown_unless_asked_for() -> None:
    jobs = pd.concat([JOBS, changed(**{TITLE: "Quantum Data Plumber"})], ignore_index=True)
    assert "Quantum Data Plumber" not in JobEncoder.fit(jobs).titles
    assert "Quantum Data Plumber" in JobEncoder.fit(jobs, min_count=1).titles
    assert "plumber" in JobEncoder.fit(jobs).words


def test_one_job_alone_is_encoded_as_among_others() -> None:
    whole = ENCODER.transform(JOBS)
    for place in (0, 17, len(JOBS) - 1):
        alone = ENCODER.transform(JOBS.iloc[[place]])
        np.testing.assert_array_equal(alone.categorical[0], whole.categorical[place])
        np.testing.assert_array_equal(alone.words[0], whole.words[place])


def test_the_bundle_gives_the_same_encoder_back() -> None:
    document = msgspec.to_builtins(ENCODER)
    assert read_document("encoder.json", json.dumps(document).encode()) == ENCODER
    del document["titles"]
    with pytest.raises(BundleError, match="titles"):
        read_document("encoder.json", json.dumps(document).encode())
