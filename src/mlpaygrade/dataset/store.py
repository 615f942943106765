"""Files and folders, here or in an object store (`s3://`, `gs://`, `abfs://`, whatever fsspec opens), gzip-compressed or not.

A file from elsewhere is worked on here, in a folder of its own, and put there when it is whole; so memory does not grow with it,
and the disk must hold it twice.
"""

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from mlpaygrade.dataset.writing import writing_bytes
from mlpaygrade.errors import DataError, ResourceError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

HIDDEN: Final = (".", "_")
"""Files whose names begin so are no data: what is being written, and the marks that Spark and others leave."""


def is_url(place: str) -> bool:
    """Whether a place is named by an address of a store."""
    return "://" in place


def is_folder(place: str) -> bool:
    """Whether a place is a folder that exists."""
    if not is_url(place):
        return Path(place).is_dir()
    with _said(place):
        store, path = _store(place)
        return bool(store.isdir(path))


def joined(folder: str, name: str) -> str:
    """A file of a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_url(folder) else str(Path(folder) / name)


def files_of(folder: str, pattern: str = "*") -> dict[str, str]:
    """Name -> state of the folder's files, by name; none where there is no folder. A changed file has another state."""
    found: dict[str, str] = {}
    if is_url(folder):
        with _said(folder):
            store, path = _store(folder)
            if store.isdir(path):
                store.invalidate_cache()
                paths = [entry["name"] for entry in store.ls(path, detail=True) if entry["type"] == "file"]
                found = {PurePosixPath(one).name: str(store.ukey(one)) for one in paths}
    elif Path(folder).is_dir():
        states = ((one.name, one.stat()) for one in Path(folder).iterdir() if one.is_file())
        found = {name: f"{state.st_size} {state.st_mtime_ns}" for name, state in states}
    chosen = [name for name in found if fnmatchcase(name, pattern) and not name.startswith(HIDDEN)]
    return {name: found[name] for name in sorted(chosen)}


def brought(place: str, into: Path) -> Path:
    """A file as it can be read here: itself, or a copy, unpacked. into: a folder for copies. Raises DataError, ResourceError."""
    here = Path(place)
    if is_url(place):
        here = into / PurePosixPath(place).name
        with _said(place):
            store, path = _store(place)
            store.get_file(path, str(here))
    if here.suffix != ".gz" or not here.is_file():
        return here
    unpacked = into / f"in-{here.stem}"
    try:
        with gzip.open(here) as packed, unpacked.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{place} cannot be unpacked: {error}. Copy or export it again.") from error
    return unpacked


@contextmanager
def placed(place: str, by: Path) -> Iterator[Path]:
    """Where to write a file that will stand at `place`, whole or not at all. by: a folder for what is not yet there."""
    packs = place.endswith(".gz")
    if not packs and not is_url(place):
        yield Path(place)
        return
    name = PurePosixPath(place).name if is_url(place) else Path(place).name
    written = by / f"out-{name.removesuffix('.gz')}"
    yield written
    if packs:
        plain, written = written, by / f"packed-{name}"
        with plain.open("rb") as file, written.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
            shutil.copyfileobj(file, packed, 1 << 20)
    if is_url(place):
        with _said(place):
            store, path = _store(place)
            with written.open("rb") as file, store.transaction, store.open(path, "wb") as there:
                shutil.copyfileobj(file, there, 1 << 20)
    else:
        with written.open("rb") as file, writing_bytes(Path(place)) as there:
            shutil.copyfileobj(file, there, 1 << 20)


def make_folder(place: str) -> None:
    """Make a folder where there is none."""
    if is_url(place):
        with _said(place):
            store, path = _store(place)
            store.makedirs(path, exist_ok=True)
    else:
        try:
            Path(place).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResourceError(f"{place} cannot be made: {error.strerror}. Give another place.") from error


def _store(place: str) -> "tuple[AbstractFileSystem, str]":
    """The file system of an address, and the path in it."""
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ResourceError(
            f"{place} needs fsspec, which this environment lacks. Install it: pip install 'mlpaygrade[cloud]'."
        ) from None
    store, path = url_to_fs(place)
    return store, path


@contextmanager
def _said(place: str) -> Iterator[None]:
    """What stores raise, each in its own way, as errors with a remedy."""
    try:
        yield
    except (DataError, ResourceError):
        raise
    except FileNotFoundError:
        raise DataError(f"{place} must exist; there is no such file. Check the address.") from None
    except ImportError as error:
        raise ResourceError(f"{place}: {error}. Install it: pip install 'mlpaygrade[cloud]'.") from None
    except Exception as error:  # each store has errors of its own
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ResourceError(
            f"{place} cannot be used: {why}. Check the address, the network and your rights."
        ) from error
