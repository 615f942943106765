"""The bundle: everything that training hands to serving, in one folder that protects itself.

`manifest.json` lists every part with its size and hash and ends in a hash of everything else in it; an Ed25519 signature of
that seal may stand beside it (keys are PEM files, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write
them). The manifest is replaced atomically and last, so a write that is killed leaves the old bundle whole. Loading reads
every part under limits, checks it by hash and by what it holds, and keeps it in memory: what happens to the folder later
changes nothing until it is loaded again. JSON and ONNX only; nothing in it is executed.
"""

import base64
import binascii
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import numpy as np

from mlpaygrade.dataset.writing import alone, write_file
from mlpaygrade.errors import BundleError, InputError, ResourceError
from mlpaygrade.forecast.background import Background, BackgroundDocument
from mlpaygrade.forecast.calibration import (
    LOCAL,
    UNSEEN,
    Calibration,
    CalibrationDocument,
    LocalDocument,
    LocalPay,
    UnseenDocument,
    UnseenTitles,
)
from mlpaygrade.forecast.documents import AGAIN, SHOWN, Part, Provenance, Text, check_network
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.forecast.evidence import Evidence, EvidenceDocument
from mlpaygrade.forecast.refusal import AbstentionRule

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


T = TypeVar("T")

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


KEY_VARIABLE: Final = "MLPAYGRADE_PUBLIC_KEY"
"""Names the public key that every bundle must be signed for."""

_PURPOSE: Final = b"mlpaygrade bundle\n"
"""Stands before what is signed, so that a signature for something else is none of a bundle."""


def signature_of(seal: str, private_key: Path) -> str:
    """The signature of a manifest's seal, in Base64. Raises InputError for what is no Ed25519 private key."""
    return base64.b64encode(_private_key(private_key).sign(_PURPOSE + seal.encode())).decode()


def check_signature(seal: str, signature: str | None, public_key: Path, *, name: str) -> None:
    """Raises BundleError unless the owner of the key signed the bundle `name` with this seal; InputError for a wrong key."""
    from cryptography.exceptions import InvalidSignature

    key = _public_key(public_key)
    if signature is None:
        raise BundleError(
            f"The bundle in '{name}' must be signed for {public_key}; it has no signature. Ask its maker for a signed one, sign "
            f"it yourself (`mlpaygrade bundle sign`) or unset {KEY_VARIABLE}."
        )
    try:
        key.verify(base64.b64decode(signature, validate=True), _PURPOSE + seal.encode())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise BundleError(
            f"The bundle in '{name}' must be signed for {public_key}; its signature '{signature[:12]}...' is of another key or "
            "another bundle. Do not use it; ask its maker for the right one."
        ) from error


def _private_key(path: Path) -> "Ed25519PrivateKey":
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with suppress(ValueError, TypeError):
        key = load_pem_private_key(_pem(path), password=None)
        if isinstance(key, Ed25519PrivateKey):
            return key
    raise _no_key(path, "private", "openssl genpkey -algorithm ed25519 -out KEY.pem")


def _public_key(path: Path) -> "Ed25519PublicKey":
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    with suppress(ValueError):
        key = load_pem_public_key(_pem(path))
        if isinstance(key, Ed25519PublicKey):
            return key
    raise _no_key(path, "public", "openssl pkey -in KEY.pem -pubout -out PUBLIC.pem")


def _require() -> None:
    from importlib.util import find_spec

    if find_spec("cryptography") is None:
        raise ResourceError(
            "Signatures need cryptography, which this environment lacks. Install the extra: pip install 'mlpaygrade[sign]'."
        )


def _pem(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"The key {path} cannot be read ({error.strerror}). Give the path of a PEM file.") from error


def _no_key(path: Path, kind: str, how: str) -> InputError:
    return InputError(f"{path} must be an Ed25519 {kind} key in PEM, without a password; it is none. Make one: {how}.")


NETWORK: Final = "network.onnx"
PARTS: Final = (
    NETWORK,
    "encoder.json",
    "calibration.json",
    "abstention.json",
    "evidence.json",
    "background.json",
    "evaluation.json",
)
"""Parts that every bundle has; others may travel with them."""

_TYPES: Final[Mapping[str, Any]] = {
    "encoder.json": JobEncoder,
    "calibration.json": CalibrationDocument,
    LOCAL: LocalDocument,
    UNSEEN: UnseenDocument,
    "abstention.json": AbstentionRule,
    "evidence.json": EvidenceDocument,
    "background.json": BackgroundDocument,
    **SHOWN,
}
"""What a part must look like; a part that is not named here need only be JSON."""

