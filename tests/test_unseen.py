"""Titles that the data lack: estimated by their text, in every way of asking alike; the others stay with the network."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from mlpaygrade.dataset.postings import Postings, build_postings
from mlpaygrade.errors import BundleError
from mlpaygrade.explain.explanation import explain
from mlpaygrade.forecast.bundle import write_bundle
from mlpaygrade.forecast.calibration import UNSEEN, UNSEEN_SHARE, UnseenDocument, UnseenTitles, title_grams
from mlpaygrade.forecast.distribution import Prediction
from mlpaygrade.forecast.encode import CATEGORICAL, JobEncoder
from mlpaygrade.forecast.predictor import Predictor, jobs_as_columns
from mlpaygrade.testing.synthetic import SyntheticMarket
from mlpaygrade.training.wide import fit_unseen

KNOWN = ("Data Engineer", "Data Analyst", "Machine Learning Engineer", "Analytics Engineer", "Data Scientist")


@pytest.fixture(scope="module")
def postings() -> Postings:
    """Engineers are paid twice as much as the others, whatever else they are."""
    made = build_postings(SyntheticMarket(seed=4, n_postings=600).generate())
    title = np.array(KNOWN)[np.arange(len(made)) % len(KNOWN)]
    raised = np.where(np.char.find(title, "Engineer") >= 0, 2.0, 1.0)
    jobs = made.jobs.assign(job_title=title)
    return replace(made, jobs=jobs, low_usd=made.low_usd * raised, high_usd=made.high_usd * raised)


@pytest.fixture(scope="module")
def encoder(postings: Postings) -> JobEncoder:
    return JobEncoder.fit(postings.jobs)


@pytest.fixture(scope="module")
def model(postings: Postings, encoder: JobEncoder) -> UnseenTitles:
    return fit_unseen(encoder, encoder.transform(postings.jobs), postings)


def test_letters_are_grouped_within_words() -> None:
    assert title_grams("Data") == [" da", " dat", " data", "ata", "ata ", "dat", "data", "data ", "ta "]
    assert not any(" " in gram.strip() for gram in title_grams("Data Engineer"))
    assert title_grams("???") == []


def test_a_new_title_is_estimated_by_what_it_is_written_with(
    postings: Postings, encoder: JobEncoder, model: UnseenTitles
) -> None:
    jobs = postings.jobs.iloc[:40]

    def mean(title: str) -> float:
        told = jobs.assign(job_title=title)
        return float(model.estimate(encoder.transform(told), [title] * len(told), encoder=encoder).mean())

    assert mean("Platform Engineer") > mean("Platform Analyst") + 0.2
    assert mean("Cloud Engineering") > mean("Cloud") + 0.05  # no word of it is known, its letters are


def test_only_titles_without_an_id_move_and_all_of_a_job_alike(
    postings: Postings, encoder: JobEncoder, model: UnseenTitles
) -> None:
    jobs = postings.jobs.iloc[:3].assign(job_title=["Data Engineer", "Platform Engineer", "Quux"])
    encoded = encoder.transform(jobs)
    assert (encoded.categorical[:, CATEGORICAL.index("title")] > 0).tolist() == [True, False, False]
    still = Prediction(np.full((3, 3, 23), 11.0, np.float32), np.full((3, 2), 11.0, np.float32))
    moved = model.apply(still, encoded, jobs, encoder=encoder)
    np.testing.assert_array_equal(moved.log_quantiles[0], still.log_quantiles[0])
    told = model.estimate(encoded, jobs.job_title.tolist(), encoder=encoder)
    np.testing.assert_allclose(moved.log_estimate[1:], UNSEEN_SHARE * told[1:] + (1 - UNSEEN_SHARE) * 11, atol=1e-5)
    by = moved.log_quantiles - still.log_quantiles
    assert np.ptp(by[1]) == 0
    assert by[1, 0, 0] == pytest.approx(UNSEEN_SHARE * (told[1] - 11), abs=1e-5)


def test_the_ids_of_titles_are_folded_away_exactly(
    postings: Postings, encoder: JobEncoder, model: UnseenTitles
) -> None:
    again = fit_unseen(encoder, encoder.transform(postings.jobs), postings)
    assert again.to_json() == model.to_json()
    assert not any("title" in columns.split("|") for columns in model.fields)
    read = UnseenTitles.of_document(msgspec.convert(model.to_json(), UnseenDocument))
    jobs = postings.jobs.iloc[:30].assign(job_title="Quux Engineer")
    asked = (encoder.transform(jobs), jobs.job_title.tolist())
    np.testing.assert_allclose(
        read.estimate(*asked, encoder=encoder), model.estimate(*asked, encoder=encoder), atol=1e-3
    )


@pytest.fixture(scope="module")
def shipped() -> Predictor:
    return Predictor.load()


def test_every_way_of_asking_gives_the_same_figure(shipped: Predictor) -> None:
    assert shipped.bundle.unseen is not None
    read = shipped.read_job(title="Quantum Data Whisperer", experience="SE", location="US")
    assert read.job.title not in shipped.known_titles
    one = shipped.answer(read)
    many = shipped.answer_many(jobs_as_columns([read.job, *[replace(read.job, title="Data Engineer")] * 20]))
    assert float(many.estimate_usd[0]) == pytest.approx(one.estimate_usd, rel=1e-5)
    encoded = shipped.bundle.encoder.transform(jobs_as_columns([read.job]))
    told = shipped.bundle.unseen.estimate(encoded, [read.job.title], encoder=shipped.bundle.encoder)
    network = shipped.run(encoded).log_estimate
    assert one.estimate_usd == pytest.approx(
        float(np.expm1(UNSEEN_SHARE * told + (1 - UNSEEN_SHARE) * network)[0]), rel=1e-5
    )
    why = explain(shipped, read)
    assert why.base_usd + sum(part.usd for part in why.contributions) == pytest.approx(one.estimate_usd, rel=1e-6)


def test_a_model_for_another_encoder_or_a_forged_one_is_refused(shipped: Predictor, tmp_path: Path) -> None:
    bundle = shipped.bundle
    assert bundle.unseen is not None
    fine = bundle.unseen.to_json()

    def refused(changed: dict[str, object], match: str) -> None:
        parts = {**bundle.parts, UNSEEN: {**fine, **changed}}
        with pytest.raises(BundleError, match=match):
            Predictor(write_bundle(tmp_path / "bundle", parts, provenance=bundle.provenance))

    refused({"words": [0.0]}, "another encoder")
    refused({"fields": {"experience": [0.0]}}, "another encoder")
    refused({"fields": {"nothing": [0.0]}}, "another encoder")
    refused({"level": 99.0}, "unseen is damaged")
    refused({"by_level": {"data": [0.0]}}, "unseen is damaged")


def test_a_bundle_without_the_model_leaves_such_titles_to_the_network(shipped: Predictor, tmp_path: Path) -> None:
    parts = {name: part for name, part in shipped.bundle.parts.items() if name != UNSEEN}
    plain = Predictor(write_bundle(tmp_path, parts, provenance=shipped.bundle.provenance))
    assert plain.bundle.unseen is None
    unknown, known = (
        plain.read_job(title=title, experience="SE", location="US")
        for title in ("Quantum Data Whisperer", "Data Engineer")
    )
    assert plain.answer(known).estimate_usd == shipped.answer(known).estimate_usd
    assert plain.answer(unknown).estimate_usd != shipped.answer(unknown).estimate_usd
