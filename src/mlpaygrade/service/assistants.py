"""Tools for assistants over the Model Context Protocol: read-only, typed, figures always with range, strength, date and source.

The same predictor as everywhere; nothing is stored, and no tool changes anything.
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final, Literal, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from mlpaygrade import __version__
from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.explain.explanation import LIMITS
from mlpaygrade.explain.explanation import explain as explain_job
from mlpaygrade.explain.scenarios import WORDING
from mlpaygrade.explain.scenarios import compare as compare_jobs
from mlpaygrade.forecast.answer import Answer, newest_advert
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.job.fields import BY_NAME
from mlpaygrade.job.known_titles import suggest_titles
from mlpaygrade.rendering.words import job_text
from mlpaygrade.service.replies import SOURCE

T = TypeVar("T")

INSTRUCTIONS: Final = (
    "What jobs in data and machine learning are advertised for, in US dollars a year. Always repeat the range, the strength and "
    "the date with a figure. Where there is not enough data, say so and name the nearest job; do not guess a figure. A "
    "difference between jobs is associated with them, not promised by a change."
)
PLACED: Final = "a yearly pay to place among such jobs"
READ_ONLY: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)


def _hint(name: str) -> str:
    field = BY_NAME[name]
    codes = f" ({', '.join(f'{code}: {words}' for code, words in field.labels.items())})" if field.labels else ""
    return f"{field.heading}: {field.hint}{codes}"


class AskedJob(BaseModel):
    """A job in words or codes."""

    title: str = Field(description=_hint("title"))
    location: str = Field(description=_hint("location"))
    experience: str | None = Field(None, description=_hint("experience"))
    residence: str | None = Field(None, description=_hint("residence"))
    remote: str | int | None = Field(None, description=_hint("remote"))
    size: str | None = Field(None, description=_hint("size"))
    employment: str | None = Field(None, description=_hint("employment"))
    year: int | None = Field(None, description=_hint("year"))


class Range(BaseModel):
    """US dollars a year."""

    low: int
    high: int


class Pay(BaseModel):
    """What a job is advertised for, US dollars a year. Figures are null where there is not enough data."""

    job: str
    estimate_usd: int | None = Field(description="typical pay of one advertised figure")
    nine_in_ten_usd: Range | None = Field(description="nine in ten such jobs are advertised within")
    half_usd: Range | None = Field(description="half of such jobs are advertised within")
    typical_band_usd: Range | None = Field(description="typical low and high end of one advert's band")
    held_when_tested: float | None = Field(
        description="share of figures inside the nine-in-ten range when the same procedure was tested on such jobs"
    )
    strength: Literal["strong", "fair", "rough"] | None
    strength_reasons: list[str]
    postings: int = Field(description="adverts that the answer rests on")
    postings_level: str
    adverts_up_to: str
    source: str
    not_enough_data: str | None
    nearest_job: str | None = Field(description="the most similar job that can be answered")
    offer_above_share: float | None = Field(
        None, description="share of the figures advertised for such jobs that lie below the offer"
    )
    warnings: list[str]
    notes: list[str]


class Part(BaseModel):
    """What one field of a job adds to the estimate."""

    field: str
    value: str
    usd: float


class Why(BaseModel):
    """An estimate taken apart: base and parts add up to it."""

    pay: Pay
    base_usd: float = Field(description="average estimate of the jobs compared with")
    parts: list[Part]
    limits: str


class Difference(BaseModel):
    """Two jobs side by side; second less first."""

    first: Pay
    second: Pay
    difference_usd: int
    difference_nine_in_ten_usd: Range
    probability_second_pays_more: float
    wording: str


class Titles(BaseModel):
    """Known job titles."""

    titles: list[str]


class ModelCard(BaseModel):
    """The model behind the figures."""

    version: str
    trained_through: int
    adverts_up_to: str
    synthetic: bool
    protocol: str | None
    held_when_tested: dict[str, float] = Field(description="percent of a range -> share of figures that fell inside")
    source: str


def pay_of(answer: Answer, *, offer_usd: float | None = None) -> Pay:
    """An answer as assistants are told it."""
    answered = answer.not_enough_data is None
    document = answer.to_json()
    accuracy = document["accuracy"]
    coverage = accuracy["coverage"][90] if accuracy else None

    def pair(percent: str) -> Range | None:
        return _range(*document["intervals_usd"][percent]) if answered else None

    return Pay(
        job=job_text(answer.job),
        estimate_usd=document["estimate_usd"],
        nine_in_ten_usd=pair("90"),
        half_usd=pair("50"),
        typical_band_usd=Range(**document["band_usd"]) if answered else None,
        held_when_tested=coverage,
        strength=answer.strength.word if answered else None,
        strength_reasons=list(answer.strength.reasons) if answered else [],
        postings=answer.support.postings,
        postings_level=answer.support.level,
        adverts_up_to=answer.newest_advert,
        source=f"{SOURCE}, model {answer.model['version']}",
        not_enough_data=answer.not_enough_data,
        nearest_job=None if answer.nearest is None else job_text(answer.nearest),
        offer_above_share=None if offer_usd is None or not answered else round(answer.percentile(offer_usd), 3),
        warnings=list(answer.warnings),
        notes=list(answer.notes),
    )


def assistant_server(predictor: Predictor) -> MCPServer[object]:
    """The server with its tools."""
    server: MCPServer[object] = MCPServer(
        "mlpaygrade", title="MLPayGrade", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING"
    )

    tool = partial(server.tool, annotations=READ_ONLY, structured_output=True)

    def answer(job: AskedJob) -> Answer:
        return predictor.answer(predictor.read_job(**job.model_dump()))

    @tool()
    def estimate(
        job: AskedJob, offer_usd: Annotated[float | None, Field(ge=1, le=1e9, description=PLACED)] = None
    ) -> Pay:
        """What a job pays, with its range, strength, date and source."""
        return _told(lambda: pay_of(answer(job), offer_usd=offer_usd))

    @tool()
    def explain(job: AskedJob) -> Why:
        """Why a job pays what it does: what each of its fields adds, in dollars."""
        return _told(lambda: _why(predictor, answer(job)))

    @tool()
    def compare(first: AskedJob, second: AskedJob) -> Difference:
        """Two jobs side by side."""
        return _told(lambda: _difference(predictor, answer(first), answer(second)))

    @tool()
    def titles(text: str = "") -> Titles:
        """Known job titles near to a text, the commonest without one."""
        return Titles(titles=list(suggest_titles(text, known=predictor.known_titles)))

    @tool()
    def model() -> ModelCard:
        """Which model answers, from which adverts, and how it did when it was tested."""
        return _card(predictor)

    return server


def run(predictor: Predictor, *, http: tuple[str, int] | None) -> None:
    """Serve on standard input and output, or at an address and port."""
    server = assistant_server(predictor)
    if http is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host=http[0], port=http[1], stateless_http=True, json_response=True)


def _why(predictor: Predictor, answer: Answer) -> Why:
    explanation = explain_job(predictor, answer)
    document = explanation.to_json()
    parts = [
        Part(field=part.label, value=part.value, usd=document["contributions_usd"][part.field])
        for part in explanation.ranked()
    ]
    return Why(pay=pay_of(answer), base_usd=document["base_usd"], parts=parts, limits=LIMITS)


def _difference(predictor: Predictor, first: Answer, second: Answer) -> Difference:
    for answer in (first, second):
        answer.require_answer()
    document = compare_jobs(predictor, first, second).to_json()
    return Difference(
        first=pay_of(first),
        second=pay_of(second),
        difference_usd=document["difference_usd"],
        difference_nine_in_ten_usd=_range(*document["difference_90_usd"]),
        probability_second_pays_more=document["probability_second_pays_more"],
        wording=WORDING,
    )


def _card(predictor: Predictor) -> ModelCard:
    model = predictor.model
    coverage = dict(model["measured_coverage"])
    return ModelCard(
        protocol=coverage.pop("protocol", None),
        held_when_tested=coverage,
        version=model["version"],
        trained_through=model["trained_through"],
        synthetic=model["synthetic"],
        adverts_up_to=newest_advert(predictor.bundle.provenance),
        source=SOURCE,
    )


def _range(low: int, high: int) -> Range:
    return Range(low=low, high=high)


def _told(work: Callable[[], T]) -> T:
    """What work gives; an error that a user can mend becomes one of the tool, in its own words."""
    try:
        return work()
    except MLPayGradeError as error:
        raise ToolError(str(error)) from None
