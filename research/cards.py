"""The cards of what ships: the model's, with metadata as Hugging Face reads them, and the data's, in Croissant 1.1.

Both are made from the bundle and the registry of editions; no figure in them is typed by hand.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from mlpaygrade.dataset.sources import GITHUB_BASE_URL, REPOSITORY, Edition, editions, github_path, known_file
from mlpaygrade.dataset.sources import edition_named as edition
from mlpaygrade.forecast.accuracy import ALL, ENOUGH_ADVERTS, ENOUGH_ROWS, FEWEST
from mlpaygrade.forecast.answer import newest_advert
from mlpaygrade.forecast.bundle import Bundle
from mlpaygrade.job.fields import COLUMNS, CURRENCY, FIELDS, SALARY, TARGET
from mlpaygrade.job.values import INTEGER_COLUMNS
from mlpaygrade.rendering.words import group_text, of_100, off_text

SOURCE: Final = f"https://github.com/{REPOSITORY}"
CC0: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
SHORT: Final = 0.87
"""Groups whose 90 % ranges held less are named."""
WORST: Final = 6
GROUPED: Final = ("country group", "experience", "title family", "company size", "remote work")
PAY: Final[Mapping[str, str]] = {
    SALARY: "Pay a year in the currency of the next column",
    CURRENCY: "Currency of the pay, ISO 4217",
    TARGET: "Pay a year in US dollars",
}
METRICS: Final = (
    ("rmse", "RMSE of log pay", "rmse_log", 4),
    ("mae", "Mean absolute error, USD", "mae_usd", 0),
    ("coverage", "Share inside the 90 % range", "coverage_90", 4),
    ("pinball", "Mean pinball loss of log pay", "pinball_log", 5),
)


def model_card(bundle: Bundle) -> str:
    """The model's card, Markdown with metadata on top."""
    head = yaml.safe_dump(_metadata(bundle), sort_keys=False, allow_unicode=True, width=120)
    return "\n".join(["---", head.rstrip(), "---", "", *_what(bundle), *_measured(bundle), *_limits()]) + "\n"


def _metadata(bundle: Bundle) -> dict[str, Any]:
    rows = bundle.evaluation.get("rows", {})
    measured = [
        {"type": kind, "name": name, "value": round(rows[metric], digits)}
        for kind, name, metric, digits in METRICS
        if metric in rows
    ]
    data = _data_name(bundle)
    result = {
        "task": {"type": "tabular-regression", "name": "Pay of an advertised job"},
        "dataset": {"type": REPOSITORY, "name": data, "split": str(bundle.evaluation.get("protocol"))},
        "metrics": measured,
    }
    return {
        "license": "apache-2.0",
        "language": "en",
        "library_name": "mlpaygrade",
        "pipeline_tag": "tabular-regression",
        "tags": ["tabular-regression", "salary", "conformal-prediction", "onnx"],
        "metrics": [kind for kind, *_ in METRICS],
        "model-index": [{"name": "mlpaygrade", "results": [result] if measured else []}],
    }


def _what(bundle: Bundle) -> list[str]:
    provenance = bundle.provenance
    size = sum(map(len, bundle.parts.values()))
    kind = "SYNTHETIC data: its figures say nothing about real pay" if provenance["synthetic"] else "public adverts"
    return [
        "# Model card",
        "",
        "Says what a job in machine learning, data and the software around them is advertised for: typical pay, the band of one "
        f"advert, and ranges{_held(bundle)}. Input: experience, title, country, remote work, company size, employment type, "
        "year. Output: a distribution of yearly pay in US dollars, or no answer where the data hold too little.",
        "",
        f"- Trained on {kind}: {_data_name(bundle)}, {provenance['rows']:,} figures of {provenance['postings']:,} adverts up to "
        f"{newest_advert(provenance)}; sha256 `{provenance['data_sha256']}`. [Data card](data_card.json).",
        f"- Version {provenance['version']}, seed {provenance['seed']}, commit `{provenance['commit']}`; {size:,} bytes of ONNX "
        "and JSON, nothing in it is executed.",
        f"- A network of {provenance['settings']['network']['members']} members with three heads (low end, high end, any "
        "figure), conformal calibration on the newest weeks. Settings travel in the bundle's manifest.",
        "",
        "```python",
        "from mlpaygrade import Predictor",
        "",
        "predictor = Predictor.load()",
        'job = predictor.read_job(title="Data Scientist", experience="SE", location="US")',
        "predictor.answer(job).intervals_usd[90]",
        "```",
        "",
    ]


