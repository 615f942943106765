"""Finding and downloading the data: never another file than the one named or expected, never a half one."""

import hashlib
import http.server
import importlib.util
import os
import shutil
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mlpaygrade.dataset import sources
from mlpaygrade.dataset.sources import data_name, editions, known_file
from mlpaygrade.dataset.sources import edition_named as edition
from mlpaygrade.errors import FetchError, InputError, ResourceError
from mlpaygrade.job import fields as schema

HEADER = ",".join(schema.COLUMNS) + "\n"
ROWS = [f"2024,SE,FT,Data Engineer,{120_000 + i},USD,{120_000 + i},US,0,US,M\n" for i in range(3_000)]
NEWER = 30
PUBLIC_FILE = os.environ.get("MLPAYGRADE_DATA")
WANTED = (HEADER + "".join(ROWS[NEWER:])).encode()
SERVED = (HEADER + "".join(ROWS)).replace("\n", "\r\n").encode()

SMALL = replace(
    edition("brief"),
    rows=len(ROWS) - NEWER,
    newer_rows=NEWER,
    sha256_lf=hashlib.sha256(WANTED).hexdigest(),
    sha256_crlf=hashlib.sha256(WANTED.replace(b"\n", b"\r\n")).hexdigest(),
)


@dataclass
class Shop:
    """What the local server serves, how it misbehaves, and what it was asked."""

    content: bytes = SERVED
    knows_ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    status: int | None = None
    pause: float = 0.0
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def shop() -> Iterator[Shop]:
    state = Shop()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.ranges.append(asked)
            time.sleep(state.pause)
            assert self.path == f"/{sources.github_path(SMALL)}"
            if state.status is not None:
                self.send_error(state.status)
                return
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and state.knows_ranges else 0
            if start >= len(state.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(state.content)}")
                self.end_headers()
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cut_after.pop(0)] if state.cut_after else body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _small_dataset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sources, "editions", lambda: (SMALL,))
    monkeypatch.setenv("MLPAYGRADE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLPAYGRADE_DATA", raising=False)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_download_is_brought_to_the_expected_bytes_and_said(shop: Shop) -> None:
    notes: list[str] = []
    progress: list[tuple[int, int | None]] = []
    path = sources.fetch(
        SMALL, base_url=shop.url, on_progress=lambda *step: progress.append(step), on_note=notes.append
    )
    assert path == sources.cache_path(SMALL)
    assert path.read_bytes() == WANTED
    assert files_in(path.parent) == {"salaries-brief.csv"}
    assert any("CRLF" in note for note in notes)
    assert any("newest 30" in note for note in notes)
    assert progress[0] == (0, len(SERVED))
    assert progress[-1] == (len(SERVED), len(SERVED))
    assert [done for done, _ in progress] == sorted(done for done, _ in progress)


def test_unix_line_ends_are_accepted_without_a_word_about_them(shop: Shop) -> None:
    shop.content = SERVED.replace(b"\r\n", b"\n")
    notes: list[str] = []
    assert sources.fetch(SMALL, base_url=shop.url, on_note=notes.append).read_bytes() == WANTED
    assert not any("CRLF" in note for note in notes)


def test_present_dataset_is_not_downloaded_again(shop: Shop) -> None:
    first = sources.fetch(SMALL, base_url=shop.url)
    assert sources.fetch(SMALL, base_url=shop.url) == first
    assert len(shop.ranges) == 1


def test_broken_connection_is_taken_up_within_one_call(shop: Shop) -> None:
    shop.cut_after = [70_000, 50_000]
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED
    assert shop.ranges == [None, "bytes=70000-", "bytes=120000-"]


def test_interrupted_download_resumes_in_the_next_call(shop: Shop) -> None:
    shop.cut_after = [70_000, 0, 0, 0]
    with pytest.raises(FetchError, match="70,000 bytes are kept"):
        sources.fetch(SMALL, base_url=shop.url)
    assert files_in(sources.cache_path(SMALL).parent) == {"salaries-brief.csv.part"}
    shop.ranges.clear()
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED
    assert shop.ranges == ["bytes=70000-"]


