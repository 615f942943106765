"""`mlpaygrade serve` and `mlpaygrade mcp`: the same answers to programs and to assistants."""

from functools import partial
from pathlib import Path

import click

from mlpaygrade.cli import options

_host = click.option(
    "--host",
    default="127.0.0.1",
    metavar="ADDRESS",
    help="Address to listen at; 0.0.0.0 for every one of this machine.",
)
_port = partial(click.option, "--port", type=click.IntRange(1, 65_535), metavar="N", help="Port to listen at.")


@click.command
@_host
@_port(default=8080)
@click.option("--workers", type=click.IntRange(1, 256), default=1, metavar="N", help="Processes; one a core.")
@options.bundle
@options.public_key
def serve(*, host: str, port: int, workers: int, bundle: Path | None, public_key: Path | None) -> None:
    """Answer over HTTP: /v1/estimate and its like, described at /openapi.json. Limits and keys are environment variables."""
    options.require("This needs", "serve", "starlette", "uvicorn", "msgspec", "prometheus_client")
    from mlpaygrade.service.web import serve as run

    _use(bundle, public_key)
    run(host=host, port=port, workers=workers)


@click.command
@click.option("--http", is_flag=True, help="Listen at an address instead of standard input.")
@_host
@_port(default=8081)
@options.bundle
@options.public_key
def mcp(*, http: bool, host: str, port: int, bundle: Path | None, public_key: Path | None) -> None:
    """Answer assistants over the Model Context Protocol: on standard input and output, or with --http at /mcp."""
    options.require("This needs", "mcp", "mcp")
    from mlpaygrade.service.assistants import run

    run(options.load_predictor(bundle, public_key), http=(host, port) if http else None)


def _use(bundle: Path | None, public_key: Path | None) -> None:
    """Name the bundle and the key to the processes that serve."""
    import os

    for name, path in (("MLPAYGRADE_BUNDLE", bundle), ("MLPAYGRADE_PUBLIC_KEY", public_key)):
        if path is not None:
            os.environ[name] = str(path.resolve())
