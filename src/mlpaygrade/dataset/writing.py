"""Every file that a command writes: whole or not at all, on disk before it is there, and nothing left behind.

A reader sees the old file or the new one. A symbolic link is written through; what is no regular file is refused. The
temporary file has a name of its own in the target's folder and goes with an exception or a SIGTERM. `locked` lets one process
at a time work; a killed holder frees it, as the system holds the lock. Windows and file systems without locks get none.
"""

import errno
import os
import platform
import secrets
import signal
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, BinaryIO, Final, NoReturn

from mlpaygrade.errors import ResourceError

_REMEDIES: Final = {
    errno.ENOSPC: "Free space, or give another place.",
    errno.EDQUOT: "Free space, or give another place.",
    errno.EROFS: "Give a place that can be written.",
    errno.EACCES: "Give a place that you may write to, or change its permissions.",
    errno.EPERM: "Give a place that you may write to, or change its permissions.",
    errno.ENOENT: "Create its folder, or give another place.",
    errno.ELOOP: "The symbolic link points to itself; give another place.",
}


@contextmanager
def writing_bytes(path: Path) -> Iterator[BinaryIO]:
    """The file that will stand at `path`, open for bytes; leaving without an exception puts it in place.

    Raises ResourceError where it cannot be written.
    """
    try:
        target = _regular(path)
        _remove_abandoned(target)
        part = target.with_name(f"{_prefix(target)}{os.getpid()}.{secrets.token_hex(6)}.part")
        with _removed_on_sigterm(part):
            try:
                with part.open("xb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                if target.exists():
                    part.chmod(target.stat().st_mode & 0o777)
                part.replace(target)
                _sync_folder(target.parent)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot(path, error) from error


def write_file(path: Path, content: str | bytes, *, parents: bool = False) -> None:
    """Write a file at once; text as UTF-8. parents: make its folder. Raises ResourceError where it cannot be written."""
    if parents:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot(path, error) from error
    with writing_bytes(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def _regular(path: Path) -> Path:
    """The file that is written, links followed. Raises ResourceError for a folder, device or pipe."""
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        what = "a folder" if target.is_dir() else "no regular file"
        raise ResourceError(f"{path} cannot be written: it is {what}. Give the path of a file.")
    if not target.parent.is_dir():
        raise ResourceError(f"The output folder {path.parent} does not exist. Create it, or give another place.")
    if target.exists() and not os.access(target, os.W_OK):
        raise ResourceError(
            f"{path} cannot be written: it is read-only. Give another place, or change its permissions."
        )
    return target


def _prefix(target: Path) -> str:
    """How temporary files of this machine for a target begin; the number of the writing process follows."""
    return f".{target.name[:100]}.{zlib.crc32(platform.node().encode()):08x}-"


def _remove_abandoned(target: Path) -> None:
    """Remove what killed processes of this machine left of the same target."""
    for left in target.parent.iterdir():
        if left.name.startswith(_prefix(target)) and left.name.endswith(".part"):
            process = left.name.removeprefix(_prefix(target)).split(".")[0]
            if process.isdecimal() and not _runs(int(process)):
                left.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _cannot(path: Path, error: OSError) -> ResourceError:
    remedy = _REMEDIES.get(error.errno or 0, "Give another place.")
    return ResourceError(f"{path} cannot be written: {error.strerror or error}. {remedy}")


def _sync_folder(folder: Path) -> None:
    """Put the new name on disk, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _removed_on_sigterm(part: Path) -> Iterator[None]:
    """While it holds, SIGTERM removes `part` before it ends the process; a handler that somebody else set is left alone."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        part.unlink(missing_ok=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


UNSUPPORTED: Final = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def alone(path: Path, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock `path`; `on_wait` is called where somebody else holds it, before waiting for him."""
    while True:
        with path.open("a") as file:
            _take(file, on_wait)
            if not _stands(path, file):
                continue  # the holder before removed it, and a newcomer would lock another file than this one
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _take(file: IO[str], on_wait: Callable[[], None]) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        on_wait()
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _stands(path: Path, file: IO[str]) -> bool:
    if sys.platform == "win32":
        return True
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:
        return False
