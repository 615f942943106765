"""Spark gives row by row what `score` gives, on a local Spark; `make spark` installs it and runs this."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlpaygrade import Predictor
from mlpaygrade.errors import DataError
from mlpaygrade.forecast.score import ADDED, score_file

pytest.importorskip("pyspark", reason="needs PySpark: `make spark` installs it")
pa = pytest.importorskip("pyarrow")
if os.environ.get("SLIPCOVER_ENABLED"):
    pytest.skip(
        "code that is being measured cannot be sent to Spark: `make spark` runs it alone", allow_module_level=True
    )
pytestmark = pytest.mark.filterwarnings("ignore")

RECORDS = json.loads((Path(__file__).parent / "golden.json").read_text(encoding="utf-8"))["answers"]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.driver.host": "127.0.0.1",
    }
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    built = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    yield built
    built.stop()


def test_spark_answers_as_score_does(spark: Any, tmp_path: Path) -> None:
    from pyarrow import parquet

    from mlpaygrade.spark import score

    jobs = [record["job"] for record in RECORDS]
    odd = [{**jobs[0], "job_title": None}, {**jobs[1], "remote_ratio": None}, {**jobs[2], "company_location": "ZZ"}]
    table = pa.Table.from_pylist([*jobs, *odd, *jobs, *odd])
    table = table.rename_columns([{"job_title": "Job title"}.get(name, name) for name in table.column_names])
    table = table.append_column("a.`b`", pa.array(range(len(table))))
    parquet.write_table(table, tmp_path / "in.parquet")
    score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", predictor=Predictor.load())
    frame = spark.read.parquet(str(tmp_path / "in.parquet"))
    scored = score(frame)
    assert scored.columns == [*table.column_names, *ADDED]
    found = scored.toArrow().sort_by("a.`b`")
    expected = parquet.read_table(tmp_path / "out.parquet")
    assert found.to_pylist() == expected.to_pylist()
    assert None in found["estimate_usd"].to_pylist()


def test_spark_refuses_what_score_refuses(spark: Any) -> None:
    from mlpaygrade.spark import score

    for names in (
        "company_location",
        "job_title, company_location, reason",
        "job_title, `Job Title`, company_location",
    ):
        columns = [f"'US' AS {name}" for name in names.split(", ")]
        with pytest.raises(DataError):
            score(spark.sql(f"SELECT {', '.join(columns)}"))
