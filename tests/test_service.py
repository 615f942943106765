"""The HTTP service, in process: the predictor's answers, every defect at once, limits, keys, bundles swapped while serving."""

import asyncio
import csv
import io
import json
import math
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient

from mlpaygrade import Predictor
from mlpaygrade.errors import BundleError, FetchError, InputError
from mlpaygrade.explain.explanation import explain
from mlpaygrade.forecast.answer import FIGURES
from mlpaygrade.forecast.bundle import MANIFEST, bundled_path, seal
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.forecast.score import ADDED, score_file
from mlpaygrade.job.fields import FEATURES, FIELDS, JobWords, job_of
from mlpaygrade.service import openapi, replies
from mlpaygrade.service.guard import Bucket, Settings, read_settings
from mlpaygrade.service.meters import DriftReply
from mlpaygrade.service.model_slot import ModelSlot
from mlpaygrade.service.web import JsonLines, web_app

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))["answers"]
JOBS = [job_of(record["job"]) for record in GOLDEN]
JOB = {"title": "Data Scientist", "experience": "senior", "location": "US"}
NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def service() -> Iterator[TestClient]:
    with TestClient(web_app(Settings()), raise_server_exceptions=True) as client:
        yield client


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


def limited(**limits: Any) -> TestClient:
    return TestClient(web_app(Settings(**limits)))


def contract(document: Any, struct: type[msgspec.Struct]) -> None:
    """The reply is what `/openapi.json` says: every field there, none more."""
    known = {field.name for field in msgspec.structs.fields(struct)}
    assert set(document) <= known
    msgspec.convert(document, struct)


def test_replies_keep_their_contract(service: TestClient) -> None:
    asked = {
        "/v1/estimate": ({**JOB, "offer_usd": 180_000, "currency": "EUR", "exact": True}, replies.Estimate),
        "/v1/read": (JOB, replies.Read),
        "/v1/explain": (JOB, replies.Explained),
        "/v1/scenarios": ({**JOB, "allow": ["experience"], "limit": 2}, replies.Scenarios),
        "/v1/compare": ({"first": JOB, "second": {**JOB, "location": "GB"}}, replies.Compared),
    }
    for path, (body, struct) in asked.items():
        reply = service.post(path, json=body)
        assert reply.status_code == 200, (path, reply.text)
        contract(reply.json(), struct)
    for path, struct in (
        ("titles?q=machine", replies.Titles),
        ("countries", replies.Countries),
        ("model", replies.ModelReply),
    ):
        contract(service.get(f"/v1/{path}").json(), struct)


def test_explanations_are_the_predictors(service: TestClient, predictor: Predictor) -> None:
    expected = explain(predictor, predictor.read_job(**JOB)).to_json()
    document = service.post("/v1/explain", json=JOB).json()
    assert document.pop("bundle")
    assert document == json.loads(json.dumps(expected))


