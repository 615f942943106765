"""Lines split by NumPy are what Python's `csv` reads, or both refuse."""

import csv
import io
import random
from pathlib import Path

import numpy as np
import pytest

from mlpaygrade.dataset import lines
from mlpaygrade.dataset.reader import open_rows
from mlpaygrade.errors import DataError


@pytest.mark.parametrize("seed", range(4))
def test_generated_files_read_as_csv_reads_them(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PIECE_BYTES", 60)
    source, chosen = tmp_path / "in.csv", random.Random(seed)
    plain = 0
    for _ in range(300):
        text = "job_title,country,note\n" + made(chosen)
        source.write_bytes(text.encode())
        plain += open_rows(source).plain_start() is not None
        assert read(source) == expected(text), text
    assert plain == 300


def test_values_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_PRIME", np.uint64(0))
    text = b"job_title,country\na,US\nb,US\na,DE\na,US\n"
    (piece,) = lines.pieces(open_rows(text), [0, 1])
    assert [piece.keys[n] for n in piece.which] == [("a", "US"), ("b", "US"), ("a", "DE"), ("a", "US")]


def test_a_title_over_two_lines_stands_above_the_header_and_is_no_row() -> None:
    (piece,) = lines.pieces(open_rows(b'"Report of\nMay"\njob_title,country\na,US\nb,US\n'), [0, 1])
    assert [piece.keys[n] for n in piece.which] == [("a", "US"), ("b", "US")]


def test_the_line_of_a_defect_is_told_after_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PIECE_BYTES", 60)
    text = "job_title,country\n" + "a,US\n" * 100 + "a\n" + "a,US\n" * 50 + "b,US,1\n"
    with pytest.raises(DataError) as refused:
        list(lines.pieces(open_rows(text.encode()), [0, 1]))
    assert [(defect.rows, defect.value) for defect in refused.value.defects] == [
        ((101,), "1 field in line 102"),
        ((152,), "3 fields in line 153"),
    ]


def made(chosen: random.Random) -> str:
    """Rows, most of them whole."""
    ends = chosen.choice(["\n", "\r\n", "\n", "\r"])
    words = ["a", "", "é", "x" * 70, '"a,b"', '"say ""hi"""', '"two\nlines"', "12345678", "123456789"]
    odd = chosen.choice([[], [], ['5" pipe', '"open', '"a"b', "\r", "a,b", "\x00", "\u2028"]])
    rows = [[chosen.choice(words + odd) for _ in range(3)] for _ in range(chosen.randrange(1, 12))]
    text = ends.join(",".join(row) for row in rows) + chosen.choice([ends, "", ends + ends])
    return text if chosen.random() < 0.8 else text.replace(ends, "\n", 1)


def expected(text: str) -> list[list[str]] | None:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row and row != [""]][1:]
    except csv.Error:
        return None
    return rows if rows and all(len(row) == 3 for row in rows) else None


def read(source: Path) -> list[list[str]] | None:
    """The lines parsed again, their keys checked."""
    found = []
    try:
        for piece in lines.pieces(open_rows(source), [1, 0]):
            rows = [next(csv.reader(io.StringIO(line.decode(), newline=""), strict=True)) for line in piece.lines]
            assert [(row[1], row[0]) for row in rows] == [piece.keys[n] for n in piece.which]
            assert len(set(piece.keys)) == len(piece.keys)
            found += rows
    except DataError:
        return None
    return found
