"""Where the data comes from: a path somebody gave, an environment variable, the cache, or a download into it.

Enters: a path, a setting, or the wish to download. Leaves: the path of a file that exists; one that was downloaded here
is, byte for byte, the file all published figures were measured on (`EXPECTED_SHA256`). Does not look into other files:
that is the gate's part (`table`). Never falls back from one place to the next when a place was named and is empty.

The public repository's file at the pinned commit holds 16,965 rows, newest first, with CRLF line ends. The file that
Kaggle redistributes is an earlier state of it: the same rows without the newest 471, with LF line ends. So a download
from either place is brought to the same bytes (line ends to LF, newest rows dropped) and then compared by hash.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from mlpaygrade.dataset.download import download
from mlpaygrade.dataset.lock import alone
from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.errors import FetchError, ResourceError
from mlpaygrade.job import fields as schema

Source = Literal["github", "kaggle"]
Progress = Callable[[int, int | None], None]
"""Called with bytes done and bytes in total (None: not known)."""

DATA_VARIABLE: Final = "MLPAYGRADE_DATA"
CACHE_VARIABLE: Final = "MLPAYGRADE_CACHE"
FILE_NAME: Final = "salaries.csv"

GITHUB_BASE_URL: Final = "https://raw.githubusercontent.com"
GITHUB_PATH: Final = "foorilla/ai-jobs-net-salaries/27ccdc5ecc556493700d36b4739debd38a80b4b3/salaries.csv"
KAGGLE_DATASET: Final = "chopper53/machine-learning-engineer-salary-in-2024"
LICENCE: Final = "CC0 1.0"

EXPECTED_SHA256: Final = "6a35198d188bbf22c26bed73ef96de4776d3d5187faf0c35e03f792ea7458793"
EXPECTED_ROWS: Final = 16_494
NEWER_ROWS: Final = 471
"""Rows on top of the pinned public file that the redistributed one does not have."""

_HEADER: Final = ",".join(schema.COLUMNS).encode()


def cache_path() -> Path:
    """The file that `fetch` fills: in `MLPAYGRADE_CACHE`, else in the platform's cache directory; it need not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser() / FILE_NAME
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "mlpaygrade" / FILE_NAME


def resolve(path: Path | str | None = None) -> Path:
    """The data file to use: `path`, else the one `MLPAYGRADE_DATA` names, else the cached download.

    A place that was named must hold a file; otherwise FetchError names it. FetchError too when there is none at all.
    """
    if path is not None:
        return _existing(Path(path), named_by="--data")
    variable = os.environ.get(DATA_VARIABLE)
    if variable:
        return _existing(Path(variable), named_by=DATA_VARIABLE)
    cached = cache_path()
    if cached.is_file():
        return cached
    raise FetchError(
        f"No data file: no --data PATH was given, {DATA_VARIABLE} is not set, and {cached} does not exist. "
        f"Run `mlpaygrade data fetch` to download the public file, or give one with --data PATH."
    )


