"""The files of a bundle: a manifest that protects itself, and parts read under limits.

`manifest.json` lists every part with its size and hash, and ends in a hash of everything else in it. A part is a regular file
beside the manifest, no link, no larger than it says. Knows nothing of what the parts mean.
"""

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from mlpaygrade.errors import BundleError
from mlpaygrade.forecast.documents import AGAIN, Part, Provenance, Text

FORMAT: Final = 3
MANIFEST: Final = "manifest.json"

MOST_MANIFEST: Final = 1 << 20
MOST_PART: Final = 64 << 20
MOST_TOTAL: Final = 256 << 20
"""Bytes that a manifest, a part and all parts may have."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """format: of the bundle. provenance: as `Provenance` and more. files: name -> part. sha256: of these three, `seal`.

    signature: of the seal, by whoever made the bundle (`signature.py`); few have one.
    """

    format: int
    provenance: dict[str, Any]
    files: dict[str, Part]
    sha256: str
    signature: Text | None = None


def seal(format: int, provenance: Mapping[str, object], files: Mapping[str, object]) -> str:
    """The hash that protects a manifest: of its content as JSON with sorted keys and without spaces."""
    content = {"format": format, "provenance": provenance, "files": files}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle. Raises BundleError where it is missing, altered or of another format."""
    content = _read(folder / MANIFEST, limit=MOST_MANIFEST, missing=f"There is no bundle in '{folder.name}'")
    try:
        document = msgspec.json.decode(content)
        found = document.get("format") if isinstance(document, dict) else None
        if isinstance(found, int) and found != FORMAT:
            age = "an earlier" if found < FORMAT else "a later"
            raise BundleError(
                f"The bundle in '{folder.name}' has format {str(found)[:20]}, of {age} release; this one reads {FORMAT}. "
                f"{AGAIN if found < FORMAT else 'Install the newest release.'}"
            )
        manifest = msgspec.convert(document, Manifest)
        msgspec.convert(manifest.provenance, Provenance)
        files = msgspec.to_builtins(manifest.files)
        altered = manifest.sha256 != seal(manifest.format, manifest.provenance, files)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BundleError(f"The bundle's manifest is truncated or altered ({str(error)[:300]}). {AGAIN}") from error
    if altered:
        raise BundleError(f"The bundle's manifest is altered: its content has not the hash at its end. {AGAIN}")
    total = sum(part.bytes for part in manifest.files.values())
    if total > MOST_TOTAL or len({part.path for part in manifest.files.values()}) != len(manifest.files):
        raise BundleError(
            f"The bundle's parts must be of {MOST_TOTAL >> 20} MiB at most, each a file of its own. {AGAIN}"
        )
    return manifest


def read_part(folder: Path, name: str, part: Part) -> bytes:
    """The bytes of one part. Raises BundleError when it is missing, truncated or altered."""
    if part.bytes > MOST_PART:
        raise BundleError(
            f"The bundle's part {name} must have {MOST_PART >> 20} MiB at most; got {part.bytes:,} bytes. {AGAIN}"
        )
    content = _read(folder / part.path, limit=part.bytes, missing=f"The bundle's part {name} cannot be read")
    if len(content) != part.bytes or hashlib.sha256(content).hexdigest() != part.sha256:
        raise BundleError(
            f"The bundle's part {name} is truncated or altered: {len(content):,} bytes whose hash is not the one in its "
            f"manifest. {AGAIN}"
        )
    return content


def _read(path: Path, *, limit: int, missing: str) -> bytes:
    """A regular file of at most `limit` bytes; links, devices and pipes are not opened for reading."""
    if path.is_symlink():
        raise BundleError(f"{missing}: {path.name} is a symbolic link. {AGAIN}")
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _BINARY)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise BundleError(f"{missing}: {path.name} is no regular file. {AGAIN}")
            if about.st_size > limit:
                raise BundleError(
                    f"{missing}: {path.name} is altered, {about.st_size:,} bytes where {limit:,} are the most. {AGAIN}"
                )
            return file.read(limit + 1)
    except OSError as error:
        raise BundleError(f"{missing}: {path.name} cannot be read ({error.strerror}). {AGAIN}") from error
    except ValueError as error:
        raise BundleError(f"{missing}: its path cannot be used ({error}). {AGAIN}") from error


_BINARY: Final = getattr(os, "O_BINARY", 0)
