"""The one model of a serving process, loaded and replaced whole, kept where the new one is damaged; and its desk.

At a `Desk` requests that arrive together are worked on together, and what was asked before is not worked out again. A job
worked on together with others costs less than half of what it costs alone (decision 0016): what is asked within one turn of the
event loop becomes one call. Nothing waits for more to come. Kept are only jobs whose words all stand in the product's own tables
(a title of the training data, codes and their words, countries), so that nothing a person typed freely stays here, and of a
request only its job: no offer, no currency, no place. A new bundle has a desk of its own. The least lately asked go first.
"""

import asyncio
import hashlib
import logging
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Generic, TypeVar

from mlpaygrade import __version__
from mlpaygrade.errors import BundleError, InputError
from mlpaygrade.explain.explanation import explain
from mlpaygrade.forecast.answer import Answer
from mlpaygrade.forecast.bundle import MANIFEST, Bundle, bundled_path
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import FIELDS, Job, JobWords
from mlpaygrade.job.places import country, country_codes
from mlpaygrade.job.titles import title_family

_LOG = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""What changes when the manifest of a bundle is replaced: its inode, size and time."""

_ASKED: Final = {"title": "Data Scientist", "experience": "SE", "location": "US"}
"""The job that a new model must answer before it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A model in use. tag: names package and bundle, so that equal tags give equal answers."""

    predictor: Predictor
    tag: str
    stamp: Stamp


class ModelSlot:
    """Holds the model. `current` may be read from any thread; a request reads it once and keeps it."""

    def __init__(self, folder: Path | None, *, public_key: str = "") -> None:
        """Load the model of a folder (None: the one in the package), signed with a key where one is named. Raises BundleError."""
        self._public_key = public_key or None
        self._folder = bundled_path() if folder is None else folder
        self._loading = threading.Lock()
        self._refused: str = ""
        self.current = self._load()

    def refresh(self) -> str:
        """Take up what lies in the folder now: "same", "loaded", or "refused", and then the old one stays."""
        with self._loading:
            try:
                if _stamp(self._folder) == self.current.stamp:
                    return "same"
                self.current = self._load()
            except BundleError as error:
                if str(error) != self._refused:
                    self._refused = str(error)
                    _LOG.warning("The new bundle is refused and the old one kept: %s", error)
                    return "refused"
                return "same"
        self._refused = ""
        _LOG.info("The bundle %s serves from now on", self.current.tag)
        return "loaded"

    def _load(self) -> Served:
        try:
            stamp = _stamp(self._folder)
            predictor = Predictor.load(self._folder, public_key=self._public_key)
            _try_out(predictor)
        except BundleError:
            raise
        except Exception as error:  # a forged part can fail in any library that reads it
            raise BundleError(f"The bundle in {self._folder} cannot be used: {error}") from error
        return Served(predictor=predictor, tag=tag_of(predictor.bundle), stamp=stamp)


def tag_of(bundle: Bundle) -> str:
    """The name of package and bundle: equal tags, equal answers."""
    files = bundle.manifest.files
    parts = ",".join(f"{name}:{files[name].sha256}" for name in sorted(files))
    return f"{__version__}-{hashlib.sha256(parts.encode()).hexdigest()[:16]}"


def _try_out(predictor: Predictor) -> None:
    """Read every part, so that nothing of the folder is needed later, and answer one job. Raises BundleError."""
    bundle = predictor.bundle
    _ = (bundle.encoder, bundle.calibration, bundle.abstention, bundle.evidence, bundle.background, bundle.evaluation)
    _ = (predictor.model, predictor.reader)
    answer = predictor.answer(predictor.read_job(**_ASKED))
    if answer.not_enough_data is None:
        explain(predictor, answer)
    figures = (answer.estimate_usd, answer.band_low_usd, answer.band_high_usd, *answer.intervals_usd[90])
    if not all(math.isfinite(usd) and usd > 0 for usd in figures):
        raise BundleError(f"The bundle in {bundle.path} gives figures that are no amounts of money.")


def _stamp(folder: Path) -> Stamp:
    try:
        found = (folder / MANIFEST).stat()
    except OSError as error:
        raise BundleError(f"There is no bundle in {folder}: {MANIFEST} cannot be read.") from error
    return found.st_ino, found.st_size, found.st_mtime_ns


Item = TypeVar("Item")
Result = TypeVar("Result")

MOST: Final = 64
"""So many items are worked on in one call, lest the first waits long for the last."""


class Together(Generic[Item, Result]):
    """Collects items and has them worked on. Belongs to one event loop."""

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]]) -> None:
        """work: n items in, n results out, in the same order; an item's result does not depend on the others."""
        self._work = work
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []

    async def __call__(self, item: Item) -> Result:
        """The result of one item. Raises what work raises for it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._flush)
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        return await future

    def _flush(self) -> None:
        now, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        self._settle(now)

    def _settle(self, now: Sequence[tuple[Item, "asyncio.Future[Result]"]]) -> None:
        """Work on items; one by one where that fails, so that what is wrong with one is the trouble of no other."""
        try:
            results = self._work([item for item, _ in now])
        except Exception as error:
            if len(now) > 1:
                for one in now:
                    self._settle([one])
            elif not now[0][1].done():
                now[0][1].set_exception(error)
            return
        for (_, future), result in zip(now, results, strict=True):
            if not future.done():
                future.set_result(result)


K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

DIMENSIONS: Final = ("experience", "title family", "country")
"""Dimensions whose values are no one's own words, so that they may be counted."""

