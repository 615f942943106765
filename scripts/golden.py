"""Write tests/golden.json: 200 jobs of all kinds, refused ones among them, with what the shipped bundle answers.

    python scripts/golden.py

Run it after a new bundle was put into the package, and never to make a changed answer pass.
"""

import json
import random
from pathlib import Path
from typing import Any

from mlpaygrade import Predictor
from mlpaygrade.explain.explanation import explain
from mlpaygrade.forecast.answer import FIGURES
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.fields import LABELS, Job
from mlpaygrade.job.places import country_codes

COUNT = 200
EXPLAINED = 20
ODD_TITLES = (
    "Zzqx",
    "Plumber",
    "Staff Nurse",
    "AI Ethics Officer",
    "Senior Prompt Engineer",
    "Kubernetes",
    "Data Wizard",
)
TARGET = Path(__file__).resolve().parent.parent / "tests" / "golden.json"


def jobs(predictor: Predictor) -> list[Job]:
    """The jobs: known and odd titles, known and any countries, every level, size, contract; the same whenever this runs."""
    draw = random.Random(20)
    encoder = predictor.bundle.encoder
    anywhere = sorted(country_codes())
    made = []
    for _ in range(COUNT):
        location = draw.choice([draw.choice(encoder.countries), "US", draw.choice(anywhere)])
        made.append(
            Job(
                title=draw.choice([draw.choice(encoder.titles)] * 4 + [draw.choice(ODD_TITLES)]),
                experience=draw.choice(list(LABELS["experience_level"])),  # type: ignore[arg-type]
                location=location,
                residence=draw.choice([location] * 3 + [draw.choice(anywhere)]),
                remote=draw.choice([0, 50, 100]),
                size=draw.choice(list(LABELS["company_size"])),  # type: ignore[arg-type]
                employment=draw.choice(["FT", "FT", "FT", "PT", "CT", "FL"]),
                year=draw.choice([encoder.newest_year, encoder.newest_year - 1, encoder.newest_year + 2]),
            )
        )
    return made


def record(predictor: Predictor, job: ReadJob) -> dict[str, Any]:
    """What is kept of one answer: figures unrounded, the rest as `to_json` gives it."""
    answer = predictor.answer(job)
    document = answer.to_json()
    usd = (answer.estimate_usd, answer.band_low_usd, answer.band_high_usd, *answer.intervals_usd[90])
    figures = dict(zip(FIGURES, map(float, usd), strict=True))
    return {
        "figures": {name: usd for name, usd in figures.items() if answer.not_enough_data is None},
        **{
            name: document[name]
            for name in ("support", "not_enough_data", "nearest_job", "warnings", "notes", "error_budget")
        },
    }


def main() -> None:
    """Write the file."""
    predictor = Predictor.load()
    records = []
    for n, job in enumerate(jobs(predictor)):
        read = predictor.read_job(**job.words())
        kept = {"job": job.fields(), **record(predictor, read)}
        if n < EXPLAINED and kept["not_enough_data"] is None:
            kept["explained"] = explain(predictor, read).to_json()["contributions_usd"]
        records.append(kept)
    document = {"bundle": predictor.model["version"], "answers": records}
    TARGET.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
