"""One process at a time: a file that is locked while somebody works on what stands beside it.

Enters: the path of the lock. Leaves: nothing; the lock's file goes with its last holder. A killed holder frees it, as the system
holds the lock, not the file's existence. Windows and file systems without locks get none.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

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