def test_a_query_asks_the_same_as_a_body_and_is_kept_until_the_bundle_changes(service: TestClient) -> None:
    reply = service.get("/v1/estimate", params={**JOB, "offer_usd": "180000"})
    assert reply.json() == service.post("/v1/estimate", json={**JOB, "offer_usd": 180_000}).json()
    again = service.get("/v1/estimate", params=JOB, headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_another_currency_and_place_are_those_of_the_predictor(service: TestClient, predictor: Predictor) -> None:
    from mlpaygrade.money.place import place_factor
    from mlpaygrade.money.terms import pay_terms

    document = service.post(
        "/v1/estimate", json={**JOB, "currency": "gbp", "period": "month", "place": "Austin, TX"}
    ).json()
    place = place_factor("Austin, TX")
    assert place is not None
    answer = predictor.answer(predictor.read_job(**JOB)).at_place(place)
    assert document["estimate_usd"] == answer.to_json()["estimate_usd"]
    assert document["converted"]["estimate"] == round(pay_terms("GBP", "month").of_usd(answer.estimate_usd), 2)


def test_a_problem_names_every_defect_at_once(service: TestClient) -> None:
    body = {"title": [], "experience": "senor", "remote": 30, "currency": "XXQ", "offer_usd": -5, "colour": "red"}
    reply = service.post("/v1/estimate", json=body)
    assert (reply.status_code, reply.headers["Content-Type"]) == (422, "application/problem+json")
    document = reply.json()
    assert document["type"] == "urn:mlpaygrade:problem:invalid-request"
    named = [defect["field"] for defect in document["defects"]]
    assert sorted(named) == ["colour", "currency", "experience", "location", "offer_usd", "remote", "title"]
    assert all(defect["rule"] and defect["value"] for defect in document["defects"])
    within = service.post("/v1/compare", json={"first": {**JOB, "experience": "x"}, "second": 3}).json()
    assert {"first.experience", "second"} <= {defect["field"] for defect in within["defects"]}


def test_a_job_without_data_is_refused_with_the_nearest_one(service: TestClient) -> None:
    nurse = {**JOB, "title": "Registered Nurse"}
    document = service.post("/v1/estimate", json=nurse).json()
    assert document["not_enough_data"]
    assert document["estimate_usd"] is None
    reply = service.post("/v1/explain", json=nurse)
    assert reply.status_code == 422
    assert reply.json()["type"].endswith("not-enough-data")
    assert reply.json()["nearest_job"] == document["nearest_job"]


def test_a_batch_is_scored_as_a_file(service: TestClient, predictor: Predictor, tmp_path: Path) -> None:
    source, output = tmp_path / "jobs.csv", tmp_path / "out.csv"
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", *FEATURES])
        writer.writeheader()
        writer.writerows({"id": n, **job.fields()} for n, job in enumerate(JOBS))
    score_file(source, output, predictor=predictor)
    reply = service.post("/v1/batch", content=source.read_bytes(), headers=CSV)
    assert reply.status_code == 200
    assert reply.content == output.read_bytes()

    lines = b"".join(msgspec.json.encode({"id": n, **job.words()}) + b"\n" for n, job in enumerate(JOBS))
    reply = service.post("/v1/batch", content=lines, headers=NDJSON)
    rows = [json.loads(line) for line in reply.content.splitlines()]
    for n, (row, scored) in enumerate(zip(rows, csv.DictReader(io.StringIO(output.read_text("utf-8"))), strict=True)):
        assert row["id"] == n
        assert (row["support"] or "") == scored["support"] or row["support"] == int(scored["support"])
        assert row["reason"] == scored["reason"]
        for name in FIGURES:
            assert (row[name] is None) == (scored[name] == "")
            assert row[name] is None or abs(row[name] - int(scored[name])) <= 1


def test_a_parquet_batch_gives_parquet(service: TestClient) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    sent = io.BytesIO()
    parquet.write_table(pyarrow.table({name: [str(JOBS[0].fields()[name])] for name in FEATURES}), sent)
    reply = service.post(
        "/v1/batch", content=sent.getvalue(), headers={"Content-Type": "application/vnd.apache.parquet"}
    )
    assert reply.status_code == 200, reply.text
    assert parquet.read_table(io.BytesIO(reply.content)).column_names == [*FEATURES, *ADDED]


def test_lines_that_are_no_jobs_keep_their_place(service: TestClient) -> None:
    content = b'{"title":"Data Scientist","experience":"SE","location":"US"}\n[1]\n{"title":"x"\n\xff\n{}\n'
    rows = [
        json.loads(line) for line in service.post("/v1/batch", content=content, headers=NDJSON).content.splitlines()
    ]
    assert [row["estimate_usd"] is not None for row in rows] == [True, False, False, False, False]
    assert all(row["reason"].startswith("not answered: ") for row in rows[1:])


def test_a_file_that_is_no_table_is_refused_without_its_place_on_the_server(service: TestClient) -> None:
    reply = service.post("/v1/batch", content=b"a,b\n1,2\n", headers=CSV)
    assert reply.status_code == 422
    assert {defect["field"] for defect in reply.json()["defects"]} >= {"job_title", "company_location"}
    assert "mlpaygrade-batch" not in reply.text
    assert service.post("/v1/batch", content=b"x", headers={"Content-Type": "image/png"}).status_code == 415


def test_limits_are_kept() -> None:
    with limited(body_bytes=200, batch_bytes=300, batch_rows=1) as service:
        assert service.post("/v1/estimate", json={**JOB, "place": "x" * 300}).status_code == 413
        assert service.post("/v1/estimate", content=iter([b"x" * 150, b"x" * 150])).status_code == 413
        assert service.post("/v1/batch", content=b"x" * 400, headers=NDJSON).status_code == 413
        assert service.post("/v1/batch", content=b"{}\n{}\n", headers=NDJSON).status_code == 422
        assert service.post("/v1/estimate", json=JOB).status_code == 200


def test_a_service_that_is_full_says_so_and_stays_healthy() -> None:
    app = web_app(Settings(concurrency=1))
    app._running = 1  # type: ignore[attr-defined]
    with TestClient(app) as service:
        reply = service.post("/v1/estimate", json=JOB)
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "1")
        assert service.get("/health/live").status_code == 200


