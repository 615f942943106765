"""The cards and the monthly workflow: complete, valid, and true to the bundle and the editions."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from mlpaygrade.dataset.sources import edition_named as edition
from mlpaygrade.dataset.sources import editions
from mlpaygrade.forecast.bundle import Bundle, load_bundle
from mlpaygrade.job.fields import COLUMNS
from research.cards import ageing_table, data_card, model_card

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def card() -> str:
    return model_card(load_bundle())


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data_card(load_bundle()))
    return document


def test_the_model_card_has_the_metadata_that_hugging_face_reads(card: str) -> None:
    _, head, body = card.split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["license"] == "apache-2.0"
    assert metadata["pipeline_tag"] == "tabular-regression"
    (result,) = metadata["model-index"][0]["results"]
    evaluation = load_bundle().evaluation
    assert result["dataset"]["split"] == evaluation["protocol"]
    figures = {one["type"]: one["value"] for one in result["metrics"]}
    assert figures["rmse"] == pytest.approx(evaluation["rows"]["rmse_log"], abs=1e-4)
    assert all(type(value) in (int, float) for value in figures.values())
    assert load_bundle().provenance["data_sha256"] in body
    assert "| all |" in body


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_the_data_card_is_croissant_1_1(data: dict[str, Any]) -> None:
    import mlcroissant

    read = mlcroissant.Dataset(jsonld=data).metadata
    assert not read.ctx.issues.errors, read.ctx.issues.report()
    assert not read.ctx.issues.warnings, read.ctx.issues.report()
    assert data["conformsTo"].endswith("/1.1")
    assert [field.name for field in read.record_sets[0].fields] == list(COLUMNS)


def test_the_data_card_pins_every_edition_that_is_a_public_file(data: dict[str, Any]) -> None:
    files = {one["@id"]: one for one in data["distribution"]}
    for one in editions():
        if one.newer_rows == 0:
            assert files[f"edition-{one.name}"]["sha256"] == one.sha256_crlf
            assert one.commit in files[f"edition-{one.name}"]["contentUrl"]
    assert f"edition-{edition('brief').name}" not in files, "the public file holds newer rows on top of it"


def test_a_model_that_was_not_aged_says_so() -> None:
    assert "not been measured" in ageing_table(cast("Bundle", SimpleNamespace(ageing=None)))


def test_the_ageing_table_sets_old_and_fresh_side_by_side() -> None:
    figures = {"rows": 100.0, "rmse_log": 0.4, "coverage_90": 0.9, "width_90_usd": 150_000.0}
    ageing = {
        "months": ["2024-01", "2024-02"],
        "epochs": 6,
        "epochs_of_the_served_model": 16,
        "policies": {"monthly": figures, "never": figures | {"rmse_log": 0.41}},
        "by_age": [{"months_behind": age, "old": figures, "fresh": figures} for age in (0, 1)],
    }
    text = ageing_table(cast("Bundle", SimpleNamespace(ageing=ageing)))
    assert "| never | 100 | 0.4100 | 90.0% | $150K |" in text
    assert text.count("a fresh model") == 1
    assert "6 epochs" in text


def test_the_monthly_workflow_refreshes_and_opens_a_pull_request() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "refresh.yml").read_text(encoding="utf-8"))
    assert workflow[True]["schedule"][0]["cron"].split()[2] != "*", "monthly: 'on' is read as true"
    assert workflow["permissions"] == {"contents": "write", "pull-requests": "write"}
    steps = {step["name"]: step for step in workflow["jobs"]["refresh"]["steps"]}
    assert "mlpaygrade refresh --data runs/salaries.csv" in steps["Refresh"]["run"]
    proposal = steps["Open a pull request with the comparison"]["run"]
    assert "gh pr create" in proposal
    assert "--body-file runs/refresh/summary.md" in proposal
    assert "src/mlpaygrade/model" in proposal
    assert list(steps).index("Refresh") < list(steps).index("Open a pull request with the comparison")
