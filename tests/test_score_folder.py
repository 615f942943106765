"""A folder of files, here or in a store: each file once, whole, and after a kill only those that are missing."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mlpaygrade import Predictor
from mlpaygrade.cli import app
from mlpaygrade.errors import DataError, InputError
from mlpaygrade.forecast import score as folders
from mlpaygrade.forecast.score import FolderSummary, score_file, score_folder, score_one

TEXT = "job_title,experience_level,country\nData Scientist,SE,US\nWizard,SE,US\n"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load()


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv", "_SUCCESS", ".hidden.csv"):
        (folder / name).write_text(TEXT)
    return folder


def score(source: object, output: object, predictor: Predictor, **more: object) -> tuple[FolderSummary, list[str]]:
    told: list[str] = []
    summary = score_folder(
        str(source),
        str(output),
        predictor=predictor,
        progress=lambda *_: None,
        told=lambda name, _: told.append(name),
        **more,  # type: ignore[arg-type]
    )
    return summary, told


def expected(predictor: Predictor, tmp_path: Path) -> bytes:
    (tmp_path / "one.csv").write_text(TEXT)
    score_file(tmp_path / "one.csv", tmp_path / "one-out.csv", predictor=predictor)
    return (tmp_path / "one-out.csv").read_bytes()


def test_a_folder_that_was_stopped_goes_on(
    predictor: Predictor, jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (jobs / "b.csv").write_text("no,table\n1,2\n")
    output, real = tmp_path / "out", folders.score_one

    def stopped(source: str, *args: object, **more: object) -> object:
        if source.endswith("c.csv"):
            raise KeyboardInterrupt
        return real(source, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(folders, "score_one", stopped)
    with pytest.raises(KeyboardInterrupt):
        score(jobs, output, predictor)
    monkeypatch.setattr(folders, "score_one", real)
    summary, told = score(jobs, output, predictor)
    assert (summary.skipped, told, list(summary.refused)) == (1, ["c.csv"], ["b.csv"])
    (jobs / "b.csv").write_text(TEXT)
    (jobs / "a.csv").write_text(TEXT + "Data Analyst,MI,US\n")
    (output / "c.csv").unlink()
    assert score(jobs, output, predictor)[1] == ["a.csv", "b.csv", "c.csv"]
    assert score(jobs, output, predictor) == (FolderSummary(skipped=3, refused={}), [])
    assert sorted(path.name for path in output.iterdir()) == ["_scored.json", "a.csv", "b.csv", "c.csv"]
    assert (output / "b.csv").read_bytes() == expected(predictor, tmp_path)


def test_results_of_another_model_or_of_nobody_are_not_mixed(
    predictor: Predictor, jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(jobs, tmp_path / "out", predictor, pattern="a*")
    assert [path.name for path in (tmp_path / "out").glob("*.csv")] == ["a.csv"]
    monkeypatch.setitem(predictor.model, "version", "another")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds results of bundle"):
        score(jobs, tmp_path / "out", predictor)
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "a.csv").write_text("mine")
    with pytest.raises(InputError, match="must be empty"):
        score(jobs, tmp_path / "others", predictor)
    with pytest.raises(InputError, match="another folder"):
        score(jobs, jobs, predictor)
    with pytest.raises(InputError, match="holds none"):
        score(jobs, tmp_path / "out", predictor, pattern="*.parquet")


def test_packed_files_are_packed_again(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    source, output = str(tmp_path / "in.csv.gz"), str(tmp_path / "out.csv.gz")
    score_one(source, output, predictor=predictor, progress=lambda *_: None)
    assert gzip.decompress((tmp_path / "out.csv.gz").read_bytes()) == expected(predictor, tmp_path)


@pytest.fixture
def store() -> Iterator[str]:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("a.csv", "b.csv"):
        memory.pipe(f"/bucket/jobs/{name}", TEXT.encode())
    yield "memory://bucket/jobs"
    memory.rm("/bucket", recursive=True)


def test_an_object_store_is_read_and_written(predictor: Predictor, store: str, tmp_path: Path) -> None:
    import fsspec

    output = store.replace("jobs", "out")
    assert score(store, output, predictor)[1] == ["a.csv", "b.csv"]
    memory = fsspec.filesystem("memory")
    assert memory.cat("/bucket/out/a.csv") == expected(predictor, tmp_path)
    memory.pipe("/bucket/jobs/b.csv", TEXT.encode() * 2)
    assert score(store, output, predictor)[1] == ["b.csv"]
    memory.pipe("/bucket/jobs/c.csv", b"no,table\n1,2\n")
    summary, told = score(store, output, predictor)
    assert (told, summary.refused["c.csv"].startswith(f"{store}/c.csv lacks")) == ([], True)
    assert sorted(memory.ls("/bucket/out", detail=False)) == [
        f"/bucket/out/{name}" for name in ("_scored.json", "a.csv", "b.csv")
    ]


def test_the_command_takes_a_folder_and_says_what_it_refused(jobs: Path, tmp_path: Path) -> None:
    (jobs / "c.csv").write_text("no,table\n1,2\n")
    done = CliRunner().invoke(app, ["score", str(jobs), "--output", str(tmp_path / "out")])
    assert isinstance(done.exception, DataError)
    assert "1 file of" in str(done.exception)
    assert "a.csv: 1 of 2 rows answered" in done.output
    missing = CliRunner().invoke(app, ["score", "memory://nowhere/x.csv", "--output", str(tmp_path / "x.csv")])
    assert isinstance(missing.exception, DataError)
    assert "no such file" in str(missing.exception)