_MADE: Final[Mapping[str, Callable[[Any], object]]] = {
    "calibration.json": Calibration.of_document,
    LOCAL: LocalPay.of_document,
    UNSEEN: UnseenTitles.of_document,
    "evidence.json": Evidence.of_document,
    "background.json": Background.of_document,
}
"""What is made of a document before it is used."""


def read_document(name: str, content: bytes) -> object:
    """What a JSON part holds, by its type and its own rules. Raises BundleError with what is wrong."""
    try:
        document = msgspec.json.decode(content, type=_TYPES.get(name, Any))
        return _MADE[name](document) if name in _MADE else document
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        damaged = f"The bundle's {name.rsplit('.', 1)[0]} is damaged ({str(error)[:300]})."
        raise BundleError(f"{damaged} {AGAIN}") from error


LOCK: Final = ".writing"
"""Locked by who writes a bundle to its folder; gone with the last of them."""

_ATTEMPTS: Final = 5
"""How often a bundle that is replaced while it is read is read again."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """An opened bundle, whole in memory.

    path: the folder that it was read from. manifest: format, provenance, files. parts: name -> bytes, all checked.
    """

    path: Path
    manifest: Manifest
    parts: Mapping[str, bytes]

    def part(self, name: str) -> bytes:
        """The bytes of one part. Raises BundleError when the bundle has none of that name."""
        if name not in self.parts:
            raise BundleError(f"The bundle has no part '{name}'. {AGAIN}")
        return self.parts[name]

    def json(self, name: str) -> dict[str, Any]:
        """One JSON part."""
        document: dict[str, Any] = msgspec.json.decode(self.part(name))
        return document

    def _made(self, name: str, kind: type[T]) -> T:
        found = read_document(name, self.part(name))
        assert isinstance(found, kind), "by the table of types"
        return found

    def has(self, name: str) -> bool:
        """Whether a part travels in this bundle."""
        return name in self.parts

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where it comes from: version, data hash, trained through, seed, versions, synthetic or not."""
        return self.manifest.provenance

    @cached_property
    def encoder(self) -> JobEncoder:
        """The encoder fitted on the training postings."""
        return self._made("encoder.json", JobEncoder)

    @cached_property
    def calibration(self) -> Calibration:
        """The conformal calibration."""
        return self._made("calibration.json", Calibration)

    @cached_property
    def local(self) -> LocalPay:
        """The moves towards local adverts; none where no rule travels with the bundle."""
        return self._made(LOCAL, LocalPay) if self.has(LOCAL) else LocalPay()

    @cached_property
    def unseen(self) -> UnseenTitles | None:
        """The model of titles that the training data lack; None where the network alone answers for them."""
        if not self.has(UNSEEN):
            return None
        found = self._made(UNSEEN, UnseenTitles)
        found.check(self.encoder)
        return found

    @cached_property
    def abstention(self) -> AbstentionRule:
        """When an answer is "not enough data"."""
        return self._made("abstention.json", AbstentionRule)

    @cached_property
    def evidence(self) -> Evidence:
        """Counts and quartiles of the training postings."""
        return Evidence(self.json("evidence.json"))

    @cached_property
    def background(self) -> Background:
        """The jobs that explanations compare with."""
        return self._made("background.json", Background)

    @cached_property
    def ageing(self) -> Mapping[str, Any] | None:
        """What the age of a model has cost in the past; None where that was not measured."""
        return self.json("ageing.json") if self.has("ageing.json") else None

    @cached_property
    def evaluation(self) -> Mapping[str, Any]:
        """Measured quality with its protocol."""
        return self.json("evaluation.json")


def bundled_path() -> Path:
    """Folder of the bundle that ships inside the package."""
    return Path(str(resources.files("mlpaygrade") / "model"))


def load_bundle(path: Path | None = None, *, public_key: Path | None = None) -> Bundle:
    """Open a bundle (default: the one that ships inside the package), read and check all of it.

    A bundle that is replaced meanwhile is read again: the old one or the new one, never a mixture. public_key: whose owner must
    have signed it. The package's own is held to its hashes alone: whoever could forge a part could forge the code beside it.
    Raises BundleError when it is missing, damaged, forged, of another format or not signed as asked for.
    """
    folder = bundled_path() if path is None else path
    manifest = read_manifest(folder)
    for _ in range(_ATTEMPTS):
        try:
            return _load(folder, manifest, public_key, forged=path is not None)
        except BundleError:
            again = read_manifest(folder)
            if again == manifest:
                raise
            manifest = again
    return _load(folder, manifest, public_key, forged=path is not None)


