"""`mlpaygrade bundle`: sign a bundle for others, and see who signed one from elsewhere."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mlpaygrade.cli import options
from mlpaygrade.errors import InputError

app = typer.Typer(help="Sign bundles and check them.", no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the bundle.")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    commands.add_typer(app, name="bundle")


@app.command()
def sign(
    folder: Folder,
    key: Annotated[
        Path,
        typer.Option("--key", metavar="PEM", help="Your Ed25519 private key (openssl genpkey -algorithm ed25519)."),
    ],
) -> None:
    """Put your signature into a bundle. A bundle that is written anew must be signed anew."""
    from mlpaygrade.forecast.bundle import sign_bundle

    sign_bundle(folder, key)
    options.say(f"The bundle in {folder} is signed.")


@app.command()
def verify(folder: Folder, public_key: options.PublicKey = None) -> None:
    """Check every part of a bundle and who signed it. Exits with 4 where it is damaged or not signed with the key."""
    from mlpaygrade.forecast.bundle import KEY_VARIABLE, load_bundle

    named = public_key or os.environ.get(KEY_VARIABLE)
    if not named:
        raise InputError(
            f"verify must know whose signature to look for; got no key. Give --public-key or set {KEY_VARIABLE}."
        )
    bundle = load_bundle(folder, public_key=Path(named))
    print(f"Whole, and signed with {named}: version {bundle.provenance['version']}, seal {bundle.manifest.sha256}.")