def test_keys_are_asked_for_where_there_are_any() -> None:
    with limited(api_keys="one, two") as service:
        assert service.get("/health/ready").status_code == 200
        for headers in ({}, {"Authorization": "Bearer three"}, {"X-API-Key": "on"}, {"Authorization": "Basic two"}):
            assert service.get("/v1/model", headers=headers).status_code == 401
            assert service.get("/metrics", headers=headers).status_code == 401
        for headers in ({"Authorization": "Bearer two"}, {"X-API-Key": "one"}):
            assert service.get("/v1/model", headers=headers).status_code == 200


@pytest.mark.parametrize(("host", "settings", "status"), [
    ("192.0.2.7", {}, 401), ("127.0.0.1", {}, 200), ("::1", {}, 200), ("192.0.2.7", {"public_metrics": 1}, 200),
    ("127.0.0.1", {"api_keys": "one"}, 401),
])  # fmt: skip
def test_counters_are_not_public_unless_that_is_asked_for(host: str, settings: dict[str, Any], status: int) -> None:
    with TestClient(web_app(Settings(**settings)), client=(host, 50_000)) as service:
        assert service.get("/metrics").status_code == status


def test_a_key_that_asks_too_much_is_told_when_to_come_back() -> None:
    with limited(api_keys="one,two", key_requests=3) as service:
        replies_one = [service.get("/v1/model", headers={"X-API-Key": "one"}) for _ in range(4)]
        assert [reply.status_code for reply in replies_one] == [200, 200, 200, 429]
        assert replies_one[-1].headers["Content-Type"] == "application/problem+json"
        assert 1 <= int(replies_one[-1].headers["Retry-After"]) <= 20
        assert service.get("/v1/model", headers={"X-API-Key": "two"}).status_code == 200
        assert service.get("/health/ready").status_code == 200
    with limited(api_keys="one", key_rows=2) as service:
        headers = {**NDJSON, "X-API-Key": "one"}
        assert service.post("/v1/batch", content=b"{}\n" * 5, headers=headers).status_code == 200
        assert service.get("/v1/model", headers=headers).status_code == 429, "three rows are owed"
        table = {"dataframe_records": [JOBS[0].fields()] * 4}
    with limited(api_keys="one", key_rows=2) as service:
        assert service.post("/invocations", json=table, headers={"X-API-Key": "one"}).status_code == 200
        assert service.get("/v1/model", headers={"X-API-Key": "one"}).status_code == 429


def test_a_bucket_fills_up_again_evenly_and_never_above_a_minute() -> None:
    now = [0.0]
    bucket = Bucket(60, clock=lambda: now[0])
    bucket.take(90)
    assert (bucket.wait(0), bucket.wait(1)) == (30, 31)
    now[0] = 31.0
    assert bucket.wait(1) == 0
    now[0] = 10_000.0
    assert bucket.wait(60) == 0
    assert bucket.left == 60
    assert Bucket(0).wait(1) == 0, "no limit"


