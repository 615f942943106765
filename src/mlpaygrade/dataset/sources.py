"""Where the data comes from: a path somebody gave, an environment variable, the cache, or a download of an edition into it.

Editions are states of the one growing public file, each known by its hash (`tables/editions.csv`). Rows stand newest first,
within each work year or in the whole file; either way the oldest row of a year is its last. A download is, with LF line ends,
byte for byte the edition that was asked for, and is resumed where it stopped. Other files are not looked into (`table` does).
Never falls back from one place to the next when a place was named and is empty.
"""

import hashlib
import http.client
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import platformdirs

from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.writing import alone, write_file
from mlpaygrade.errors import FetchError, InputError, ResourceError
from mlpaygrade.job import fields as schema
from mlpaygrade.job.lookup import records

CHUNK_BYTES: Final = 1 << 16
MAX_BYTES: Final = 1 << 28
"""A server that sends more than 256 MiB is not sending the file that was asked for."""
ATTEMPTS: Final = 3
"""Tries in a row that bring nothing new before giving up; a try that brings bytes starts the count anew."""
TIMEOUT_SECONDS: Final = 30.0

BY_HAND: Final = "Check the connection, or download the file by hand and give it with --data PATH."


def download(url: str, part: Path, *, on_progress: Callable[[int, int | None], None]) -> bool:
    """Complete `part` from `url`; returns whether bytes of an earlier call were built upon.

    Lost connections are taken up again where they broke. Raises FetchError when there is no getting on; `part` then
    keeps what came, for the next call. OSError of the disk passes through.
    """
    resumed = part.exists() and part.stat().st_size > 0
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _attempt(url, part, start=before, on_progress=on_progress):
                return resumed
            reason = "the connection closed early"
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and before:
                if _length_named(error.headers.get("Content-Range")) == before:
                    return resumed
                part.unlink()
                resumed = False
                continue
            if error.code < 500:
                raise FetchError(f"{url} answered {error.code} {error.reason}. {BY_HAND}") from error
            reason = f"the server answered {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        after = part.stat().st_size if part.exists() else 0
        failures = 0 if after > before else failures + 1
        if failures >= ATTEMPTS:
            kept = f" {after:,} bytes are kept, and the next try continues from there." if after else ""
            raise FetchError(f"{url} could not be downloaded: {reason}.{kept} {BY_HAND}")


