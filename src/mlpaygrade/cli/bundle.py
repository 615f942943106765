"""`mlpaygrade bundle`: sign a bundle for others, and see who signed one from elsewhere."""

import os
from pathlib import Path

import click

from mlpaygrade.cli import options
from mlpaygrade.errors import InputError

_folder = click.argument("folder", type=Path, metavar="DIR", help="Folder of the bundle.")


@click.group
def bundle() -> None:
    """Sign bundles and check them."""


@bundle.command
@_folder
@click.option(
    "--key",
    required=True,
    type=Path,
    metavar="PEM",
    help="Your Ed25519 private key (openssl genpkey -algorithm ed25519).",
)
def sign(folder: Path, key: Path) -> None:
    """Put your signature into a bundle. A bundle that is written anew must be signed anew."""
    from mlpaygrade.forecast.bundle import sign_bundle

    sign_bundle(folder, key)
    options.say(f"The bundle in {folder} is signed.")


@bundle.command
@_folder
@options.public_key
def verify(folder: Path, public_key: Path | None) -> None:
    """Check every part of a bundle and who signed it. Exits with 4 where it is damaged or not signed with the key."""
    from mlpaygrade.forecast.bundle import KEY_VARIABLE, load_bundle

    named = public_key or os.environ.get(KEY_VARIABLE)
    if not named:
        raise InputError(
            f"verify must know whose signature to look for; got no key. Give --public-key or set {KEY_VARIABLE}."
        )
    found = load_bundle(folder, public_key=Path(named))
    print(f"Whole, and signed with {named}: version {found.provenance['version']}, seal {found.manifest.sha256}.")