def test_drift_is_seen_in_what_is_asked() -> None:
    with limited(public_metrics=1) as service:
        for _ in range(5):
            service.post("/v1/estimate", json={**JOB, "experience": "EX", "location": "BR"})
        service.post("/v1/estimate", json={**JOB, "title": "Quantum Data Whisperer", "location": "MC"})
        report = service.get("/v1/drift").json()
        page = service.get("/metrics").text
        model = service.get("/v1/model").json()["model"]
    contract(report, DriftReply)
    assert report["jobs"] == 6
    assert report["unseen"] == {"title": 0.1667, "country": 0.1667}
    assert {mix["reading"] for name, mix in report["mix"].items() if name != "title family"} == {"shifted"}
    assert {"value": "BR", "trained": pytest.approx(0.0, abs=0.02), "asked": 0.8333} in report["mix"]["country"][
        "largest"
    ]
    assert report["promised_coverage_90"] == pytest.approx(model["measured_coverage"]["90"], abs=0.001)
    assert 0.5 < report["expected_coverage_90"] <= 1
    assert f"mlpaygrade_drift_expected_coverage_90 {report['expected_coverage_90']}" in page
    assert 'mlpaygrade_drift_psi{dimension="country"}' in page
    assert "Whisperer" not in page + json.dumps(report)


def test_settings_that_are_no_numbers_are_refused() -> None:
    assert read_settings({"MLPAYGRADE_BATCH_ROWS": "7"}).batch_rows == 7
    with pytest.raises(InputError, match="MLPAYGRADE_BODY_BYTES must be a whole number above 0; got '-1'"):
        read_settings({"MLPAYGRADE_BODY_BYTES": "-1"})


def test_metrics_count_without_naming_what_was_asked() -> None:
    with limited(public_metrics=1) as service:
        for title in ("Data Scientist", "Quantum Data Whisperer"):
            service.post("/v1/estimate", json={**JOB, "title": title, "location": "MC"})
        page = service.get("/metrics").text
    assert 'mlpaygrade_requests_total{endpoint="estimate",method="POST",status="200"} 2.0' in page
    assert 'mlpaygrade_unseen_total{field="title"} 1.0' in page
    assert 'mlpaygrade_unseen_total{field="country"} 2.0' in page
    assert "mlpaygrade_log_estimate_sum" in page
    assert "Whisperer" not in page


def test_the_log_names_neither_title_nor_pay(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), limited() as service:
        service.get("/v1/estimate", params={**JOB, "offer_usd": 123456})
        service.post("/v1/estimate", json={**JOB, "title": "Secretive Whisperer", "experience": "what"})
    said = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("mlpaygrade"))
    assert "'endpoint': 'estimate'" in said
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    assert {"estimate", "none"} >= {line["endpoint"] for line in lines if line["from"] == "mlpaygrade.requests"}
    assert not any(word in said for word in ("Scientist", "Whisperer", "123456", "what"))


def test_an_unforeseen_error_is_a_problem_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a secret title")

    with limited() as service:
        monkeypatch.setattr(Predictor, "predict", fails)
        reply = service.post("/v1/estimate", json=JOB)
    assert reply.status_code == 500
    assert reply.json()["type"].endswith("unexpected")
    assert "secret" not in reply.text + caplog.text
    assert "RuntimeError in fails" in caplog.text


def test_requests_that_arrive_together_are_answered_as_alone(predictor: Predictor) -> None:
    from mlpaygrade.service.model_slot import Together

    sizes: list[int] = []

    def work(items: Sequence[JobWords]) -> list[ReadJob | InputError]:
        sizes.append(len(items))
        if any(words.get("title") == "broken" for words in items):
            raise RuntimeError("one of them breaks")
        return predictor.reader.read_each(items)

    async def ask_all() -> list[Any]:
        read = Together(work)
        words = [*(job.words() for job in JOBS[:100]), {"title": "broken"}, {"title": "x"}]
        return await asyncio.gather(*map(read, words), return_exceptions=True)  # type: ignore[arg-type]

    *reads, broken, wrong = asyncio.run(ask_all())
    assert isinstance(broken, RuntimeError)
    assert isinstance(wrong, InputError)
    assert sizes[:2] == [64, 38]
    assert sizes[2:] == [1] * 38, "those that arrive with a broken one are worked on alone"
    assert reads == [predictor.read_job(**job.words()) for job in JOBS[:100]]
    for one, job in zip(predictor.answer_each(reads), reads, strict=True):
        alone = predictor.answer(job)
        assert one.to_json() == alone.to_json()
        assert one.estimate_usd == alone.estimate_usd
        assert (one.log_quantiles == alone.log_quantiles).all()


