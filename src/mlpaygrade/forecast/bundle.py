"""The bundle: everything that training hands to serving, in one folder.

Enters: named parts as bytes or JSON. Leaves: a folder with `manifest.json` and files whose names carry their hash. The manifest
is replaced atomically and last, so a write that is killed leaves the old bundle whole. Loading reads every part, checks it by
hash and by what it holds, and keeps it in memory: what happens to the folder later changes nothing until it is loaded again.
JSON and ONNX only; nothing in it is executed. Does not predict.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from mlpaygrade.dataset.lock import alone
from mlpaygrade.dataset.writing import write_file
from mlpaygrade.errors import BundleError, ResourceError
from mlpaygrade.forecast.background import Background
from mlpaygrade.forecast.bundle_files import FORMAT, MANIFEST, Manifest, read_manifest, read_part, seal
from mlpaygrade.forecast.calibration import Calibration
from mlpaygrade.forecast.documents import AGAIN, check_document
from mlpaygrade.forecast.encode import JobEncoder
from mlpaygrade.forecast.evidence import Evidence
from mlpaygrade.forecast.local import LOCAL, LocalPay
from mlpaygrade.forecast.onnx_check import check_network
from mlpaygrade.forecast.refusal import AbstentionRule
from mlpaygrade.forecast.signature import check_signature, signature_of

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
        document: dict[str, Any] = json.loads(self.part(name))
        return document

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
        return JobEncoder.from_json(self.json("encoder.json"))

    @cached_property
    def calibration(self) -> Calibration:
        """The conformal calibration."""
        return Calibration.from_json(self.json("calibration.json"))

    @cached_property
    def local(self) -> LocalPay:
        """The moves towards local adverts; none where no rule travels with the bundle."""
        return LocalPay.from_json(self.json(LOCAL)) if self.has(LOCAL) else LocalPay.none()

    @cached_property
    def abstention(self) -> AbstentionRule:
        """When an answer is "not enough data"."""
        return AbstentionRule.from_json(self.json("abstention.json"))

    @cached_property
    def evidence(self) -> Evidence:
        """Counts and quartiles of the training postings."""
        return Evidence.from_json(self.json("evidence.json"))

    @cached_property
    def background(self) -> Background:
        """The jobs that explanations compare with."""
        return Background.from_json(self.json("background.json"))

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
    have signed it. Raises BundleError when it is missing, damaged, forged, of another format or not signed as asked for.
    """
    folder = bundled_path() if path is None else path
    manifest = read_manifest(folder)
    for _ in range(_ATTEMPTS):
        try:
            return _load(folder, manifest, public_key)
        except BundleError:
            again = read_manifest(folder)
            if again == manifest:
                raise
            manifest = again
    return _load(folder, manifest, public_key)


def sign_bundle(folder: Path, private_key: Path) -> None:
    """Put the signature of a key's owner into a bundle. Raises BundleError, InputError for a wrong key, ResourceError."""
    with _writing(folder):
        manifest = load_bundle(folder).manifest
        signed = msgspec.structs.replace(manifest, signature=signature_of(manifest.sha256, private_key))
        write_json(folder / MANIFEST, msgspec.to_builtins(signed))


def _load(folder: Path, manifest: Manifest, public_key: Path | None) -> Bundle:
    if public_key is not None:
        check_signature(manifest.sha256, manifest.signature, public_key, name=folder.name)
    if missing := [name for name in PARTS if name not in manifest.files]:
        raise BundleError(f"The bundle has no part '{missing[0]}'. {AGAIN}")
    parts = {name: read_part(folder, name, part) for name, part in manifest.files.items()}
    for name, content in parts.items():
        if name.endswith(".json"):
            check_document(name, content)
        else:
            check_network(content)
    return Bundle(folder, manifest, parts)


def write_bundle(
    folder: Path,
    parts: Mapping[str, bytes | Mapping[str, object]],
    *,
    provenance: Mapping[str, object],
    instead_of: str | None = None,
) -> Bundle:
    """Write a bundle so that a reader sees the old one or the new one, never a mixture; two writers take turns.

    parts: name -> bytes or JSON. instead_of: seal of the bundle that must still stand there. Returns what was written. Raises
    BundleError where another stands there, ResourceError when the folder cannot be written.
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
        write_file(folder / MANIFEST, _json_bytes({**manifest, "sha256": seal(FORMAT, provenance, files)}, indent=1))
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


def _json_bytes(document: Mapping[str, object], *, indent: int | None = None) -> bytes:
    separators = None if indent else (",", ":")
    return json.dumps(document, indent=indent, separators=separators, allow_nan=False).encode() + b"\n"
