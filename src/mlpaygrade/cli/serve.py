"""`mlpaygrade serve` and `mlpaygrade mcp`: the same answers to programs and to assistants."""

from pathlib import Path
from typing import Annotated

import typer

from mlpaygrade.cli import options

Host = Annotated[str, typer.Option("--host", help="Address to listen at; 0.0.0.0 for every one of this machine.")]
Port = Annotated[int, typer.Option("--port", min=1, max=65_535, help="Port to listen at.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(mcp)


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8080,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="Processes; one a core.")] = 1,
    bundle: options.BundleOption = None,
    public_key: options.PublicKey = None,
) -> None:
    """Answer over HTTP: /v1/estimate and its like, described at /openapi.json. Limits and keys are environment variables."""
    options.require("This needs", "serve", "starlette", "uvicorn", "msgspec", "prometheus_client")
    from mlpaygrade.service.web import serve as run

    _use(bundle, public_key)
    run(host=host, port=port, workers=workers)


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Listen at an address instead of standard input.")] = False,
    host: Host = "127.0.0.1",
    port: Port = 8081,
    bundle: options.BundleOption = None,
    public_key: options.PublicKey = None,
) -> None:
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