def fetch(
    *,
    source: Source = "github",
    destination: Path | None = None,
    on_progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
    base_url: str = GITHUB_BASE_URL,
) -> Path:
    """Bring the dataset to `destination` (else the cache) and return its path; nothing to do if it stands there.

    An interrupted download is resumed on the next call; of two calls at once the second waits for the first. `on_note` is
    told what was done to the bytes. `base_url` replaces the server of the public repository, for mirrors and tests. Raises
    FetchError where the file cannot be had or is not the expected one, ResourceError where a client is missing or the file
    cannot be written; neither leaves a file behind that could be taken for the data.
    """
    target = destination or cache_path()
    note = on_note or (lambda _: None)
    if source not in ("github", "kaggle"):
        raise FetchError(f"source must be github or kaggle; got {source!r}.")
    if target.is_dir():
        raise FetchError(f"{target} is a directory. Give the path of the file to write, such as {target / FILE_NAME}.")
    if _is_there(target, note):
        return target
    if target.is_file():
        if destination is not None:
            raise FetchError(f"{target} exists with other content. Remove it, or choose another destination.")
        note(f"{target} does not hold the expected content; it is replaced.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = target.with_name(target.name + ".lock")
        with alone(lock, on_wait=lambda: note(f"Another process is fetching {target}; waiting for it.")):
            if _is_there(target, note):
                return target
            if source == "kaggle":
                raw, newer_rows = _from_kaggle(target.parent), 0
            else:
                raw, newer_rows = _from_github(target, base_url=base_url, on_progress=on_progress), NEWER_ROWS
            _put(_derive(raw, newer_rows=newer_rows, note=note), target)
            _part_of(target).unlink(missing_ok=True)
    except OSError as error:
        remedy = f"Free space, check permissions, or set {CACHE_VARIABLE} to another directory."
        raise ResourceError(f"{target} cannot be written: {error.strerror or error}. {remedy}") from error
    return target


def _is_there(target: Path, note: Callable[[str], None]) -> bool:
    if not target.is_file() or sha256_of(target) != EXPECTED_SHA256:
        return False
    note(f"{target} already holds the dataset; nothing was downloaded.")
    return True


def _put(content: bytes, target: Path) -> None:
    """Write the file at once: whole or not at all."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.", suffix=".checked")
    finished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        finished.chmod(0o644)  # a temporary file is its owner's alone
        finished.replace(target)
    finally:
        finished.unlink(missing_ok=True)


def _existing(path: Path, *, named_by: str) -> Path:
    path = path.expanduser()
    if path.is_file():
        return path
    what = "is a directory, not a file" if path.is_dir() else "does not exist"
    raise FetchError(f"The data file {path}, named by {named_by}, {what}. Correct {named_by}, or leave it out.")


def _part_of(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _from_github(target: Path, *, base_url: str, on_progress: Progress | None) -> bytes:
    """The pinned public file. A resumed part that turns out not to be it is fetched once more from the start."""
    url = f"{base_url.rstrip('/')}/{GITHUB_PATH}"
    part = _part_of(target)
    resumed = download(url, part, on_progress=on_progress or _silent)
    raw = part.read_bytes()
    if resumed and not _is_expected(raw, newer_rows=NEWER_ROWS):
        part.unlink()
        download(url, part, on_progress=on_progress or _silent)
        raw = part.read_bytes()
    if not _is_expected(raw, newer_rows=NEWER_ROWS):
        part.unlink()  # a wrong part must not be resumed
    return raw


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


def _silent(done: int, total: int | None) -> None:
    del done, total


def _is_expected(raw: bytes, *, newer_rows: int) -> bool:
    return hashlib.sha256(_without_newest(_unix_line_ends(raw), newer_rows)).hexdigest() == EXPECTED_SHA256


def _unix_line_ends(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n")


def _without_newest(content: bytes, newer_rows: int) -> bytes:
    """The CSV without its first `newer_rows` data rows; no field of this file holds a line break."""
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:1], *lines[1 + newer_rows :]])


def _derive(raw: bytes, *, newer_rows: int, note: Callable[[str], None]) -> bytes:
    """Bring a download to the expected bytes, saying what was done; raises FetchError naming what differs."""
    content = _unix_line_ends(raw)
    header, _, _ = content.partition(b"\n")
    if header != _HEADER:
        shown = header[:80].decode("utf-8", errors="replace")
        raise FetchError(
            f"What was downloaded is not the dataset: its first line must be {_HEADER.decode()!r}; got {shown!r}. "
            "A proxy or login page may have answered instead; try another network, or download by hand and give --data."
        )
    kept = _without_newest(content, newer_rows)
    rows = kept.count(b"\n") - 1
    if rows != EXPECTED_ROWS:
        raise FetchError(
            f"The download must hold {EXPECTED_ROWS + newer_rows:,} rows; got {rows + newer_rows:,}. "
            "Nothing was kept; run the command again."
        )
    found = hashlib.sha256(kept).hexdigest()
    if found != EXPECTED_SHA256:
        raise FetchError(
            f"The download's content must have sha256 {EXPECTED_SHA256}; got {found}. It was altered on the way or at "
            "its source. Nothing was kept; run the command again, or give a file you trust with --data."
        )
    if content != raw:
        note("Line ends were CRLF and were written as LF.")
    if newer_rows:
        note(f"The newest {newer_rows} of {rows + newer_rows:,} rows were left out, to be the file of {rows:,} rows.")
    return kept
