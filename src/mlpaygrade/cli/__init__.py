"""The command line: a thin skin over the predictor and the runs.

Data goes to stdout, progress and remarks to stderr. Exit codes: 0 done; 1 unexpected; 2 a wrong option or job; 3 a wrong data
file, or rows of it that could not be answered; 4 a bundle that cannot be used; 5 data not found or not downloaded; 6 something
the surroundings lack; 130 interrupted. Nothing heavy is imported before a command needs it.
"""

import io
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from mlpaygrade.cli.options import InOrder
from mlpaygrade.errors import MLPayGradeError, ResourceError, printable

_MODULES: Final = {
    "predict": "predict",
    "explain": "explain",
    "scenarios": "explain",
    "score": "score",
    "benchmark": "benchmark",
    "advert": "benchmark",
    "serve": "serve",
    "mcp": "serve",
    "train": "train",
    "evaluate": "train",
    "promote": "train",
    "refresh": "refresh",
    "market": "market",
    "data": "data",
    "bundle": "bundle",
}
"""Command -> the module that holds it under its name."""


class _Commands(InOrder):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the help."""
        del ctx
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None for a name that there is not, once all are known that it may have meant."""
        for name in [cmd_name] if cmd_name in _MODULES else _MODULES:
            self.commands[name] = getattr(import_module(f"mlpaygrade.cli.{_MODULES[name]}"), name)
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"show_default": True, "max_content_width": 100})
def app() -> None:
    """What a job in machine learning and data pays, how sure that is, and why."""


def main() -> None:
    """Run the command line."""
    run_app(app)


def run_app(app: click.Command) -> None:
    """Run commands; every foreseen error becomes one message and its exit code."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that temporary files and folders go
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _end_after_all
    if sys.stdout is None or sys.stderr is None:  # closed by who started the process
        sys.stdout, sys.stderr = (stream or Path(os.devnull).open("w") for stream in (sys.stdout, sys.stderr))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a console without Unicode
    try:
        _run(app)
    except MLPayGradeError as error:
        print(f"Error: {printable(str(error))}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except click.ClickException as error:
        error.show()
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except (click.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what could not be written is not tried again at the end
        where = f"{error.filename}: " if error.filename else ""
        said = f"{where}{error.strerror or error}. Free space, or check the permissions of what is read and written."
        print(f"Error: {printable(said)}", file=sys.stderr)
        raise SystemExit(ResourceError.exit_code) from None


def _end_after_all(lost: "sys.UnraisableHookArgs") -> None:
    """Ask again to end where SIGTERM came while an object was being deleted, where Python loses every exception."""
    if not isinstance(lost.exc_value, SystemExit):
        sys.__unraisablehook__(lost)
    elif not sys.is_finalizing():
        with suppress(RuntimeError):  # the interpreter ends already and starts no thread
            threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGTERM]).start()


def _run(app: click.Command) -> None:
    """Run commands to the last written byte, so that a full disk is met here and not after the exit code."""
    try:
        app.main(standalone_mode=False)
    finally:
        sys.stdout.flush()