def _held(bundle: Bundle) -> str:
    """What the 90 % ranges held over all and by group, to follow "ranges"."""
    groups = bundle.evaluation.get("groups", {})
    large = [
        one["coverage_90"]
        for one in groups.values()
        if one["n"] >= ENOUGH_ROWS and one.get("adverts", 0) >= ENOUGH_ADVERTS
    ]
    if not large:
        return ""
    return (
        f" (those of 9 in 10 held {of_100(groups[ALL]['coverage_90'])} of 100 when tested, {of_100(min(large))} to "
        f"{of_100(max(large))} by group)"
    )


def _measured(bundle: Bundle) -> list[str]:
    evaluation = bundle.evaluation
    if "rows" not in evaluation:
        return ["## Measured", "", "Nothing was left to test this model on.", ""]
    slices = [one for one in evaluation["slices"] if one["dimension"] in GROUPED]
    short = [
        f"{group_text(name)} ({one['coverage_90']:.1%} of {one['n']:,} figures, {one['adverts']:,} adverts)"
        for name, one in evaluation["groups"].items()
        if one.get("adverts", 0) >= FEWEST and one["coverage_90"] < SHORT
    ]
    return [
        "## Measured",
        "",
        f"Protocol: {evaluation['protocol']}.",
        "",
        "| group | figures | RMSE log | MAE | estimates on the whole | 90 % range held | width |",
        "|---|---|---|---|---|---|---|",
        _row("all", evaluation["rows"]),
        *(_row(f"{one['dimension']}: {one['value']}", one) for one in slices),
        "",
        "Tested was the same procedure, trained on the earlier adverts; the network that ships knows all of them.",
        "",
        f"Groups of at least {FEWEST} different adverts whose range held less than {SHORT:.0%}: {', '.join(short) or 'none'}.",
        "",
        *_words(evaluation),
        "## Age",
        "",
        ageing_table(bundle),
        "",
    ]


def _words(evaluation: Mapping[str, Any]) -> list[str]:
    """How each word for an answer's strength did, and where what answers state lies furthest from what was measured."""
    if not evaluation.get("words"):
        return []
    lines = [
        "By the word for an answer's strength ([the rule](decisions/0017-strength-of-an-answer.md), set with this test open; "
        "later rows will judge it):",
        "",
        "| word | figures | adverts | on the whole | mean distance, log | 50 % range held | 90 % range held |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {word} | {one['n']:,} | {one['adverts']:,} | {off_text(one['mean_error_log'])} | {one['mae_log']:.3f} | "
        f"{one['coverage_50']:.1%} | {one['coverage_90']:.1%} |"
        for word, one in evaluation["words"].items()
    ]
    stated = evaluation["stated"]
    apart = {
        name: max(abs(one[f"stated_{p}"] - one[f"coverage_{p}"]) for p in (50, 80, 90)) for name, one in stated.items()
    }
    lines += [
        "",
        f"What answers state beside their ranges, against what was measured, in {len(stated)} groups of {ENOUGH_ROWS} figures; "
        f"the {WORST} furthest apart:",
        "",
        "| group | figures | adverts | 50 %: stated, held | 80 % | 90 % |",
        "|---|---|---|---|---|---|",
    ]
    for name in sorted(apart, key=lambda name: -apart[name])[:WORST]:
        one = stated[name]
        pairs = " | ".join(f"{of_100(one[f'stated_{p}'])}, {of_100(one[f'coverage_{p}'])}" for p in (50, 80, 90))
        lines.append(f"| {group_text(name)} | {one['n']:,.0f} | {one['adverts']:,.0f} | {pairs} |")
    return [*lines, ""]


def _row(name: str, one: Mapping[str, float]) -> str:
    bias = off_text(one["mean_error_log"])
    return (
        f"| {name} | {one['n']:,} | {one['rmse_log']:.4f} | ${one['mae_usd'] / 1000:,.1f}K | {bias} | {one['coverage_90']:.1%} | "
        f"${one['width_90_usd'] / 1000:,.0f}K |"
    )


