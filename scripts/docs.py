"""Writes the generated parts of the documentation from the bundle and the command line, and checks them.

`python scripts/docs.py` rewrites the blocks between `<!-- generated: NAME -->` and `<!-- end -->` in the files below;
`--check` fails where one is out of date. No number in those blocks is typed by hand. `--bundle DIR` tells of another bundle than
the one in the package, `--into DIR` writes the files there instead; a refresh does both before it promotes.
"""

import argparse
import ast
import json
import math
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlpaygrade.cli.predict import estimate_text
from mlpaygrade.forecast.bundle import Bundle, load_bundle
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.forecast.score import OUTPUT
from research.cards import data_card, model_card
from research.compare_report import verdict
from research.rivals import LABELS

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    "README.md",
    "docs/cli.md",
    "docs/architecture.md",
    "docs/service.md",
    "docs/batch.md",
    "docs/deploy.md",
    "docs/reliability.md",
)
PACKAGE = ROOT / "src" / "mlpaygrade"
BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


OTHER: dict[str, Path] = {}
"""The bundle to tell of, where another one than the package's was given."""


def _bundle() -> Bundle:
    return load_bundle(OTHER.get("bundle"))


def quality() -> str:
    """Measured quality of the shipped settings."""
    bundle = _bundle()
    evaluation = bundle.evaluation
    lines = [
        f"Protocol: {evaluation['protocol']}. Data sha256 `{bundle.provenance['data_sha256'][:12]}`, seed "
        f"{bundle.provenance['seed']}.",
        "",
        "| rows | n | RMSE log1p | MAE | R2 | 50 % covers | 80 % covers | 90 % covers | mean 90 % width |",
        "|---|---|---|---|---|---|---|---|---|",
        _row("all", evaluation["rows"]),
    ]
    wanted = ("market", "experience")
    lines += [_row(item["value"], item) for item in evaluation["slices"] if item["dimension"] in wanted]
    postings, every = evaluation["postings"], evaluation["rows"]
    lines += [
        "",
        "RMSE, MAE and R2 judge the typical pay (a geometric mean). What squared errors in dollars ask for is the mean pay: its "
        "R2 is "
        f"{every['mean_pay_r2_usd']:.3f}; what absolute errors ask for is the median pay: its MAE is "
        f"{_dollars(every['median_pay_mae_usd'])}.",
        "",
        f"Middles of the {postings['n']:,} postings with both ends: RMSE log {postings['rmse_log']:.4f}, MAE "
        f"{_dollars(postings['mae_usd'])}. Both ends of a posting lie inside its 90 % band interval in "
        f"{postings['band_coverage_90']:.1%} of them.",
    ]
    return "\n".join(lines)


def _row(name: str, figures: Mapping[str, Any]) -> str:
    coverage = " | ".join(f"{figures[f'coverage_{percent}']:.1%}" for percent in (50, 80, 90))
    return (
        f"| {name} | {figures['n']:,} | {figures['rmse_log']:.4f} | {_dollars(figures['mae_usd'])} | "
        f"{figures['r2_usd']:.3f} | {coverage} | {_dollars(figures['width_90_usd'])} |"
    )


def _dollars(usd: float) -> str:
    return f"${usd / 1000:,.1f}K"