def test_fetching_at_once_downloads_once_and_leaves_the_dataset(shop: Shop) -> None:
    shop.pause = 0.3
    notes: list[str] = []
    with ThreadPoolExecutor(max_workers=4) as pool:
        paths = list(pool.map(lambda _: sources.fetch(SMALL, base_url=shop.url, on_note=notes.append), range(4)))
    assert {path.read_bytes() for path in paths} == {WANTED}
    assert shop.ranges == [None], "one fetch downloads, the others wait for it"
    assert sum("waiting" in note for note in notes) >= 1
    assert sum("already holds" in note for note in notes) == 3
    assert files_in(paths[0].parent) == {"salaries-brief.csv"}


def test_a_fetch_that_fails_lets_the_waiting_one_go_on(shop: Shop) -> None:
    shop.pause = 0.3
    shop.cut_after = [70_000, 0, 0, 0]

    def fetch(_: int) -> Path | FetchError:
        try:
            return sources.fetch(SMALL, base_url=shop.url)
        except FetchError as error:
            return error

    with ThreadPoolExecutor(max_workers=2) as pool:
        ends = list(pool.map(fetch, range(2)))
    (path,) = (end for end in ends if isinstance(end, Path))
    assert path.read_bytes() == WANTED
    assert shop.ranges[-1] == "bytes=70000-"


def test_a_killed_fetch_leaves_no_lock_behind(shop: Shop) -> None:
    folder = sources.cache_path(SMALL).parent
    folder.mkdir(parents=True)
    (folder / "salaries-brief.csv.lock").write_text("")
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED
    assert files_in(folder) == {"salaries-brief.csv"}


def test_server_without_ranges_starts_over(shop: Shop) -> None:
    shop.knows_ranges = False
    shop.cut_after = [70_000]
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED
    assert shop.ranges == [None, "bytes=70000-"]


def test_complete_part_of_a_killed_call_is_used(shop: Shop) -> None:
    part = sources.cache_path(SMALL).with_name("salaries-brief.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(SERVED)
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED
    assert files_in(part.parent) == {"salaries-brief.csv"}


@pytest.mark.parametrize("rubbish", [b"x" * 5_000, b"x" * (len(SERVED) + 7)])
def test_part_of_something_else_is_thrown_away_and_fetched_anew(shop: Shop, rubbish: bytes) -> None:
    part = sources.cache_path(SMALL).with_name("salaries-brief.csv.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(rubbish)
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>please log in</html>", "first line"),
        (SERVED[: len(SERVED) // 2].rpartition(b"\r\n")[0] + b"\r\n", "rows; got"),
        (SERVED.replace(b"Data Engineer", b"Data Enginee2", 40), "sha256"),
    ],
)
def test_wrong_content_is_refused_and_nothing_stays(shop: Shop, content: bytes, message: str) -> None:
    shop.content = content
    with pytest.raises(FetchError, match=message):
        sources.fetch(SMALL, base_url=shop.url)
    assert files_in(sources.cache_path(SMALL).parent) == set()


def test_server_errors_are_named_with_the_way_out(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for status in (404, 503):
        shop.status = status
        with pytest.raises(FetchError, match=rf"{status}.*--data"):
            sources.fetch(SMALL, base_url=shop.url)


def test_endless_answer_is_cut_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 100_000)
    with pytest.raises(FetchError, match="100,000 bytes"):
        sources.fetch(SMALL, base_url=shop.url)
    assert files_in(sources.cache_path(SMALL).parent) == set()


def test_offline_says_what_to_do() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError, match=r"by hand.*--data"):
            sources.fetch(SMALL, base_url=f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert not sources.cache_path(SMALL).exists()


def test_own_destination_is_never_overwritten_but_a_spoilt_cache_is(shop: Shop, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("my own work")
    with pytest.raises(FetchError, match="other content"):
        sources.fetch(SMALL, base_url=shop.url, destination=mine)
    assert mine.read_text() == "my own work"
    sources.cache_path(SMALL).parent.mkdir(parents=True)
    sources.cache_path(SMALL).write_text("half a file")
    assert sources.fetch(SMALL, base_url=shop.url).read_bytes() == WANTED


def test_unwritable_place_is_a_resource_error(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="MLPAYGRADE_CACHE"):
        sources.fetch(SMALL, base_url=shop.url, destination=tmp_path / "file" / "salaries.csv")


def fake_client(folder: Path, body: str) -> str:
    program = folder / "kaggle"
    program.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_kaggle_through_its_own_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        "folder = pathlib.Path(sys.argv[sys.argv.index('-p') + 1])\n"
        f"assert sys.argv[sys.argv.index('-d') + 1] == {sources.KAGGLE_DATASET!r}\n"
        f"(folder / 'salaries.csv').write_bytes(pathlib.Path({str(tmp_path / 'body')!r}).read_bytes())"
    )
    (tmp_path / "body").write_bytes(WANTED)
    program = fake_client(tmp_path, body)
    monkeypatch.setattr(shutil, "which", lambda name: program if name == "kaggle" else None)
    path = sources.fetch(SMALL, source="kaggle")
    assert path.read_bytes() == WANTED
    assert files_in(path.parent) == {"salaries-brief.csv"}


def test_kaggle_refusing_or_missing_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_client(tmp_path, "sys.exit('401 - Unauthorized')")
    monkeypatch.setattr(shutil, "which", lambda name: program)
    with pytest.raises(FetchError, match=r"401 - Unauthorized.*API token"):
        sources.fetch(SMALL, source="kaggle")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ResourceError, match="pip install kaggle"):
        sources.fetch(SMALL, source="kaggle")
    assert files_in(sources.cache_path(SMALL).parent) == set()


def test_resolve_takes_the_first_place_named_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FetchError, match=r"data fetch.*--data"):
        sources.resolve()
    cached = sources.cache_path(SMALL)
    cached.parent.mkdir(parents=True)
    cached.write_text("cached")
    assert sources.resolve() == cached
    by_variable, given = tmp_path / "variable.csv", tmp_path / "given.csv"
    monkeypatch.setenv("MLPAYGRADE_DATA", str(by_variable))
    with pytest.raises(FetchError, match=r"variable\.csv.*MLPAYGRADE_DATA"):
        sources.resolve()
    by_variable.write_text("variable")
    assert sources.resolve() == by_variable
    with pytest.raises(FetchError, match=r"given\.csv.*--data"):
        sources.resolve(str(given))
    given.write_text("given")
    assert sources.resolve(given) == given
    with pytest.raises(FetchError, match="directory"):
        sources.resolve(tmp_path)