def ageing_table(bundle: Bundle) -> str:
    """What the age of a model has cost, as a table; a sentence where it was not measured."""
    ageing = bundle.ageing
    if ageing is None:
        return "What age costs has not been measured for this model (`python -m research ageing`)."
    lines = [
        f"Walked month by month, {ageing['months'][0]} to {ageing['months'][-1]}, each network trained for {ageing['epochs']} "
        f"epochs (the served one: {ageing['epochs_of_the_served_model']}).",
        "",
        "| refreshed | figures | RMSE log | 90 % range held | width |",
        "|---|---|---|---|---|",
    ]
    lines += [_age_row(name, one) for name, one in ageing["policies"].items()]
    lines += ["", "| months behind | figures | RMSE log | 90 % range held | width |", "|---|---|---|---|---|"]
    for one in ageing["by_age"]:
        lines.append(_age_row(str(one["months_behind"]), one["old"]))
        if one["months_behind"]:
            lines.append(_age_row("the same adverts, a fresh model", one["fresh"]))
    return "\n".join(lines)


def _age_row(name: str, one: Mapping[str, float]) -> str:
    return (
        f"| {name} | {one['rows']:,.0f} | {one['rmse_log']:.4f} | {one['coverage_90']:.1%} | "
        f"${one['width_90_usd'] / 1000:,.0f}K |"
    )


def _limits() -> list[str]:
    return [
        "## For what, and not for what",
        "",
        "- For people who compare an offer, and for employers who look at their bands, beside other evidence.",
        "- Not for deciding what one person is paid: the data hold no skill, employer, town or length of experience, and most "
        "of the spread between equal adverts is none of what the model knows.",
        "- Advertised pay is not paid pay. Most adverts are of companies in the United States.",
        "- Adverts say nothing about who was hired, so nothing here measures or mends unequal pay.",
        "- How the figures compare with other sources of pay: [checked](checked.md).",
    ]


def data_card(bundle: Bundle) -> str:
    """The data's card, JSON-LD in Croissant 1.1: the pinned public files, and the columns of that which trained the model."""
    trained_on = known_file(str(bundle.provenance["data_sha256"])) or edition()
    pinned = [one for one in editions() if not one.newer_rows]
    shown = trained_on if trained_on in pinned else pinned[-1]
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": "ai-jobs-net-salaries",
        "description": "Pay of advertised jobs in machine learning, data and the software around them, one figure a row; most "
        "adverts stand as two neighbouring rows, the high and the low end of their band, the newest first. "
        f"{shown.rows:,} rows up to {shown.newest}.",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "citeAs": f"aijobs.net salaries, {SOURCE}, commit {shown.commit}",
        "creator": {"@type": "sc:Organization", "name": "aijobs.net", "url": "https://aijobs.net"},
        "datePublished": str(shown.newest),
        "keywords": ["salary", "machine learning", "data science", "job adverts"],
        "license": CC0,
        "url": SOURCE,
        "version": f"{shown.newest.year}.{shown.newest.month}.{shown.newest.day}",
        "distribution": [_file(one) for one in pinned],
        "recordSet": [_records(shown)],
    }
    return json.dumps(document, indent=2) + "\n"


def _file(one: Edition) -> dict[str, str]:
    return {
        "@type": "cr:FileObject",
        "@id": f"edition-{one.name}",
        "name": f"salaries-{one.name}.csv",
        "description": f"Edition {one.name}: {one.rows:,} rows, newest of {one.newest}",
        "contentUrl": f"{GITHUB_BASE_URL}/{github_path(one)}",
        "encodingFormat": "text/csv",
        "sha256": one.sha256_crlf,
    }


def _records(one: Edition) -> dict[str, Any]:
    said = {field.column: f"{field.heading}: {field.hint}" for field in FIELDS} | dict(PAY)
    return {
        "@type": "cr:RecordSet",
        "@id": "rows",
        "name": "rows",
        "description": "One advertised figure a row",
        "field": [
            {
                "@type": "cr:Field",
                "@id": f"rows/{column}",
                "name": column,
                "description": said[column],
                "dataType": "sc:Integer" if column in INTEGER_COLUMNS else "sc:Text",
                "source": {"fileObject": {"@id": f"edition-{one.name}"}, "extract": {"column": column}},
            }
            for column in COLUMNS
        ],
    }


def _data_name(bundle: Bundle) -> str:
    sha256 = str(bundle.provenance["data_sha256"])
    known = known_file(sha256)
    return f"edition {known.name} of {REPOSITORY}" if known else f"file {sha256[:12]}"


CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that Croissant 1.1 prescribes."""
