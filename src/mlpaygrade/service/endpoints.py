"""The endpoints of version 1: each reads a request, asks the predictor, and formats what it answers."""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from mlpaygrade.errors import InputError
from mlpaygrade.explain.explanation import explain
from mlpaygrade.explain.scenarios import compare, read_allowed, scenarios
from mlpaygrade.forecast.answer import Answer, newest_advert, place_of
from mlpaygrade.forecast.jobs import ReadJob
from mlpaygrade.job.fields import Job
from mlpaygrade.job.known_titles import suggest_titles
from mlpaygrade.job.places import country, country_codes
from mlpaygrade.money.place import PlaceFactor
from mlpaygrade.money.terms import pay_terms
from mlpaygrade.service import replies
from mlpaygrade.service.asking import (
    CompareAsked,
    EstimateAsked,
    JobAsked,
    ProblemError,
    ScenariosAsked,
    TitlesAsked,
    ask,
)
from mlpaygrade.service.guard import Settings
from mlpaygrade.service.meters import Meters
from mlpaygrade.service.model_slot import Desk, ModelSlot, Served, Told

T = TypeVar("T")

JSON: Final = "application/json"
SUGGESTED: Final = 10


class Endpoints:
    """The endpoints of one service."""

    def __init__(self, slot: ModelSlot, meters: Meters, settings: Settings) -> None:
        self.slot = slot
        self.meters = meters
        self.settings = settings
        self._limiter: CapacityLimiter | None = None
        self._now = Desk(slot.current)

    async def aside(self, work: Callable[[], T]) -> T:
        """Do what takes long beside the event loop, `Settings.heavy` at a time."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self.settings.heavy)
        return await to_thread.run_sync(work, limiter=self._limiter)

    async def estimate(self, request: Request) -> Response:
        """What a job pays."""
        desk = self._desk()
        served = desk.served
        if (unchanged := _unchanged(request, served)) is not None:
            return unchanged
        asked = await ask(request, EstimateAsked)
        read = await asked.job(desk.read)
        terms = asked.option("currency", partial(pay_terms, period=asked.values["period"]))
        offer_usd = asked.option("offer_usd", _amount)
        place = asked.option("place", partial(_place, read=read))
        job = asked.require(read)
        told = await self._tell(desk, job.job)
        answer, document = told.answer.with_reading(job), told.document
        if place is not None and answer.not_enough_data is None:
            answer = answer.at_place(place)
            document = answer.to_json()
        exact = bool(asked.values["exact"])
        reply = replies.estimate_reply(
            answer, served.tag, document=document, offer_usd=offer_usd, terms=terms, exact=exact
        )
        return json_response(reply, served)

    async def read(self, request: Request) -> Response:
        """How a job is understood, in codes."""
        desk = self._desk()
        asked = await ask(request, JobAsked)
        read = asked.require(await asked.job(desk.read))
        document: dict[str, object] = {
            "bundle": desk.served.tag,
            "job": read.job.words(),
            "warnings": list(read.warnings),
            "notes": list(read.notes),
        }
        return json_response(document, desk.served)

    async def explain(self, request: Request) -> Response:
        """Why a job pays what it does."""
        desk = self._desk()
        asked = await ask(request, JobAsked)
        answer = await self._answer(desk, asked.require(await asked.job(desk.read)))
        _require_answer(answer)
        explanation = await self.aside(lambda: explain(desk.served.predictor, answer))
        return json_response({"bundle": desk.served.tag, **explanation.to_json()}, desk.served)

    async def scenarios(self, request: Request) -> Response:
        """What would change the figure."""
        desk = self._desk()
        asked = await ask(request, ScenariosAsked)
        allow = asked.option("allow", read_allowed)
        read = asked.require(await asked.job(desk.read))
        _require_answer(await self._answer(desk, read))
        changes, limit = asked.values["max_changes"], asked.values["limit"]
        found = await self.aside(lambda: scenarios(desk.served.predictor, read, allow=allow, max_changes=changes))
        return json_response(
            replies.scenarios_reply(found, read, desk.served.tag, limit=limit, model=desk.served.predictor.model),
            desk.served,
        )

    async def compare(self, request: Request) -> Response:
        """Two jobs side by side."""
        desk = self._desk()
        asked = await ask(request, CompareAsked)
        reads = [await asked.part(name).job(desk.read) for name in ("first", "second")]
        first, second = [await self._answer(desk, asked.require(read)) for read in reads]
        for answer in (first, second):
            _require_answer(answer)
        comparison = await self.aside(lambda: compare(desk.served.predictor, first, second))
        return json_response(replies.comparison_reply(comparison, desk.served.tag), desk.served)

    async def titles(self, request: Request) -> Response:
        """Known titles near to a text; the commonest without one."""
        served = self.slot.current
        asked = await ask(request, TitlesAsked)
        asked.refuse()
        text = str(asked.values["q"])
        found = suggest_titles(text, known=served.predictor.known_titles, limit=SUGGESTED)
        return json_response({"bundle": served.tag, "titles": list(found)}, served)

    async def countries(self, request: Request) -> Response:
        """Every country, and whether the training data hold enough of it."""
        served = self.slot.current
        known = served.predictor.bundle.encoder.known_countries
        found = [country(code) for code in sorted(country_codes())]
        listed = [
            {"code": one.code, "name": one.name, "continent": one.continent, "known": one.code in known}
            for one in found
        ]
        return _unchanged(request, served) or json_response({"bundle": served.tag, "countries": listed}, served)

    async def model(self, request: Request) -> Response:
        """Which model answers, and what was measured."""
        served = self.slot.current
        bundle = served.predictor.bundle
        document: dict[str, object] = {
            "bundle": served.tag,
            "adverts_up_to": newest_advert(bundle.provenance),
            "titles": len(served.predictor.known_titles),
            "countries": len(bundle.encoder.known_countries),
            "model": dict(served.predictor.model),
        }
        return _unchanged(request, served) or json_response(document, served)

    async def drift(self, _: Request) -> Response:
        """What is asked beside what the model learnt, and what to expect of the answers."""
        served = self.slot.current
        return json_response(self.meters.drift(served), served)

    async def live(self, _: Request) -> Response:
        """The process runs."""
        return json_response({"live": True})

    async def ready(self, _: Request) -> Response:
        """A model is loaded and has answered."""
        return json_response({"ready": True, "bundle": self.slot.current.tag})

    async def metrics(self, _: Request) -> Response:
        """Counters for Prometheus."""
        return Response(self.meters.page(self.slot.current), media_type="text/plain; version=0.0.4; charset=utf-8")

    def _desk(self) -> Desk:
        """The model that answers now; a request keeps it."""
        if self._now.served is not self.slot.current:
            self._now = Desk(self.slot.current)
        return self._now

    async def _answer(self, desk: Desk, read: ReadJob) -> Answer:
        return (await self._tell(desk, read.job)).answer.with_reading(read)

    async def _tell(self, desk: Desk, job: Job) -> Told:
        told = await desk.tell(job)
        self.meters.answered(told.answer, desk.served.predictor, told.kinds)
        return told


def json_response(document: object, served: Served | None = None) -> Response:
    """A document as JSON, with the model that answered as its tag."""
    headers = None if served is None else {"ETag": f'"{served.tag}"'}
    return Response(msgspec.json.encode(document), headers=headers, media_type=JSON)


def _unchanged(request: Request, served: Served) -> Response | None:
    """304 where the asker has the reply of this very model; one address has one reply for each model."""
    etag = f'"{served.tag}"'
    if request.method not in ("GET", "HEAD") or etag not in request.headers.get("if-none-match", ""):
        return None
    return Response(status_code=304, headers={"ETag": etag})


def _require_answer(answer: Answer) -> None:
    """Raises ProblemError where an answer is "not enough data"."""
    if answer.not_enough_data is not None:
        nearest = None if answer.nearest is None else answer.nearest.fields()
        raise ProblemError("not-enough-data", answer.not_enough_data, nearest_job=nearest)


def _amount(usd: float) -> float:
    if not 1 <= usd <= 1e9:
        raise InputError("must be a yearly pay from 1 to 1,000,000,000 US dollars")
    return usd


def _place(text: str, *, read: ReadJob | None) -> PlaceFactor | None:
    return None if read is None else place_of(read.job, text)