def sign_bundle(folder: Path, private_key: Path) -> None:
    """Put the signature of a key's owner into a bundle. Raises BundleError, InputError for a wrong key, ResourceError."""
    with _writing(folder):
        manifest = load_bundle(folder).manifest
        signed = msgspec.structs.replace(manifest, signature=signature_of(manifest.sha256, private_key))
        write_json(folder / MANIFEST, msgspec.to_builtins(signed))


def _load(folder: Path, manifest: Manifest, public_key: Path | None, *, forged: bool) -> Bundle:
    """forged: whether its parts may have been made by somebody else, and are checked for what stands in them."""
    if public_key is not None:
        check_signature(manifest.sha256, manifest.signature, public_key, name=folder.name)
    if missing := [name for name in PARTS if name not in manifest.files]:
        raise BundleError(f"The bundle has no part '{missing[0]}'. {AGAIN}")
    parts = {name: read_part(folder, name, part) for name, part in manifest.files.items()}
    for name, content in parts.items() if forged else ():
        if name.endswith(".json"):
            read_document(name, content)
        else:
            check_network(content)
    return Bundle(folder, manifest, parts)


def write_bundle(
    folder: Path,
    parts: Mapping[str, object],
    *,
    provenance: Mapping[str, object],
    instead_of: str | None = None,
    sign_with: Path | None = None,
) -> Bundle:
    """Write a bundle so that a reader sees the old one or the new one, never a mixture; two writers take turns.

    parts: name -> bytes, or what its JSON is made of. instead_of: seal of the bundle that must still stand there. sign_with: a
    private key whose signature the bundle carries from its first moment. Returns what was written. Raises BundleError where
    another stands there, InputError for a wrong key, ResourceError when the folder cannot be written.
    """
    if missing := [name for name in PARTS if name not in parts]:
        raise BundleError(f"A bundle needs the part '{missing[0]}'.")
    files = {}
    with _writing(folder):
        if instead_of is not None and read_manifest(folder).sha256 != instead_of:
            raise BundleError(f"The bundle in {folder} was replaced meanwhile, and that one stays. Run this again.")
        replaced = _listed_files(folder)
        for name, part in parts.items():
            content = part if isinstance(part, bytes) else _json_bytes(part)
            digest = hashlib.sha256(content).hexdigest()
            stem, suffix = name.rsplit(".", 1)
            path = f"{stem}-{digest[:12]}.{suffix}"
            write_file(folder / path, content)
            files[name] = {"path": path, "sha256": digest, "bytes": len(content)}
        manifest = {"format": FORMAT, "provenance": dict(provenance), "files": files}
        manifest["sha256"] = sealed = seal(FORMAT, provenance, files)
        if sign_with is not None:
            manifest["signature"] = signature_of(sealed, sign_with)
        write_file(folder / MANIFEST, _json_bytes(manifest, indent=1))
        for path in replaced - {entry["path"] for entry in files.values()}:
            (folder / path).unlink(missing_ok=True)
        return load_bundle(folder)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The folder, made where it is missing, with nobody else writing a bundle to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder / LOCK, on_wait=lambda: None):
            yield
    except OSError as error:
        raise ResourceError(
            f"The bundle cannot be written to {folder}: {error.strerror}. Give another folder."
        ) from error


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON document so that a reader sees the old file or the new one."""
    write_file(path, _json_bytes(document, indent=1))


def _listed_files(folder: Path) -> set[str]:
    """Names of the part files of the bundle that is about to be replaced; empty when there is none to be read."""
    try:
        entries = json.loads((folder / MANIFEST).read_bytes())["files"].values()
        return {Path(entry["path"]).name for entry in entries} - {MANIFEST}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return set()


def _json_bytes(document: object, *, indent: int | None = None) -> bytes:
    separators = None if indent else (",", ":")
    return json.dumps(document, indent=indent, separators=separators, allow_nan=False, default=_plain).encode() + b"\n"


def _plain(part: object) -> object:
    """What a part that is no plain JSON holds: the values of an array, the fields of a dataclass."""
    return part.tolist() if isinstance(part, np.ndarray) else msgspec.to_builtins(part, enc_hook=_plain)