def rivals() -> str:
    """The network beside its rivals, and which differences are clear, from the comparison that travels in the bundle."""
    bundle = _bundle()
    if not bundle.has("comparison.json"):
        raise SystemExit("The shipped bundle holds no comparison. Run `python scripts/ship.py` with --compare.")
    comparison = bundle.json("comparison.json")
    lines = [
        "Against models that get the same fields, encoding, weights and calibration. The tuning is uneven: the rivals keep, of "
        "their defaults and of what a search of 25 trials found, what was better on windows of four months inside the training "
        "years of the first edition (5,610 postings); what is new in the network since, half a share of a ridge and effects of "
        "weeks among it, was chosen at three origins of this edition"
        f" ([experiments](docs/experiments.md)). Protocol: {comparison['protocol']}.",
        "",
        "| model | RMSE log1p | MAE | R2 | R2 of mean pay | pinball | interval score 90 % | middles RMSE log |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in comparison["models"].items():
        rows = one["rows"]
        lines.append(
            f"| {LABELS[name]} | {rows['rmse_log']:.4f} | {_dollars(rows['mae_usd'])} | {rows['r2_usd']:.3f} | "
            f"{rows['mean_pay_r2_usd']:.3f} | {rows['pinball_log']:.5f} | {_dollars(rows['score_90_usd'])} | "
            f"{one['postings']['rmse_log']:.4f} |"
        )
    lines += ["", *verdict(comparison), *_weak_spots(comparison)]
    lines += ["", "[The whole comparison](docs/comparison-2025.md), [what was tried](docs/experiments.md)."]
    return "\n".join(lines)


def _weak_spots(comparison: Mapping[str, Any]) -> list[str]:
    """Where rivals are ahead or equal: in R2, abroad, on titles that training had not seen. Drawn by posting, not corrected."""
    models, differences = comparison["models"], comparison["differences"]
    ahead = [
        LABELS[name] for name, one in models.items() if one["rows"]["r2_usd"] > models["network"]["rows"]["r2_usd"]
    ]
    lines = [f"- R2 in dollars is higher for {', '.join(ahead)}."] if ahead else []
    for group in ("International", "unseen titles"):
        for metric, name in (("rmse_log", "RMSE log"), ("mae_usd", "MAE")):
            found = {LABELS[rival]: parts[group][metric] for rival, parts in differences.items()}
            worse = [
                f"{rival} ({one['first'] / one['second'] - 1:+.1%})" for rival, one in found.items() if one["low"] > 0
            ]
            tied = [rival for rival, one in found.items() if one["low"] <= 0 <= one["high"]]
            said = [f"larger than that of {', '.join(worse)}"] if worse else []
            said += [f"not to be told from that of {', '.join(tied)}"] if tied else []
            lines += [f"- {group.capitalize()}: the network's {name} is {'; '.join(said)}."] if said else []
    return lines


def data() -> str:
    """What the data is, in the sentences of the market statistics that travel in the bundle."""
    bundle = _bundle()
    sections = {section["key"]: section["answer"] for section in bundle.json("market.json")["sections"]}
    provenance = bundle.provenance
    newest = f", the newest of {provenance['newest_day']}" if provenance["newest_day"] else ""
    lines = [
        f"{provenance['rows']:,} rows of the public AI/ML/data salary dataset{newest}: {provenance['postings']:,} postings."
    ]
    lines += [sections[key] for key in ("geography", "bands", "leakage", "error_budget")]
    return "\n".join(f"- {line}" for line in lines)


def first_answer() -> str:
    """What the first command of the README prints."""
    predictor = Predictor(_bundle())
    read = predictor.read_job(title="Data Scientist", experience="SE", location="US", remote="100")
    command = 'mlpaygrade predict --title "Data Scientist" --experience SE --location US --remote 100'
    return f"```console\n$ {command}\n{estimate_text(predictor.answer(read))}\n```"


def commands() -> str:
    """Help of every command."""
    import click

    from mlpaygrade.cli import app

    parts: list[str] = []

    def describe(command: click.Command, name: str, parent: click.Context | None = None) -> None:
        context = click.Context(command, parent, info_name=name, terminal_width=110, **command.context_settings)
        path = context.command_path
        after = f"\n\n{_output_columns()}" if path == "mlpaygrade score" else ""
        parts.append(f"## `{path}`\n\n```text\n{command.get_help(context)}\n```{after}")
        if isinstance(command, click.Group):
            for child in command.list_commands(context):
                describe(command.get_command(context, child), child, context)

    describe(app, "mlpaygrade")
    return "\n\n".join(parts)


def _output_columns() -> str:
    """What `score` adds to each row, as a table."""
    lines = ["| column added | kind | what it says |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {'text' if one.of is None else 'whole number'} | {one.meaning} |" for one in OUTPUT]
    return "\n".join(lines)


FIRST: Mapping[str, str] = {
    "cli/predict.py": "one command from the terminal to an answer, as a person reads it",
    "forecast/predictor.py": "`Predictor`, the one inference path",
    "forecast/jobs.py": "words become a job in codes, with remarks",
    "job/fields.py": "the registry of what a job is",
    "forecast/encode.py": "a job becomes what the network sees",
    "forecast/distribution.py": "what the network predicts: quantiles of log pay",
    "forecast/calibration.py": "ranges that hold as often as they say",
    "forecast/answer.py": "quantiles become figures in dollars",
    "forecast/refusal.py": "when there is no answer",
}
"""The spine, in the order of a request, with what to look for."""

OUTSIDE: Mapping[str, str] = {
    "research/": "The laboratory, outside the package: rivals, tuning, comparison, backtest, robustness",
    "scripts/": "What writes documentation, tables, pictures and the shipped bundle",
    "tests/": "The tests; a module's are in `test_<module>.py` or named after the promise that they hold",
    "benchmarks/": "Measurements outside the gate, and their results",
    "notebooks/": "The market report as a notebook",
    "deploy/": "Images of service and tracking server, Kubernetes",
    "requirements/": "Pinned versions with hashes, for each way to install",
    "docs/": "This documentation, partly generated",
}

NO_CODE: Mapping[str, str] = {
    "app/icon.svg": "The app's icon",
    "app/kept.html": "The frame of the one-page answer to keep",
    "app/requirements.in": "What a hosted app installs, unpinned",
    "app/requirements.txt": "The same with versions and hashes",
    "app/saved.css": "The style of the list of saved jobs",
    "app/saved.js": "Saved jobs in the browser's own storage; nothing is sent",
    "app/style.css": "Which part of a page takes which colour and size; the colours themselves are `rendering/palette.py`",
    "audit/tables/claims.csv": "The claims of the project's brief: statistic, rows, value; groups by their codes",
    "benchmarking/tables/benchmark_columns.csv": "Columns of the benchmark's template, with what each means",
    "benchmarking/tables/workbook_columns.csv": "Columns of the rows that the benchmark gives back, with what each means",
    "dataset/tables/calendars/": "Rows of an edition by the day on which they arrived",
    "dataset/tables/column_names.csv": "Names of columns in five languages -> the field",
    "dataset/tables/editions.csv": "Editions of the dataset: commit, hashes, order",
    "evaluation/tables/checked.json": "Figures beside independent sources, as `research validate` measured them",
    "job/tables/abbreviations.csv": "Words for matching: written out (ml), or left out (ranks); gives no level",
    "job/tables/countries.csv": "Countries: code, name, aliases, continent, income tier",
    "job/tables/country_names.csv": "Names of countries in other languages -> code",
    "job/tables/encoder_weights.csv": "Level and size as the encoder's seniority score; reads no title",
    "job/tables/families.csv": "Title families: name and rule in words",
    "job/tables/family_rules.csv": "Rules that give a family to a title outside `titles.csv`",
    "job/tables/places.csv": "States, cities and regions -> country",
    "job/tables/plain_words.csv": 'Plain words in a field of its own ("senior" as a level) -> code',
    "job/tables/relevance_words.csv": "Words of the field and of other trades: what is answered, what is refused",
    "job/tables/synonyms.csv": "Titles that are the same job in other words",
    "job/tables/title_ranks.csv": "Ranks in a title (Sr, Werkstudent) -> level; no other table gives one",
    "job/tables/title_remarks.csv": "What a title says beside the job (remote, contract, m/w/d) -> set aside",
    "job/tables/title_terms.csv": "Words of a title in other languages -> English",
    "job/tables/titles.csv": "Titles of the editions, commonest first, with family and words",
    "market/page.css": "The market report's style",
    "market/page.html": "The market report's template",
    "market/tables/country_tiles.csv": "Where each country's tile lies on the map",
    "money/tables/currencies.csv": "Orders of magnitude that tell a year's pay from a month's",
    "money/tables/months_paid.csv": "Salaries a year by country",
    "money/tables/pay_words.csv": "Words and signs in pay as typed -> currency, period, meaning",
    "money/tables/posted_wage_growth.csv": "Growth of posted pay by country and month",
    "money/tables/purchasing_power.csv": "Purchasing power and market rate by country and year",
    "money/tables/us_area_names.csv": "Short names of US areas (sf) -> area",
    "money/tables/us_areas.csv": "US states and areas: official pay beside the country's",
    "money/tables/us_cities.csv": "US cities -> area",
    "money/tables/us_place_fit.csv": "How much of an area's official gap adverts show, fitted by `research/place.py`",
    "testing/tables/synthetic_bands.csv": "Widths of bands in the synthetic market",
    "testing/tables/synthetic_market.csv": "Shares and effects of each value in the synthetic market",
    "testing/tables/synthetic_years.csv": "Shares and effects of years in the synthetic market",
    "py.typed": "Says that the package is typed",
}
"""Files of the package that are no code -> phrase. A file that is missing here, or gone, stops the generator."""


def first() -> str:
    """The spine of an answer as a table; lines to the nearest fifty, so that small edits leave it true."""
    lines = ["| | file | lines, about | |", "|---|---|---|---|"]
    for number, (name, phrase) in enumerate(FIRST.items(), start=1):
        length = len((PACKAGE / name).read_text(encoding="utf-8").splitlines())
        lines.append(f"| {number} | `{name}` | {max(50, 50 * round(length / 50))} | {phrase} |")
    return "\n".join(lines)


def rooms() -> str:
    """The rooms of the package with a phrase for each, and what stands beside the package."""
    lines = [f"  {folder.name + '/':<15} {_phrase(folder / '__init__.py')}" for folder in _folders(PACKAGE)]
    lines += [f"  {'model/':<15} The bundle that ships", f"  {'errors.py':<15} {_phrase(PACKAGE / 'errors.py')}"]
    outside = [f"{name:<17} {phrase}" for name, phrase in OUTSIDE.items()]
    return "\n".join(["```text", "src/mlpaygrade/", *lines, *outside, "```"])


def modules() -> str:
    """Every file of the package with a phrase, room by room, in the order of the layers; then laboratory, scripts, benchmarks."""
    files = [str(file.relative_to(PACKAGE)) for file in PACKAGE.rglob("*.*") if file.is_file()]
    no_code = {
        re.sub(r"(?<=calendars/).*", "", name)
        for name in files
        if not name.endswith((".py", ".pyc")) and not name.startswith("model/")
    }
    if wrong := no_code ^ NO_CODE.keys():
        raise SystemExit(f"Mend NO_CODE in scripts/docs.py; it lacks, or has too many: {', '.join(sorted(wrong))}.")
    folders = sorted(_folders(PACKAGE), key=lambda one: _layers().index(one.name))
    parts = [_files("In the package itself", PACKAGE, "", PACKAGE)]
    parts += [_files(f"{folder.name}/", folder, _phrase(folder / "__init__.py"), PACKAGE) for folder in folders]
    parts += [_files(name, ROOT / name, OUTSIDE[name], ROOT) for name in ("research/", "scripts/", "benchmarks/")]
    return "\n\n".join(parts)


def _files(title: str, folder: Path, phrase: str, root: Path) -> str:
    """A heading, what the folder is, and its files."""
    code = [file for file in [*folder.glob("*.py"), *folder.glob("rivals/*.py")] if file.name != "__init__.py"]
    lines = [f"- `{file.relative_to(folder)}`: {_phrase(file)}" for file in sorted(code)]
    home = "" if folder == root else f"{folder.name}/"
    lines += [
        f"- `{name.removeprefix(home)}`: {phrase}"
        for name, phrase in NO_CODE.items()
        if root == PACKAGE and (name.startswith(home) if home else "/" not in name)
    ]
    return "\n".join([f"### {title}", "", *([f"{phrase}.", ""] if phrase else []), *lines])


def layers() -> str:
    """The layers contract, high to low."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ][0]
    lines = [f"    {line.replace('(', '').replace(')', '')}" for line in contract["layers"]]
    return "\n".join(["", *lines, ""])


def _layers() -> list[str]:
    return re.findall(r"\w+", layers())[::-1]


def _folders(package: Path) -> list[Path]:
    return sorted(file.parent for file in package.glob("*/__init__.py"))


def _phrase(file: Path) -> str:
    """The first sentence of a module's docstring, on one line, without its full stop."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(re.split(r"(?<=\.)\s|\n\n", text, maxsplit=1)[0].split()).rstrip(".:")


def capacity() -> str:
    """What the service did under load, from the last run of `benchmarks/service_load.py`."""
    found = json.loads((ROOT / "benchmarks" / "results" / "service.json").read_text(encoding="utf-8"))
    lines = [
        f"Measured by `benchmarks/service_load.py`: {found['workers']} processes on {found['processors']} processors, with the "
        f"generator and other work beside them (load average {found['load_before']} before it began), so requests a second are "
        "a floor and processor time is the better guide. The first row asks few jobs again and again, so they come from "
        "memory; the second never does.",
        "",
        "| request | connections | requests/s | p50 | p99 | processor time each | requests/s for each core |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {KINDS[kind]} | {one['connections']} | {one['requests_per_second']:,} | {one['p50_ms']} ms | {one['p99_ms']} ms | "
        f"{one['processor_ms_each']} ms | {one['per_core_and_second']:,} |"
        for kind in KINDS
        if kind in found
        for one in [found[kind]]
    ]
    memory = max(found["memory_mib"])
    return "\n".join(
        [
            *lines,
            "",
            f"Start: {found['start_seconds']} s. Memory of a process: {memory} MiB at most.",
            "",
            *_cost(found, memory),
        ]
    )


KINDS = {"estimate": "estimate", "typed": "estimate, every title typed otherwise", "explain": "explain"}
CORE_HOUR_USD = 0.04
"""What a core costs an hour: a figure to replace by one's own."""
BUSY = 0.7
"""Share of a core that is planned for."""


def _cost(found: Mapping[str, Any], memory: int) -> list[str]:
    """Cores, memory and cost of a month for three rates of requests, from the processor time of one."""
    lines = [
        f"At ${CORE_HOUR_USD} a core-hour (a parameter: put in your own), cores {BUSY:.0%} busy, a process a core, at least one:",
        "",
        "| requests/s | request | cores | memory | cost a month |",
        "|---|---|---|---|---|",
    ]
    for rate in (1, 100, 10_000):
        for kind in ("estimate", "explain"):
            cores = max(1, math.ceil(rate * found[kind]["processor_ms_each"] / 1000 / BUSY))
            gib, usd = cores * memory / 1024, cores * 730 * CORE_HOUR_USD
            lines.append(f"| {rate:,} | {KINDS[kind]} | {cores:,} | {gib:,.1f} GiB | ${usd:,.0f} |")
    return lines


def faults() -> str:
    """What was tried of each kind of fault, from the last run of `benchmarks/torture.py`, and what failed."""
    found = json.loads((ROOT / "benchmarks" / "results" / "torture.json").read_text(encoding="utf-8"))
    lines = [
        "| Fault | Must hold | Tried | Failed | Minutes | Load average | Commit |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {what} | {one['must']} | {one['tried']:,} | {one['failed']:,} | {one['seconds'] / 60:.1f} | {one['load']} | "
        f"`{one['commit']}` |"
        for what, one in found.items()
    ]
    minutes = sum(one["seconds"] for one in found.values()) / 60
    return "\n".join([*lines, "", f"{minutes:.0f} minutes in all."])


def caught() -> str:
    """How many changes made at random to modules that decide figures and files the tests saw."""
    found = json.loads((ROOT / "benchmarks" / "results" / "mutation.json").read_text(encoding="utf-8"))
    lines = ["| Module | Caught | Tried |", "|---|---|---|"]
    lines += [f"| `{name}` | {one['caught']} | {one['tried']} |" for name, one in found["modules"].items()]
    return "\n".join(
        [
            f"{found['caught']} of {found['tried']} are caught, those among them that got a test because this run left them "
            f"unseen. So it is no rate for changes drawn anew. Drawn from {found['places']:,} places of change, seed "
            f"{found['seed']}, commit `{found['commit']}`.",
            "",
            *lines,
        ]
    )


def service_faults() -> str:
    """What was done to a running service on purpose, and what came of it."""
    hostile, swaps, soak = (
        json.loads((ROOT / "benchmarks" / "results" / f"service_{name}.json").read_text(encoding="utf-8"))
        for name in ("hostile", "swaps", "soak")
    )
    replies = ", ".join(f"{number:,} {status}" for status, number in hostile["replies"].items())
    return "\n".join(
        [
            f"- **Hostile requests** (`benchmarks/service_hostile.py`): {hostile['requests']:,} sent as raw bytes: "
            f"{hostile['status_5xx']} replies of status 5xx, {hostile['tracebacks']} tracebacks, {hostile['hangs']} hangs; "
            f"{hostile['honest_requests_answered']} of {hostile['honest_requests_between']} honest requests between them were "
            f"answered. Replies: {replies}. Schemathesis through the whole schema, "
            f"{hostile['schema']['examples_of_each_operation']} examples an operation: "
            f"{hostile['schema']['failed']} operations failed.",
            f"- **Swaps** (`benchmarks/service_swaps.py`): {swaps['swaps']} of the bundle under load, {swaps['damaged']} of them "
            f"damaged and {swaps['refused']} refused; {swaps['requests']:,} requests, {swaps['failed']} failed, "
            f"{swaps['wrong']} with figures of another bundle than they name.",
            f"- **Soak** (`benchmarks/service_soak.py`): {soak['minutes']:.0f} minutes, {soak['requests']:,} requests, "
            f"{soak['requests_per_second']} a second of {soak['rate']:g} asked for, {soak['workers']} "
            f"process{'es' if soak['workers'] > 1 else ''}, beside other work (load average {soak['load_mean']} in the "
            f"mean, {soak['load_most']} at most); half of the answers within {soak['p50_ms']:,.0f} ms of their due time, "
            f"99 % within {soak['p99_ms']:,.0f} ms; {soak['errors']} errors; "
            f"memory {soak['memory_mib_after_warm_up']} MiB after warming up, "
            f"{soak['memory_mib_most']} MiB at most (+{soak['memory_growth']:.1%}).",
        ]
    )


def app_speed() -> str:
    """How fast the app answers and what it takes, from the last run of `benchmarks/app.py`."""
    found = json.loads((ROOT / "benchmarks" / "results" / "app.json").read_text(encoding="utf-8"))
    now, before = (found[name] for name in ("app", "before"))
    rows = (
        ("From a level's click to its answer, ms", "click_to_answer_ms"),
        ("From a new title to its answer, ms, a pause of 200 ms in it", "typing_to_answer_ms"),
        ("From opening the page to its first answer, s", "open_to_answer_s"),
        ("From starting the process to the first answer, s", "start_to_answer_s"),
        ("Memory with one reader, MiB", "one_reader_mib"),
        (f"Memory with {found['readers']} readers, MiB", "all_readers_mib"),
        ("A file of 10,000 rows, s", "upload_of_10000_rows_s"),
    )
    lines = [f"| {what} | {now[name]['median']:g} | {before[name]['median']:g} |" for what, name in rows]
    return "\n".join(
        [
            f"Medians by `benchmarks/app.py` in a browser, runs in turn: {found['turns']}; beside the app as it was before "
            f"its redesign; load average {found['machine']['load_before']} before it began.",
            "",
            "| | now | before |",
            "|---|---|---|",
            *lines,
        ]
    )


def score() -> str:
    """What `score` did beside DuckDB, from the last run of `benchmarks/score_scale.py`."""
    found = json.loads((ROOT / "benchmarks" / "results" / "score.json").read_text(encoding="utf-8"))
    lines = [
        "By `benchmarks/score_scale.py` on two processors with other work beside it, in turns; DuckDB copies the same file",
        "with seven constant columns more. Ratios and processor time say more than seconds.",
        "",
        "| rows | what | seconds | processor seconds | memory, MiB | times DuckDB | load average |",
        "|---|---|---|---|---|---|---|",
    ]
    for part, what in (
        ("csv", "CSV to CSV"),
        ("parquet", "Parquet to Parquet"),
        ("distinct", "a million distinct jobs"),
    ):
        if one := found.get(part):
            ours = one["score"]
            spent = " | ".join(f"{ours[name]:,.0f}" for name in ("seconds", "processor_seconds", "rss_mib"))
            lines.append(f"| {one['rows']:,} | {what} | {spent} | {one.get('ratio', '')} | {one['load_average']} |")
    if one := found.get("spark"):
        lines += ["", f"A local Spark and `score` on {one['rows']:,} rows: {one['alike']:,} alike in every column."]
    return "\n".join(lines)


GENERATORS: Mapping[str, Callable[[], str]] = {
    "quality": quality,
    "first-answer": first_answer,
    "commands": commands,
    "data": data,
    "rivals": rivals,
    "first": first,
    "rooms": rooms,
    "modules": modules,
    "layers": layers,
    "capacity": capacity,
    "service-faults": service_faults,
    "score": score,
    "app-speed": app_speed,
    "faults": faults,
    "caught": caught,
}


def written() -> dict[str, str]:
    """Every generated file as it should stand, by its path in the repository."""
    blocks = {name: BLOCK.sub(_block, (ROOT / name).read_text(encoding="utf-8")) for name in FILES}
    return blocks | {name: make() for name, make in WHOLE.items()}


def _block(match: re.Match[str]) -> str:
    return f"{match[1]}{GENERATORS[match['name']]()}\n{match[3]}"


WHOLE: Mapping[str, Callable[[], str]] = {
    "docs/model_card.md": lambda: model_card(_bundle()),
    "docs/data_card.json": lambda: data_card(_bundle()),
}
"""Files that are generated as a whole."""


def main() -> int:
    """Rewrite or check every block."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a block is out of date")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--into", type=Path, default=ROOT)
    given = parser.parse_args()
    check = given.check
    if given.bundle:
        OTHER["bundle"] = given.bundle
    stale = []
    for name, new in written().items():
        path = ROOT / name
        if not path.is_file() or new != path.read_text(encoding="utf-8"):
            stale.append(name)
            if not check:
                (given.into / name).parent.mkdir(parents=True, exist_ok=True)
                (given.into / name).write_text(new, encoding="utf-8")
    if check and stale:
        print(f"Out of date: {', '.join(stale)}. Run `make docs` and commit the result.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
