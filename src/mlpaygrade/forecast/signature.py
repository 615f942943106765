"""Who made a bundle: an Ed25519 signature of its seal, which is a hash over all of it.

Keys are PEM files, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them. Needs the extra `sign`.
"""

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mlpaygrade.errors import BundleError, InputError, ResourceError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

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

    try:
        key = load_pem_private_key(_pem(path), password=None)
    except (ValueError, TypeError) as error:
        raise _no_key(path, "private", "openssl genpkey -algorithm ed25519 -out KEY.pem") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "private", "openssl genpkey -algorithm ed25519 -out KEY.pem")
    return key


def _public_key(path: Path) -> "Ed25519PublicKey":
    _require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(_pem(path))
    except ValueError as error:
        raise _no_key(path, "public", "openssl pkey -in KEY.pem -pubout -out PUBLIC.pem") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path, "public", "openssl pkey -in KEY.pem -pubout -out PUBLIC.pem")
    return key


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