def test_a_desk_answers_the_second_time_as_the_first_and_keeps_nothing_typed_freely(predictor: Predictor) -> None:
    from mlpaygrade.service import model_slot as desk_module

    served = ModelSlot(None).current
    desk = desk_module.Desk(served)
    typed: list[JobWords] = [
        {"title": "Data Scientist at Secret Corp", "experience": "SE", "location": "US"},
        {"title": "Data Scientist", "experience": "SE", "location": "Springfield, Illinois"},
        {"title": "Data Scientist", "experience": "senior", "location": "germany", "year": 2024},
    ]

    async def ask(words: JobWords) -> Any:
        read = await desk.read(words)
        assert isinstance(read, ReadJob)
        told = await desk.tell(read.job)
        return told.answer.with_reading(read)

    for words in [*typed, *(job.words() for job in JOBS[:40])]:
        here = predictor.answer(predictor.read_job(**words))
        for answer in (asyncio.run(ask(words)), asyncio.run(ask(words))):
            assert answer.to_json() == here.to_json()
            assert (answer.log_quantiles == here.log_quantiles).all()
    kept = repr([list(desk._read._values), list(desk._told._values)])
    assert "Secret Corp" not in kept
    assert "Springfield" not in kept
    assert "germany" in kept


def test_a_desk_forgets_what_was_asked_longest_ago() -> None:
    from mlpaygrade.service.model_slot import _Kept

    kept: _Kept[str, int] = _Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_a_country_is_not_read_by_what_others_ask_at_the_same_time(predictor: Predictor) -> None:
    asked: list[JobWords] = [{**JOB, "location": text} for text in ("CA", "TX", "NY", "WA", "GA", "NA", "US")]  # type: ignore[typeddict-item]
    together = predictor.reader.read_each(asked)
    alone = [predictor.reader.read_each([words])[0] for words in asked]
    assert list(map(str, together)) == list(map(str, alone))
    assert isinstance(together[0], ReadJob)
    assert together[0].job.location == "CA", "Canada, whatever states others name"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    shutil.copytree(bundled_path(), tmp_path / "bundle")
    return tmp_path / "bundle"


def changed(folder: Path, **provenance: Any) -> None:
    """Replace the manifest of a bundle."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["provenance"] |= provenance
    manifest["sha256"] = seal(manifest["format"], manifest["provenance"], manifest["files"])
    (folder / "new").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "new").replace(folder / MANIFEST)


def test_a_new_bundle_is_taken_up_and_a_damaged_one_is_not(bundle: Path) -> None:
    slot = ModelSlot(bundle)
    first = slot.current
    assert slot.refresh() == "same"
    changed(bundle, version="0.2.0-next")
    assert slot.refresh() == "loaded"
    assert slot.current.predictor.model["version"] == "0.2.0-next"
    network = next(bundle.glob("network-*.onnx"))
    whole = network.read_bytes()
    network.write_bytes(whole[:-1])
    changed(bundle, version="0.3.0-damaged")
    assert slot.refresh() == "refused"
    assert slot.refresh() == "same"
    assert slot.current.predictor.model["version"] == "0.2.0-next"
    shutil.rmtree(bundle)
    assert slot.refresh() == "refused"
    assert slot.current.predictor.answer(first.predictor.read_job(**JOB)).estimate_usd > 0


def test_bundles_are_swapped_while_requests_are_answered(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six swaps, two of them damaged: every reply is whole, and its range is that of the bundle that it names."""
    from concurrent.futures import ThreadPoolExecutor

    from mlpaygrade.forecast.bundle import load_bundle, write_bundle

    slot = ModelSlot(bundle)
    monkeypatch.setattr("mlpaygrade.service.web.ModelSlot", lambda *_, **__: slot)
    whole = load_bundle(bundle)
    parts = {name: whole.part(name) for name in whole.manifest.files}
    right: dict[str, list[int]] = {}

    def note() -> None:
        predictor = slot.current.predictor
        right[slot.current.tag] = predictor.answer(predictor.read_job(**JOB)).to_json()["intervals_usd"]["90"]

    def swap(number: int) -> None:
        calibration = json.loads(parts["calibration.json"])
        calibration["widening"][2] = [width + 0.01 * number for width in calibration["widening"][2]]
        write_bundle(bundle, {**parts, "calibration.json": calibration}, provenance=whole.provenance)
        if number % 3 == 0:
            (bundle / MANIFEST).write_bytes((bundle / MANIFEST).read_bytes()[:-number])
        assert slot.refresh() == ("refused" if number % 3 == 0 else "loaded")

    note()
    with TestClient(web_app(Settings(watch_seconds=100_000))) as service, ThreadPoolExecutor(2) as pool:
        replies_seen = []
        for number in range(1, 7):
            asked = pool.submit(lambda: [service.post("/v1/estimate", json=JOB) for _ in range(8)])
            swap(number)
            note()
            replies_seen += [*asked.result(), service.post("/v1/estimate", json=JOB)]
    assert {reply.status_code for reply in replies_seen} == {200}
    for reply in replies_seen:
        tag = reply.json()["bundle"]
        assert reply.headers["ETag"] == f'"{tag}"'
        assert reply.json()["intervals_usd"]["90"] == right[tag]
    assert len({reply.json()["bundle"] for reply in replies_seen}) == len(right) == 5


