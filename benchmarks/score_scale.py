"""How `score` does beside DuckDB copying the same file with seven columns more, and whether Spark agrees with it row by row.

    python benchmarks/score_scale.py [csv parquet distinct spark] [--rows 20000000]

Needs `pip install duckdb` (and pyspark for the last), MLPAYGRADE_DATA, and disk for five times the file. Each runs in a process
of its own, in turns, RUNS times; the better time of each counts. Writes benchmarks/results/score.json.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "score.json"
RUNS = 1
MORE = "150000 a, 120000 b, 180000 c, 90000 d, 210000 e, 333 f, '' g"
SCORE = """
from pathlib import Path
from mlpaygrade import Predictor
from mlpaygrade.forecast.score import score_file
predictor = Predictor.load()
work = lambda: score_file(Path({source!r}), Path({output!r}), predictor=predictor).distinct_jobs
"""
DUCK = """
import duckdb
work = lambda: duckdb.sql("COPY (SELECT *, {more} FROM {read}('{source}')) TO '{output}' ({how})")
"""
TIMED = """
import json, resource, time
began, used = time.perf_counter(), time.process_time()
work()
found = dict(seconds=time.perf_counter() - began, processor_seconds=time.process_time() - used)
found["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({name: round(value, 1) for name, value in found.items()}))
"""


def main() -> None:
    """Measure what was asked for, beside what was measured before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=["csv", "parquet", "distinct", "spark"])
    parser.add_argument("--rows", type=int, default=20_000_000)
    given = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-scale-") as name:
        folder = Path(name)
        for part in given.parts:
            load = os.getloadavg()[0]
            results[part] = {"rows": given.rows, **PARTS[part](folder, given.rows), "load_average": round(load, 1)}
            RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
            for left in folder.iterdir():
                left.unlink()


def text(folder: Path, rows: int) -> dict[str, Any]:
    """CSV to CSV."""
    source = repeated(folder / "in.csv", rows)
    return {"bytes": source.stat().st_size, **pair(source, folder / "out.csv", "read_csv", "HEADER")}


def typed(folder: Path, rows: int) -> dict[str, Any]:
    """Parquet to Parquet."""
    source = folder / "in.parquet"
    run(
        DUCK.format(
            more="0 z", read="read_csv", source=repeated(folder / "in.csv", rows), output=source, how="FORMAT parquet"
        )
    )
    return {"bytes": source.stat().st_size, **pair(source, folder / "out.parquet", "read_parquet", "FORMAT parquet")}


def distinct(folder: Path, _: int) -> dict[str, Any]:
    """A million distinct jobs of the titles that are known."""
    source = folder / "in.csv"
    jobs = distinct_jobs(source, 1_000_000)
    found = run(SCORE.format(source=str(source), output=str(folder / "out.csv")))
    return {"rows": 1_000_000, "distinct_jobs": jobs, "score": found}


def spark(folder: Path, _: int) -> dict[str, Any]:
    """Rows of a million that Spark and `score` answer alike."""
    source, rows = repeated(folder / "in.csv", 1_000_000), 1_000_000
    with source.open(encoding="utf-8") as lines, (folder / "ids.csv").open("w", encoding="utf-8") as file:
        file.writelines(f"{'row' if n == 0 else n},{line}" for n, line in enumerate(lines))
    from mlpaygrade import Predictor
    from mlpaygrade.forecast.score import ADDED, score_file

    score_file(folder / "ids.csv", folder / "out.csv", predictor=Predictor.load())
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    from mlpaygrade.spark import score

    built = SparkSession.builder.master("local[2]").config("spark.sql.shuffle.partitions", "4").getOrCreate()
    table = score(built.read.csv(str(folder / "ids.csv"), header=True)).select("row", *ADDED).toArrow().to_pydict()
    built.stop()
    with (folder / "out.csv").open(newline="", encoding="utf-8") as file:
        expected = {row["row"]: tuple(row[name] for name in ADDED) for row in csv.DictReader(file)}
    answers = zip(*(table[name] for name in ADDED), strict=True)
    alike = sum(
        expected[row] == tuple("" if value is None else str(value) for value in answer)
        for row, answer in zip(table["row"], answers, strict=True)
    )
    return {"rows": rows, "rows_of_spark": len(set(table["row"])), "alike": alike}


PARTS = {"csv": text, "parquet": typed, "distinct": distinct, "spark": spark}


def pair(source: Path, output: Path, read: str, how: str) -> dict[str, Any]:
    """Both, in turns."""
    ours, theirs = [], []
    for _ in range(RUNS):
        theirs.append(run(DUCK.format(more=MORE, read=read, source=source, output=output, how=how)))
        output.unlink()
        ours.append(run(SCORE.format(source=str(source), output=str(output))))
        output.unlink()
    score, duck = (min(found, key=lambda one: one["seconds"]) for found in (ours, theirs))
    return {"score": score, "duckdb": duck, "ratio": round(score["seconds"] / duck["seconds"], 2)}


def run(code: str) -> dict[str, Any]:
    """What a process of its own measured."""
    done = subprocess.run([sys.executable, "-c", code + TIMED], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def repeated(path: Path, rows: int) -> Path:
    """The public file's rows in random order, again and again."""
    header, *lines = Path(os.environ["MLPAYGRADE_DATA"]).read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write(header)
        for start in range(0, rows, len(lines)):
            file.writelines(chosen.sample(lines, min(len(lines), rows - start)))
    return path


def distinct_jobs(path: Path, count: int) -> int:
    """Write so many jobs of known titles, no two alike."""
    from mlpaygrade import Predictor
    from mlpaygrade.job.fields import FEATURES

    titles, chosen = sorted(Predictor.load().known_titles), random.Random(3)
    countries = ["US", "GB", "CA", "DE", "FR", "ES", "IN", "AU", "BR", "PT", "NL", "IT"]
    jobs: set[tuple[str, ...]] = set()
    while len(jobs) < count:
        options = {
            "work_year": ("2022", "2023", "2024"),
            "experience_level": ("EN", "MI", "SE", "EX"),
            "employment_type": ("FT", "PT", "CT", "FL"),
            "job_title": titles,
            "remote_ratio": ("0", "50", "100"),
            "company_size": ("S", "M", "L"),
        }
        jobs.add(tuple(chosen.choice(options.get(column, countries)) for column in FEATURES))
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([FEATURES, *sorted(jobs)])
    return len(jobs)


if __name__ == "__main__":
    main()
