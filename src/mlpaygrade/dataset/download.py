"""One file over HTTP, resumable: what is already on disk is not fetched again.

Enters: a URL and the path of a part file. Leaves: the complete bytes at that path. Does not judge the content; the
caller compares hashes, also because a server may have changed the file between two halves.
"""

import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mlpaygrade.errors import FetchError

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
    return int(found.group(1)) if found else None