def test_cache_directory_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert sources.cache_path(SMALL) == tmp_path / "cache" / "salaries-brief.csv"
    monkeypatch.delenv("MLPAYGRADE_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert sources.cache_path(SMALL) == tmp_path / "xdg" / "mlpaygrade" / "salaries-brief.csv"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert sources.cache_path(SMALL) == Path.home() / ".cache" / "mlpaygrade" / "salaries-brief.csv"


def test_public_file_is_what_the_pinned_download_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the editions as they are
    if not PUBLIC_FILE:
        pytest.skip("MLPAYGRADE_DATA does not name the public file")
    brief = edition("brief")
    header, *rows = Path(PUBLIC_FILE).read_text().splitlines(keepends=True)
    newer = ["0," * 10 + "0\n"] * brief.newer_rows
    raw = "".join([header, *newer, *rows]).replace("\n", "\r\n").encode()
    derived = sources._derive(raw, brief, newer_rows=brief.newer_rows, note=lambda _: None)
    assert derived == Path(PUBLIC_FILE).read_bytes()
    assert known_file(hashlib.sha256(derived.replace(b"\n", b"\r\n")).hexdigest()) == brief


def test_editions_are_known_by_either_hash_and_other_files_by_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the editions as they are
    for one in editions():
        assert known_file(one.sha256_lf) == known_file(one.sha256_crlf) == edition(one.name) == one
        assert data_name(one.sha256_lf) == f"edition {one.name}"
        assert [len(text) for text in (one.commit, one.git_blob, one.sha256_lf, one.sha256_crlf)] == [40, 40, 64, 64]
    assert [one.newest for one in editions()] == sorted(one.newest for one in editions())
    assert edition() == editions()[-1]
    assert known_file("ab" * 32) is None
    assert data_name("ab" * 32) == "file abababababab"
    with pytest.raises(InputError, match="brief, 2025-01, 2025-08"):
        edition("2031-01")


def test_kaggle_holds_one_edition_only() -> None:
    with pytest.raises(FetchError, match="edition brief only"):
        sources.fetch(replace(SMALL, name="2025-01"), source="kaggle")