def test_the_tag_names_what_is_in_the_bundle(bundle: Path) -> None:
    before = ModelSlot(bundle).current.tag
    entries = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))["files"]
    evaluation = bundle / entries["evaluation.json"]["path"]
    document = {**json.loads(evaluation.read_text(encoding="utf-8")), "added": 1}
    from mlpaygrade.forecast.bundle import load_bundle, write_bundle

    parts = {name: load_bundle(bundle).part(name) for name in entries} | {"evaluation.json": document}
    write_bundle(bundle, parts, provenance=load_bundle(bundle).provenance)
    assert ModelSlot(bundle).current.tag != before
    with pytest.raises(BundleError):
        ModelSlot(bundle / "nowhere")


def test_open_inference_and_mlflow_answer_as_a_file(service: TestClient, predictor: Predictor) -> None:
    rows = [job.fields() for job in JOBS[:30]]
    inputs = [
        {"name": name, "shape": [len(rows)], "datatype": "BYTES", "data": [row[name] for row in rows]}
        for name in FEATURES
    ]
    outputs = service.post("/v2/models/mlpaygrade/infer", json={"id": "7", "inputs": inputs}).json()["outputs"]
    split = {"columns": list(FEATURES), "data": [list(row.values()) for row in rows]}
    predictions = service.post("/invocations", json={"dataframe_split": split}).json()["predictions"]
    assert predictions == service.post("/invocations", json={"dataframe_records": rows}).json()["predictions"]
    tensors = {one["name"]: one["data"] for one in outputs}
    for n, (row, prediction) in enumerate(zip(rows, predictions, strict=True)):
        answer = predictor.answer(predictor.read_job(**job_of(row).words()))
        refused = answer.not_enough_data is not None
        assert (prediction["estimate_usd"] is None) == refused == (tensors["estimate_usd"][n] == -1)
        assert refused or math.isclose(prediction["estimate_usd"], answer.estimate_usd, rel_tol=1e-4)
    assert service.post("/v2/models/mlpaygrade/infer", json={"inputs": inputs[:1]}).status_code == 422


def test_the_document_describes_every_address_and_every_field(service: TestClient) -> None:
    document = service.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    asked = document["components"]["schemas"]["EstimateAsked"]["properties"]
    assert {field.name for field in FIELDS} <= set(asked)
    for operation in openapi.OPERATIONS:
        described = document["paths"][operation.path][operation.method]
        assert described["operationId"]
        if operation.asked is None or operation.example is None:
            continue
        if operation.method == "get":
            reply = service.get(operation.path, params=operation.example)
        else:
            reply = service.request(operation.method, operation.path, json=operation.example)
        assert reply.status_code == 200, (operation.path, reply.text)