KEPT: Final = 4_096
"""Jobs kept by one model, as they were read and as they were answered."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that knows nothing of how its job was read, what it says as plain JSON, and of what kinds its job is."""

    answer: Answer
    document: dict[str, object]
    kinds: tuple[str, ...]


def kinds(answer: Answer) -> tuple[str, ...]:
    """The values of a job by `DIMENSIONS`."""
    job = answer.job
    return job.experience, title_family(job.title), job.location


class Desk:
    """Reads and answers jobs with one model. Belongs to one event loop."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._reading: Together[JobWords, ReadJob | InputError] = Together(served.predictor.reader.read_each)
        self._answering: Together[ReadJob, Answer] = Together(served.predictor.answer_each)
        self._read: _Kept[tuple[object, ...], ReadJob] = _Kept(KEPT)
        self._told: _Kept[Job, Told] = _Kept(KEPT)

    async def read(self, words: JobWords) -> ReadJob | InputError:
        """A job as it is understood, or what is wrong with it."""
        key = tuple(words.get(field.name) for field in FIELDS)
        found = self._read.get(key)
        if found is not None:
            return found
        read = await self._reading(words)
        if isinstance(read, ReadJob) and self._is_common(words):
            self._read.put(key, read)
        return read

    async def tell(self, job: Job) -> Told:
        """What a job pays, without a word on how it was read."""
        told = self._told.get(job)
        if told is None:
            answer = await self._answering(ReadJob(job=job))
            told = Told(answer, answer.to_json(), kinds(answer))
            if job.title in self.served.predictor.known_titles:
                self._told.put(job, told)
        return told

    def _is_common(self, words: JobWords) -> bool:
        """Whether every word of a job stands in the product's own tables."""
        return words.get("title") in self.served.predictor.known_titles and all(
            value is None or isinstance(value, int) or value.casefold() in _words()
            for name, value in words.items()
            if name != "title" and isinstance(value, str | int | None)
        )


class _Kept(Generic[K, V]):
    """The values of the keys that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        if (value := self._values.get(key)) is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        if len(self._values) > self._most:
            self._values.popitem(last=False)


@cache
def _words() -> frozenset[str]:
    """Codes, their words, countries and years, all in one letter case."""
    labels = [str(text) for field in FIELDS for pair in field.labels.items() for text in pair]
    countries = [text for code in country_codes() for text in (code, country(code).name)]
    shorter = [label.split(" (")[0].removesuffix(" level") for label in labels]
    return frozenset(text.casefold() for text in (*labels, *shorter, *countries, *map(str, range(2020, 2100))))
