"""Scoring a Spark DataFrame: the columns, figures and reasons that `mlpaygrade score` gives, for tables of any size.

Distinct jobs are answered by the workers, each job once, with the bundle that they load once; the answers are joined to the rows.
Needs `pip install 'mlpaygrade[spark]'` on the driver, and the package on the workers.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlpaygrade.dataset.lines import distinct
from mlpaygrade.dataset.reader import Limits, check_header
from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.bundle import load_bundle
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.score import NUMBERS, answer_texts, match_features

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

NAME = "The table"


def score(df: "DataFrame", bundle: Path | str | None = None) -> "DataFrame":
    """The same rows with the columns ADDED of `score`; figures are null where there is none.

    bundle: a folder that every worker can read; the bundle in the package without it. Raises DataError where a column that is
    needed is missing, a name stands twice, or a column of scoring's own is there; BundleError where the bundle cannot be used.
    """
    from pyspark.sql import functions as f
    from pyspark.sql.types import LongType, StringType, StructType

    check_header(df.columns, NAME, Limits())
    matched = match_features(df.columns, name=NAME)
    sources = {column: df.columns[place] for column, place in matched.places.items()}
    keys = {name: f"__job_{n}" for n, name in enumerate(sources.values())}
    jobs = df.select(*(_column(name).alias(key) for name, key in keys.items())).distinct()
    schema = StructType(list(jobs.schema.fields))
    for name in NUMBERS:
        schema = schema.add(name, LongType())
    schema = schema.add("reason", StringType())
    version = str(load_bundle(None if bundle is None else Path(bundle)).provenance["version"])
    answered = jobs.mapInArrow(_answering(list(sources), bundle, version), schema)
    same: list[Column] = [_column(name).eqNullSafe(f.col(key)) for name, key in keys.items()]
    return df.join(answered, reduce(and_, same), "left").drop(*keys.values())


def _column(name: str) -> "Column":
    """A column by its very name, dots and ticks in it included."""
    from pyspark.sql import functions as f

    return f.col("`" + name.replace("`", "``") + "`")


def _answering(
    columns: Sequence[str], bundle: Path | str | None, version: str
) -> "Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]":
    """What a worker does with its share of the jobs. version: of the driver's bundle."""
    folder = None if bundle is None else str(bundle)

    def answer(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa

        predictor = _predictor(folder)
        if predictor.bundle.provenance["version"] != version:
            found = predictor.bundle.provenance["version"]
            raise BundleError(
                f"Workers must have the driver's bundle, {version}; one has {found}. Install the same one."
            )
        for batch in batches:
            if not len(batch):
                continue
            keys, which = distinct(batch.columns)
            texts = zip(columns, zip(*keys, strict=True), strict=True)
            added = answer_texts(predictor, {name: np.array(words, dtype=object) for name, words in texts})
            numbers = [pa.array(added[name][which], mask=added[name][which] < 0) for name in NUMBERS]
            reasons = pa.array(added["reason"][which], type=pa.string())
            names = [*batch.schema.names, *NUMBERS, "reason"]
            yield pa.RecordBatch.from_arrays([*batch.columns, *numbers, reasons], names=names)

    return answer


@cache
def _predictor(folder: str | None) -> Predictor:
    """A worker's predictor, loaded once."""
    return Predictor.load(folder)
