"""Files as people really have them, by kind, and what every command that takes a file must do with each.

`python benchmarks/odd_files.py [COUNT [FIRST]]` makes files by number and prints what fails. No traceback; a documented exit code;
as many rows out as in; `check`, `audit` and `train` refuse the same files in the same words, and where `score` or `benchmark` refuse
a file as unreadable, all do. The same number gives the same file.
"""

import contextlib
import csv
import io
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pandas as pd

from mlpaygrade import Predictor, cli

Cells = list[list[object]]
ROW: dict[str, tuple[object, ...]] = {
    "work_year": ("2024", "2023"),
    "experience_level": ("SE", "MI", "EN", "EX"),
    "employment_type": ("FT", "PT"),
    "job_title": ("Data Engineer", "Data Scientist", "ML Engineer", "Analyst, Data", 'Head of "Data"'),
    "salary": ("120000", "95000"),
    "salary_currency": ("USD",),
    "salary_in_usd": ("120000", "95000"),
    "employee_residence": ("US", "DE", "GB"),
    "remote_ratio": ("0", "50", "100"),
    "company_location": ("US", "DE", "GB"),
    "company_size": ("M", "L", "S"),
}
ODD = (
    "", " ", "=1+1", "=HYPERLINK(\"http://a\")", "+49", "-1", "@SUM(A1)", "#N/A", "#REF!", "NA", "null", "nan", "inf", "1e400", "0x10",
    "１２３", "a\nb", "a\r\nb", "a\rb", "\x00", "a\x00b", "\x1b[31m", "\u202e", "\ufeff", "\xa0", "é", "数据", "🙂", "'", '"', '""', ";", "|",
    "\t", "\\", "x" * 70_000, "<script>", "{{7*7}}", "%s%n", "-" * 300, "\u2028", "\x85", "\x0b", "\x0c", "1,5", "120.000,00 €", "$120k", "12/2024",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A file and how many data rows a reader of it must count; None where it is damaged or that is a matter of taste."""

    kind: str
    suffix: str
    content: bytes
    rows: int | None


def table(rng: random.Random, *, odd: float = 0.0) -> Cells:
    """A header and up to 40 rows of jobs with pay, some cells odd."""
    rows = [
        [rng.choice(ODD) if rng.random() < odd else rng.choice(ROW[name]) for name in ROW]
        for _ in range(rng.randrange(1, 40))
    ]
    return [list(ROW), *rows]


def text_of(cells: Cells, *, delimiter: str = ",", end: str = "\n", quoting: int = csv.QUOTE_MINIMAL) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(cells)
    return text.getvalue()


def plain(rng: random.Random) -> Made:
    cells = table(rng)
    delimiter, end = rng.choice(",;\t|"), rng.choice(("\n", "\r\n", "\r"))
    encoding = rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-32"))
    content = text_of(cells, delimiter=delimiter, end=end).encode(encoding)
    return Made(
        f"{encoding} {delimiter!r} {end!r}",
        ".csv",
        content,
        len(cells) - 1 if encoding in ("utf-8", "utf-8-sig", "utf-16") else None,
    )


def odd_cells(rng: random.Random) -> Made:
    cells = table(rng, odd=0.1)
    return Made(
        "odd cells", ".csv", text_of(cells, quoting=csv.QUOTE_ALL).encode("utf-8", "surrogatepass"), len(cells) - 1
    )


def headers(rng: random.Random) -> Made:
    cells = table(rng)
    head = [str(name) for name in cells[0]]
    how = rng.choice(
        (
            "twice",
            "blank",
            "upper",
            "spaces",
            "nbsp",
            "words",
            "missing",
            "extra",
            "unnamed",
            "number",
            "long",
            "control",
        )
    )
    at = rng.randrange(len(head))
    if how == "twice":
        cells = [[*row, row[at]] for row in cells]
    elif how in ("extra", "unnamed", "number", "long", "control"):
        new = {"extra": "job", "unnamed": "Unnamed: 0", "number": "2024", "long": "x" * 5_000, "control": "a\x00\x1bb"}[
            how
        ]
        cells = [[new, *head], *([n, *row] for n, row in enumerate(cells[1:]))]
    elif how == "missing":
        cells = [row[:at] + row[at + 1 :] for row in cells]
    else:
        change: dict[str, Callable[[str], str]] = {
            "blank": lambda name: "" if name == head[at] else name, "upper": str.upper, "spaces": lambda name: f"  {name} ",
            "nbsp": lambda name: name.replace("_", "\xa0"), "words": lambda name: name.replace("_", " ").title(),
        }  # fmt: skip
        cells[0] = [change[how](name) for name in head]
    return Made(
        f"header {how}",
        ".csv",
        text_of(cells).encode(),
        None if how in ("missing", "blank", "twice") else len(cells) - 1,
    )


def lines(rng: random.Random) -> Made:
    cells = table(rng)
    text = text_of(cells)
    at = rng.randrange(1, len(cells))
    how = rng.choice(
        (
            "preamble",
            "two headers",
            "sep",
            "short",
            "long",
            "open quote",
            "stray quote",
            "blank lines",
            "only commas",
            "total",
            "comment",
            "header again",
            "trailing",
            "no end",
        )
    )
    split = text.splitlines(keepends=True)
    more = {
        "preamble": "Pay of our people, 2024\n\n", "two headers": "Job,,,,Pay,,,Place,,,\n", "sep": "sep=,\n", "short": "2024,SE\n", "long": split[-1][:-1] + ",a,b\n",
        "open quote": '2024,SE,FT,"Data Engineer,1,USD,1,US,0,US,M\n', "stray quote": '2024,SE,FT,Data "x" Engineer,1,USD,1,US,0,US,M\n', "blank lines": "\n\n",
        "only commas": ",,,,,,,,,,\n", "total": "Total,,,,999,,,,,,\n", "comment": "#2024,SE,FT,Data Engineer,1,USD,1,US,0,US,M\n", "header again": split[0],
    }  # fmt: skip
    if how in ("preamble", "two headers", "sep"):
        text = more[how] + text
    elif how == "trailing":
        text = "".join(line.rstrip("\n") + ",\n" for line in split)
    elif how == "no end":
        text = text[:-1]
    else:
        text = "".join([*split[:at], more[how], *split[at:]])
    rows = {"no end": 0, "comment": 1, "header again": 1, "total": 1, "stray quote": 1}.get(how)
    return Made(f"lines {how}", ".csv", text.encode(), None if rows is None else len(cells) - 1 + rows)


def damaged(rng: random.Random) -> Made:
    content = bytearray(text_of(table(rng)).encode(rng.choice(("utf-8", "utf-16", "cp1252"))))
    for _ in range(rng.randrange(1, 30)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    start = rng.choice(
        (
            b"",
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"\xfe\xff",
            b"\x00",
            b"PK\x03\x04",
            b"\x1f\x8b",
            b"\xd0\xcf\x11\xe0",
            b"PAR1",
            b"%PDF-1.4\n",
        )
    )
    cut = rng.choice((len(content), rng.randrange(len(content)), 0))
    return Made(
        f"damaged {start!r}",
        rng.choice((".csv", ".xlsx", ".parquet", ".ods", ".txt", ".tsv", "")),
        bytes(start + content[:cut]),
        None,
    )


def huge(rng: random.Random) -> Made:
    cells = table(rng)
    cells[rng.randrange(1, len(cells))][rng.randrange(len(ROW))] = rng.choice("x€") * rng.choice((100_000, 3_000_000))
    return Made("huge field", ".csv", text_of(cells).encode(), None)


def workbook(rng: random.Random) -> Made:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    cells = table(rng)
    how = rng.choice(
        (
            "plain",
            "numbers",
            "merged",
            "two sheets",
            "first empty",
            "formula",
            "error",
            "date",
            "bool",
            "offset",
            "hidden",
            "long",
            "wide",
            "rich",
            "no rows",
            "macro name",
        )
    )
    if how in ("numbers", "formula", "error", "date", "bool", "long"):
        import datetime as dt

        value = {
            "numbers": 120_000.5,
            "formula": "=1+1",
            "error": "#N/A",
            "date": dt.date(2024, 1, 1),
            "bool": True,
            "long": "x" * 32_000,
        }[how]
        cells[rng.randrange(1, len(cells))][rng.choice((0, 3, 6))] = value
    for row in [[]] * 3 + cells if how == "offset" else cells[:1] if how == "no rows" else cells:
        sheet.append(
            ["", *row]
            if how == "offset"
            else [int(cell) if str(cell).isdecimal() and rng.random() < 0.5 else cell for cell in row]
        )
    if how == "merged":
        sheet.insert_rows(1)
        sheet["A1"] = "People"
        sheet.merge_cells("A1:D1")
    if how == "two sheets":
        book.create_sheet("Notes")["A1"] = "nothing"
    if how == "first empty":
        book.create_sheet("first", 0)
    if how == "hidden":
        sheet.row_dimensions[2].hidden = True
    if how == "wide":
        sheet.cell(2, 16_000).value = "x"
    file = io.BytesIO()
    book.save(file)
    counted = how in (
        "plain",
        "numbers",
        "error",
        "date",
        "bool",
        "hidden",
        "rich",
        "macro name",
        "two sheets",
        "formula",
    )
    return Made(
        f"workbook {how}", rng.choice((".xlsx", ".xlsx", ".csv")), file.getvalue(), len(cells) - 1 if counted else None
    )


def parquet(rng: random.Random) -> Made:
    cells = table(rng)
    frame = pd.DataFrame(cells[1:], columns=[str(name) for name in cells[0]])
    how = rng.choice(
        (
            "text",
            "numbers",
            "category",
            "nulls",
            "floats",
            "nested",
            "bytes",
            "times",
            "index",
            "empty",
            "dates",
            "decimal",
        )
    )
    if how != "text":
        for name in ("work_year", "salary_in_usd", "salary", "remote_ratio"):
            frame[name] = pd.to_numeric(frame[name])
    if how == "category":
        frame["job_title"] = frame["job_title"].astype("category")
    elif how == "nulls":
        frame.loc[0, "job_title"] = None
    elif how == "floats":
        frame["salary_in_usd"] = frame["salary_in_usd"] * 1.5
        frame.loc[0, "salary_in_usd"] = float("nan")
    elif how in ("nested", "bytes", "times", "dates", "decimal"):
        import datetime as dt
        from decimal import Decimal

        frame["more"] = [
            {
                "nested": [1, 2],
                "bytes": b"\xff",
                "times": pd.Timestamp("2024-01-01", tz="UTC"),
                "dates": dt.date(2024, 1, 1),
                "decimal": Decimal("1.50"),
            }[how]
        ] * len(frame)
        if rng.random() < 0.5:
            frame["work_year"] = frame.pop("more")
    elif how == "index":
        frame.index = pd.Index(frame["work_year"], name="work_year_index")
    elif how == "empty":
        frame = frame.iloc[:0]
    file = io.BytesIO()
    frame.to_parquet(file)
    return Made(
        f"parquet {how}",
        rng.choice((".parquet", ".parquet", ".csv")),
        file.getvalue(),
        len(frame) if how not in ("empty",) else None,
    )


KINDS = (plain, odd_cells, headers, lines, damaged, huge, workbook, parquet)


def made(number: int) -> Made:
    """The file of a number."""
    return KINDS[number % len(KINDS)](random.Random(number))


def run(*words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in this process. An exception that no command foresees passes through."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["mlpaygrade", *words]),
    ):
        try:
            cli.main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        out.flush()
        return int(str(code or 0)), out.buffer.getvalue().decode(), err.getvalue()  # type: ignore[attr-defined]


def judged(number: int, folder: Path, *, training: bool = False) -> Iterator[str]:
    """What goes wrong with a file at any command."""
    file = made(number)
    source = folder / f"odd-{number}{file.suffix}"
    source.write_bytes(file.content)
    scored, compared, mapping = folder / "scored.csv", folder / "compared.csv", folder / "mapping.toml"
    commands = {
        "check": ("data", "check", str(source), "--json"),
        "check --jobs-only": ("data", "check", str(source), "--jobs-only", "--json"),
        "audit": ("data", "audit", str(source)),
        "score": ("score", str(source), "--output", str(scored)),
        "benchmark": ("benchmark", str(source), "--output", str(compared)),
        **(
            {"train": ("train", "--data", str(source), "--output", str(folder / "run"), "--no-track")}
            if training
            else {}
        ),
    }
    found: dict[str, tuple[int, str, str]] = {}
    for name, words in commands.items():
        for path in (scored, compared, mapping):
            path.unlink(missing_ok=True)
        try:
            found[name] = run(*words)
        except Exception as error:
            yield f"{name}: {type(error).__name__}: {str(error)[:300]}"
            continue
        code, _, said = found[name]
        if code not in (0, 2, 3):
            yield f"{name}: exit {code}: {said[-300:]}"
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f\x1b\u202e]", said):
            yield f"{name}: control characters in {said[-200:]!r}"
        output = {"score": scored, "benchmark": compared}.get(name)
        if output is not None and output.exists():
            with output.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as handle:
                limit = csv.field_size_limit(10_000_000)
                rows = sum(1 for _ in csv.reader(handle)) - 1
                csv.field_size_limit(limit)
            found[f"rows of {name}"] = (rows, "", "")
    yield from disagreements(found, file)
    source.unlink()


def disagreements(found: dict[str, tuple[int, str, str]], file: Made) -> Iterator[str]:
    """Where two commands say different things of one file."""
    rows = {name: code for name, (code, _, _) in found.items() if name.startswith("rows of")}
    check = found.get("check --jobs-only", (1, "", ""))[1]
    if match := re.search(r'"rows": (\d+)', check):
        rows |= {"check": int(match[1])} if int(match[1]) or rows else {}
    if file.kind == "lines only commas":
        rows.pop("rows of benchmark", None)  # blank rows are no people, and it says so
    if file.rows is not None:
        rows |= {"made": file.rows}
    if len(set(rows.values())) > 1:
        yield f"rows differ: {rows}"
    refusals = {name: refusal(found[name][2]) for name in ("check", "audit", "train") if name in found}
    if "audit" in found and (found["check"][0] == 0) != (found["audit"][0] == 0):
        yield f"check {found['check'][0]}, audit {found['audit'][0]}: {found['audit'][2][-300:]}"
    defects = re.findall(r'"rule": "(.*)"', found.get("check", (0, "", ""))[1])
    for name in ("audit", "train"):
        if (
            name in found
            and found[name][0] == 3
            and defects
            and not any(json_text(defects[0]) in found[n][2] for n in (name,))
        ):
            yield f"{name} says other words than check ({defects[0]}): {refusals[name]}"
    for name in ("score", "benchmark"):
        said = found.get(name, (0, "", ""))
        if (
            said[0] == 3
            and f"rows of {name}" not in found
            and '"ok": true' in check
            and "Questions are open" not in said[2]
        ):
            yield f"{name} refuses what check takes: {said[2][-300:]}"
    if (
        "score" in found
        and "rows of score" in found
        and re.search(r"(encoding|Zip|not a table)", check)
        and '"ok": false' in check
    ):
        yield f"score reads what check refuses: {check[-300:]}"


def json_text(text: str) -> str:
    """A text as JSON wrote it."""
    import json

    return str(json.loads(f'"{text}"'))


def refusal(said: str) -> str:
    return said[said.find("Error:") :][:300]


def main() -> int:
    count, first = map(int, [*sys.argv[1:], *("500", "0")[len(sys.argv) - 1 :]])
    failed = 0
    predictor = Predictor.load()
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(Predictor, "load", return_value=predictor):
        for number in range(first, first + count):
            for wrong in judged(number, Path(folder)):
                failed += 1
                print(f"{number} ({made(number).kind}): {wrong}", flush=True)
    print(f"{count} files, {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
