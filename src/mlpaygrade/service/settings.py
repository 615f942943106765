"""What a service allows, from environment variables: `MLPAYGRADE_` and the setting's name in capitals."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from mlpaygrade.errors import InputError

PREFIX: Final = "MLPAYGRADE_"
BATCH: Final = "/v1/batch"
"""The address whose requests are files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits and choices of one service.

    bundle: folder of the bundle; "" for the one in the package. public_key: file of the key that it must be signed with; "" where
    none is asked for. api_keys: separated by commas; "" where none is asked for.
    body_bytes: of one request; batch_bytes, batch_rows: of one file. receive_seconds: to receive a request. concurrency: requests
    worked on at once by one process; more are told to come back. heavy: those among them that run beside the event loop.
    key_requests, key_rows: that one key may ask for in a minute, in each process; 0 is no limit.
    watch_seconds: how often the bundle's folder is looked at. public_metrics: 1 shows counters to other machines without
    a key.
    """

    bundle: str = ""
    public_key: str = ""
    api_keys: str = ""
    body_bytes: int = 256 * 1024
    batch_bytes: int = 64 * 1024 * 1024
    batch_rows: int = 1_000_000
    receive_seconds: int = 30
    concurrency: int = 256
    heavy: int = 4
    key_requests: int = 0
    key_rows: int = 0
    watch_seconds: int = 2
    public_metrics: int = 0

    @property
    def bundle_path(self) -> Path | None:
        """Folder of the bundle; None for the one in the package."""
        return Path(self.bundle) if self.bundle else None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that open the service; none where it is open to all."""
        return tuple(key.strip() for key in self.api_keys.split(",") if key.strip())


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from environment variables (default: the process's). Raises InputError for a limit that is no whole number."""
    given = os.environ if environment is None else environment
    values: dict[str, str | int] = {}
    for field in fields(Settings):
        text = given.get(f"{PREFIX}{field.name.upper()}", "").strip()
        if not text:
            continue
        if field.type is str:
            values[field.name] = text
        elif text.isascii() and text.isdigit() and int(text) > 0:
            values[field.name] = int(text)
        else:
            raise InputError(
                f"{PREFIX}{field.name.upper()} must be a whole number above 0; got {text!r}. Correct it or leave it out."
            )
    return Settings(**values)  # type: ignore[arg-type]