def _attempt(url: str, part: Path, *, start: int, on_progress: Callable[[int, int | None], None]) -> bool:
    """One request from byte `start`; True when the file is complete."""
    headers = {"User-Agent": "mlpaygrade", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        sent = response.headers.get("Content-Range", "")
        continues = response.status == http.client.PARTIAL_CONTENT and sent.startswith(f"bytes {start}-")
        if response.status == http.client.PARTIAL_CONTENT and not continues:
            part.unlink()  # another range than the one asked for: begin again
            return False
        done = start if continues else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length and length.isdecimal() else None
        on_progress(done, total)
        with part.open("ab" if continues else "wb") as file:
            while chunk := _read(response):
                file.write(chunk)
                done += len(chunk)
                if done > MAX_BYTES:
                    part.unlink()
                    raise FetchError(f"{url} sends more than {MAX_BYTES:,} bytes, so it is not the dataset. {BY_HAND}")
                on_progress(done, total)
    return total is None or done >= total


def _read(response: http.client.HTTPResponse) -> bytes:
    """The next bytes; every failure of the network is a ConnectionError, so that none is taken for one of the disk."""
    try:
        return response.read1(CHUNK_BYTES)
    except OSError as error:
        raise ConnectionError(str(error) or type(error).__name__) from error


def _length_named(content_range: str | None) -> int | None:
    """The full length in `bytes */N`."""
    found = re.fullmatch(r"bytes \*/(\d+)", content_range or "")
    return int(found[1]) if found else None


Order = Literal["per year", "whole file"]

REPOSITORY: Final = "foorilla/ai-jobs-net-salaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A public file.

    rows: of the file. newer_rows: rows on top of it in the public repository's file at `commit`, whose git blob is `git_blob`.
    newest: day of its newest row, and `source` how that is known. sha256_lf, sha256_crlf: of the file with either line end.
    test_after: day after which its rows test a model trained on the earlier ones; None where its newest year does.
    calendar: name of the table in `tables/calendars` that says when its rows arrived; "" where there is none.
    """

    name: str
    rows: int
    newer_rows: int
    newest: date
    commit: str
    git_blob: str
    sha256_lf: str
    sha256_crlf: str
    order: Order
    source: str
    test_after: date | None = None
    calendar: str = ""


@cache
def editions() -> tuple[Edition, ...]:
    """All editions, oldest first."""
    return records("editions", Edition, room="dataset")


def edition_named(name: str | None = None) -> Edition:
    """The edition of that name; the newest without one. Raises InputError for a name that is none."""
    known = {one.name: one for one in editions()}
    if name is None:
        return editions()[-1]
    if name not in known:
        raise InputError(f"--edition must be one of {', '.join(known)}; got {name!r}. Leave it out for the newest.")
    return known[name]


def calendar_path(edition: Edition) -> Path | None:
    """The table that says when the edition's rows arrived; None where there is none."""
    if not edition.calendar:
        return None
    return Path(str(resources.files("mlpaygrade.dataset") / "tables" / "calendars" / edition.calendar))


def known_file(sha256: str) -> Edition | None:
    """The edition with this hash, whatever its line ends."""
    return next((one for one in editions() if sha256 in (one.sha256_lf, one.sha256_crlf)), None)


def data_name(sha256: str) -> str:
    """What to call a file: its edition, or the first digits of its hash."""
    known = known_file(sha256)
    return f"edition {known.name}" if known else f"file {sha256[:12]}"


Source = Literal["github", "kaggle"]
Progress = Callable[[int, int | None], None]
"""Called with bytes done and bytes in total (None: not known)."""

DATA_VARIABLE: Final = "MLPAYGRADE_DATA"
CACHE_VARIABLE: Final = "MLPAYGRADE_CACHE"

GITHUB_BASE_URL: Final = "https://raw.githubusercontent.com"
KAGGLE_DATASET: Final = "chopper53/machine-learning-engineer-salary-in-2024"
KAGGLE_EDITION: Final = "brief"

_HEADER: Final = ",".join(schema.COLUMNS).encode()


def cache_path(edition: Edition) -> Path:
    """The file that `fetch` fills: in `MLPAYGRADE_CACHE`, else in the platform's cache directory; it need not exist.

    Raises ResourceError where the system knows no home folder for the user.
    """
    with _home_needed():
        folder = os.environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("mlpaygrade", appauthor=False)
        return Path(folder).expanduser() / f"salaries-{edition.name}.csv"


def github_path(edition: Edition) -> str:
    """The edition's file in the public repository, at its commit."""
    return f"{REPOSITORY}/{edition.commit}/salaries.csv"


def resolve(path: Path | str | None = None) -> Path:
    """The data file to use: `path`, else the one `MLPAYGRADE_DATA` names, else the newest edition in the cache.

    A place that was named must hold a file; otherwise FetchError names it. FetchError too when there is none at all.
    """
    if path is not None:
        return _existing(Path(path), named_by="--data")
    variable = os.environ.get(DATA_VARIABLE)
    if variable:
        return _existing(Path(variable), named_by=DATA_VARIABLE)
    for one in reversed(editions()):
        if (cached := cache_path(one)).is_file():
            return cached
    raise FetchError(
        f"No data file: no --data PATH was given, {DATA_VARIABLE} is not set, and {cached.parent} holds no edition. "
        f"Run `mlpaygrade data fetch` to download the public file, or give one with --data PATH."
    )


def fetch(
    edition: Edition | None = None,
    *,
    source: Source = "github",
    destination: Path | None = None,
    on_progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
    base_url: str = GITHUB_BASE_URL,
) -> Path:
    """Bring an edition (the newest) to `destination` (else the cache); returns its path. Nothing to do if it stands there.

    An interrupted download is resumed on the next call; of two calls at once the second waits for the first. `on_note` is
    told what was done to the bytes. `base_url` replaces the server of the public repository, for mirrors and tests. Raises
    FetchError where the file cannot be had or is not the expected one, ResourceError where a client is missing or the file
    cannot be written; neither leaves a file behind that could be taken for the data.
    """
    edition = edition or edition_named()
    target = destination or cache_path(edition)
    note = on_note or (lambda _: None)
    if source not in ("github", "kaggle"):
        raise FetchError(f"source must be github or kaggle; got {source!r}.")
    if source == "kaggle" and edition.name != KAGGLE_EDITION:
        said = f"Kaggle holds the edition {KAGGLE_EDITION} only; got {edition.name}. Leave out --source kaggle."
        raise FetchError(said)
    if target.is_dir():
        example = target / cache_path(edition).name
        raise FetchError(f"{target} is a directory. Give the path of the file to write, such as {example}.")
    if _is_there(target, edition, note):
        return target
    if target.is_file():
        if destination is not None:
            raise FetchError(f"{target} exists with other content. Remove it, or choose another destination.")
        note(f"{target} does not hold the expected content; it is replaced.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(target.name + ".lock")
        with alone(lock, on_wait=lambda: note(f"Another process is fetching {target}; waiting for it.")):
            if _is_there(target, edition, note):
                return target
            if source == "kaggle":
                content = _derive(_from_kaggle(target.parent), edition, newer_rows=0, note=note)
            else:
                content = _from_github(target, edition, base_url=base_url, on_progress=on_progress, note=note)
            write_file(target, content)
            _part_of(target).unlink(missing_ok=True)
    except OSError as error:
        remedy = f"Free space, check permissions, or set {CACHE_VARIABLE} to another directory."
        raise ResourceError(f"{target} cannot be written: {error.strerror or error}. {remedy}") from error
    return target


def _is_there(target: Path, edition: Edition, note: Callable[[str], None]) -> bool:
    if not target.is_file() or sha256_of(target) not in (edition.sha256_lf, edition.sha256_crlf):
        return False
    note(f"{target} already holds the edition {edition.name}; nothing was downloaded.")
    return True


@contextmanager
def _home_needed() -> Iterator[None]:
    """Raises ResourceError where a user without a home folder would need one."""
    try:
        yield
    except RuntimeError as error:
        raise ResourceError(
            f"The cache must have a folder; this user has no home folder ({error}). "
            f"Set HOME or {CACHE_VARIABLE}, or give --data PATH."
        ) from error


def _existing(path: Path, *, named_by: str) -> Path:
    with _home_needed():
        path = path.expanduser()
    if path.is_file():
        return path
    what = "is a directory, not a file" if path.is_dir() else "does not exist"
    raise FetchError(f"The data file {path}, named by {named_by}, {what}. Correct {named_by}, or leave it out.")


def _part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _from_github(
    target: Path, edition: Edition, *, base_url: str, on_progress: Progress | None, note: Callable[[str], None]
) -> bytes:
    """The edition from its pinned file. A resumed part that turns out not to be it is fetched once more from the start."""
    url = f"{base_url.rstrip('/')}/{github_path(edition)}"
    part = _part_of(target)
    on_progress = on_progress or (lambda _done, _total: None)
    resumed = download(url, part, on_progress=on_progress)
    for again in (resumed, False):
        try:
            return _derive(part.read_bytes(), edition, newer_rows=edition.newer_rows, note=note)
        except FetchError:
            part.unlink()  # a wrong part must not be resumed
            if not again:
                raise
            download(url, part, on_progress=on_progress)
    raise AssertionError("the second try returns or raises")


def _from_kaggle(folder: Path) -> bytes:
    """The redistributed file, through Kaggle's own client, which asks for the user's own credentials."""
    program = shutil.which("kaggle")
    if program is not None:
        command = [program]
    elif importlib.util.find_spec("kaggle") is not None:
        command = [sys.executable, "-m", "kaggle"]
    else:
        raise ResourceError(
            "Kaggle's client is not installed. Install it with `pip install kaggle` and set up its API token, "
            "or leave out --source kaggle: the public repository holds the same rows and needs no account."
        )
    with tempfile.TemporaryDirectory(dir=folder, prefix="kaggle-") as scratch:
        command += ["datasets", "download", "-d", KAGGLE_DATASET, "-p", scratch, "--unzip"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # fixed words, no shell
        if done.returncode != 0:
            said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            raise FetchError(f"Kaggle's client failed: {said}. Check its API token, or leave out --source kaggle.")
        found = sorted(Path(scratch).rglob("*.csv"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found) or "none"
            raise FetchError(f"Expected one CSV file in {KAGGLE_DATASET}; got {names}. Use --source github.")
        return found[0].read_bytes()


def _derive(raw: bytes, edition: Edition, *, newer_rows: int, note: Callable[[str], None]) -> bytes:
    """The edition from a download, with LF line ends and without the newest rows; raises FetchError naming what differs."""
    header, *lines = raw.replace(b"\r\n", b"\n").splitlines(keepends=True) or [b""]  # no field holds a line break
    if header.rstrip(b"\n") != _HEADER:
        shown = header[:80].decode("utf-8", errors="replace")
        raise FetchError(
            f"What was downloaded is not the dataset: its first line must be {_HEADER.decode()!r}; got {shown!r}. "
            "A proxy or login page may have answered instead; try another network, or download by hand and give --data."
        )
    if len(lines) != edition.rows + newer_rows:
        raise FetchError(
            f"The download must hold {edition.rows + newer_rows:,} rows; got {len(lines):,}. "
            "Nothing was kept; run the command again."
        )
    kept = b"".join([header, *lines[newer_rows:]])
    found = hashlib.sha256(kept).hexdigest()
    if found != edition.sha256_lf:
        raise FetchError(
            f"The download's content must have sha256 {edition.sha256_lf}; got {found}. It was altered on the way or at "
            "its source. Nothing was kept; run the command again, or give a file you trust with --data."
        )
    if b"\r\n" in raw:
        note("Line ends were CRLF and were written as LF.")
    if newer_rows:
        note(f"The newest {newer_rows} of {len(lines):,} rows were left out, to be the file of {edition.rows:,} rows.")
    return kept
