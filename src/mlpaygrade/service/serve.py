"""Running the service: processes, the folder where their counters meet, and an end that lets requests finish."""

import os
import tempfile
from typing import Final

from mlpaygrade.service.guard import read_settings
from mlpaygrade.service.meters import SHARED_FOLDER
from mlpaygrade.service.model_slot import ModelSlot

DRAIN_SECONDS: Final = 30
"""Requests that are being answered have this long to end once the service is told to stop."""
BACKLOG: Final = 2_048


def serve(*, host: str, port: int, workers: int) -> None:
    """Serve until told to stop (SIGTERM, SIGINT). Raises BundleError and InputError before anything listens."""
    import uvicorn

    settings = read_settings()
    ModelSlot(settings.bundle_path, public_key=settings.public_key)  # so that what cannot serve says so once, here
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-meters-") as folder:
        if workers > 1:
            os.environ.setdefault(SHARED_FOLDER, folder)
        uvicorn.run(
            "mlpaygrade.service.web:process_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