def hostile(chance: random.Random) -> tuple[str, str, dict[str, Any]]:
    """A request that no honest client sends."""
    paths = [
        *(operation.path for operation in openapi.OPERATIONS),
        "/v1/batch",
        "/v2",
        "/",
        "/v1/../etc",
        "/metrics",
        "/%ff",
    ]
    odd: list[Any] = [
        None, True, -1, 10**30, 1e308, "", " ", "\x00", "\u202e", "é" * 300, "=1+1", "'; --", "NaN", "9" * 400, [], {}, [[]],
        "US", "Data Scientist", "senior", {"a": {"b": 1}}, "\ud7ff", "SE", 2024, "🙂", "Senior" * 20,
    ]  # fmt: skip
    names = [field.name for field in FIELDS] + [
        "first",
        "second",
        "allow",
        "limit",
        "max_changes",
        "exact",
        "codes",
        "inputs",
    ]
    body: Any = {chance.choice(names): chance.choice(odd) for _ in range(chance.randrange(8))}
    raw = json.dumps(body).encode()
    kind = chance.randrange(6)
    if kind == 1:
        raw = raw[: chance.randrange(len(raw) + 1)]
    elif kind == 2:
        raw = chance.randbytes(chance.randrange(200))
    elif kind == 3:
        raw = b"[" * 5_000
    elif kind == 4:
        raw = json.dumps(chance.choice(odd)).encode()
    types = ["application/json", "text/csv", "application/x-ndjson", "", "application/vnd.apache.parquet", "a/b;c"]
    method = chance.choice(["GET", "POST", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
    params = {
        chance.choice(names): str(chance.choice(odd)).encode("utf-8", "ignore") for _ in range(chance.randrange(4))
    }
    headers = {"Content-Type": chance.choice(types), "If-None-Match": chance.choice(["*", '"', "x"])}
    return method, chance.choice(paths), {"content": raw, "params": params, "headers": headers}


def test_no_hostile_request_breaks_the_service() -> None:
    chance = random.Random(16)
    with TestClient(web_app(Settings()), raise_server_exceptions=True) as service:
        for _ in range(600):
            method, path, parts = hostile(chance)
            reply = service.request(method, path, **parts)
            assert reply.status_code < 500, (method, path, parts, reply.text)
            assert "Traceback" not in reply.text
            if reply.status_code >= 400 and method != "HEAD":
                assert reply.headers["Content-Type"] == "application/problem+json"
                assert reply.json()["detail"]


class Behind:
    """Sends what a client of the standard library asks to an application in this process."""

    def __init__(self, service: TestClient) -> None:
        self._service = service

    def __call__(self, request: Any, *, timeout: float) -> Any:
        import urllib.error

        del timeout
        path = request.full_url.removeprefix("http://pay.example")
        reply = self._service.request(request.get_method(), path, content=request.data, headers=dict(request.headers))
        body = io.BytesIO(reply.content)
        if reply.status_code >= 400:
            raise urllib.error.HTTPError(request.full_url, reply.status_code, "", reply.headers, body)  # type: ignore[arg-type]
        return body


def test_a_client_has_the_same_answers(
    service: TestClient, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", Behind(service))
    remote = Predictor.connect("http://pay.example/")
    assert remote.model == predictor.model
    assert remote.suggest_titles("machine l")[0] == "Machine Learning Engineer"
    for job in JOBS[:60]:
        here, there = predictor.answer(predictor.read_job(**job.words())), remote.answer(remote.read_job(**job.words()))
        assert there.to_json() == here.to_json()
        assert there.estimate_usd == here.estimate_usd
        assert (there.log_quantiles == here.log_quantiles).all()
        assert there.percentile(150_000) == here.percentile(150_000)
    with pytest.raises(InputError) as caught:
        remote.read_job(title="Data Scientist", experience="x", location="US")
    assert [defect.column for defect in caught.value.defects] == ["experience"]


def test_a_client_says_what_it_cannot_reach() -> None:
    with pytest.raises(InputError, match="begins with http"):
        Predictor.connect("pay.example")
    with pytest.raises(FetchError, match="gives no answer"):
        _ = Predictor.connect("http://127.0.0.1:1").model
