"""Trainings that are killed and started again, and first trainings that meet in one new tracking database.

Each is a process of its own, forked from one that has imported the libraries, so that a kill costs what the training did and not
what Python's start costs. Kills come after a random processor time: the load of the machine does not choose the moment.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from mlpaygrade.forecast.bundle import load_bundle

TINY = "[network]\nmembers = 2\nhidden = [8]\n[training]\nepochs = 4\nbatch_size = 128\n[calibration]\nfolds = 1\nwindow = 0.3\n"
MOST_KILLS = 12
TICK = os.sysconf("SC_CLK_TCK")


def forked(work: Callable[[], None], log: Path) -> int:
    """Do something in a forked process; what it prints goes to `log`. Returns the process's number."""
    import mlflow  # noqa: F401
    import tensorflow  # noqa: F401

    from mlpaygrade.training import export, registry, run, tracking  # noqa: F401

    process = os.fork()
    if process:
        return process
    code = 99
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        work()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException as error:
        os.write(2, f"Traceback: {type(error).__name__}: {error}".encode())
    finally:
        os._exit(code)


def command(folder: Path, run: Path) -> Callable[[], None]:
    """The command of one tiny training, tracked."""
    data, config = market(folder)
    words = [
        "train",
        "--data",
        str(data),
        "--config",
        str(config),
        "--output",
        str(run),
    ]

    def start() -> None:
        from mlpaygrade import cli

        sys.argv = ["mlpaygrade", *words]
        cli.main()

    return start


def network(folder: Path, run: Path) -> Callable[[], None]:
    """One network, fitted with checkpoints and exported: the part of a training that goes on where it stood."""
    data, _ = market(folder)

    def start() -> None:
        from mlpaygrade.dataset.postings import build_postings
        from mlpaygrade.dataset.table import read_table
        from mlpaygrade.dataset.writing import write_file
        from mlpaygrade.training.export import export_onnx
        from mlpaygrade.training.fit import fit_network
        from mlpaygrade.training.settings import NetworkSettings, TrainingSettings

        run.mkdir(exist_ok=True)
        postings = build_postings(read_table(data).frame)
        settings = {
            "network": NetworkSettings(members=2, hidden=(8,)),
            "training": TrainingSettings(epochs=8, batch_size=128),
        }
        fitted = fit_network(postings, checkpoint=run / "state", **settings)  # type: ignore[arg-type]
        write_file(run / "network.onnx", export_onnx(fitted, fitted.encoder.transform(postings.jobs.iloc[:20]))[0])

    return start


def ended(process: int) -> int:
    """The exit code of a forked process; below 0 where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def killed_after(process: int, seconds: float) -> int:
    """Kill a process once it has used so many seconds of processor time; its exit code."""
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        if (int(fields[11]) + int(fields[12])) / TICK >= seconds:
            os.kill(process, signal.SIGKILL)
            return ended(process)
        time.sleep(0.01)


@cache
def market(folder: Path) -> tuple[Path, Path]:
    """A small synthetic market and tiny settings."""
    from mlpaygrade.testing.synthetic import SyntheticMarket

    data, config = folder / "synthetic.csv", folder / "tiny.toml"
    SyntheticMarket(seed=7, n_postings=900).write(data)
    config.write_text(TINY)
    return data, config


@cache
def straight(folder: Path, kind: str) -> tuple[dict[str, bytes], float]:
    """What an uninterrupted run makes, and how much processor time it took."""
    run, before = folder / f"straight-{kind}" / "run", os.times()
    run.parent.mkdir()
    log = run.parent / "log"
    if code := ended(forked(KINDS[kind](folder, run), log)):
        raise SystemExit(f"The uninterrupted training ends with {code}: {log.read_text()[-2000:]}")
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return results(run), seconds


def results(run: Path) -> dict[str, bytes]:
    """The network of a run, or every part of its bundle."""
    network_alone = run / "network.onnx"
    return (
        {"network": network_alone.read_bytes()} if network_alone.exists() else dict(load_bundle(run / "bundle").parts)
    )


def killed_until_done(folder: Path, kind: str, number: int) -> tuple[int, list[str]]:
    """Kill one training again and again, then let it end; how many kills that took, and what went wrong.

    A kill comes anywhere between the start and the end of an uninterrupted run. After `MOST_KILLS` the training is left alone:
    its start and its export are not taken up where they stood, so short lives alone need not lead to an end.
    """
    wanted, seconds = straight(folder, kind)
    rng, place = random.Random(number), folder / f"killed-{kind}-{number}"
    place.mkdir()
    kills, log, code = 0, place / "log", -signal.SIGKILL
    while code == -signal.SIGKILL:
        process = forked(KINDS[kind](folder, place / "run"), log)
        code = killed_after(process, rng.uniform(0, seconds)) if kills < MOST_KILLS else ended(process)
        kills += code == -signal.SIGKILL
    said = log.read_text()
    if code != 0 or "Traceback" in said:
        return kills, [f"{kind} {number}, after {kills} kills: exit {code}, {said[-300:]}"]
    other = sorted(name for name, content in results(place / "run").items() if wanted[name] != content)
    left = {path.name for path in (place / "run").iterdir()} - {
        "bundle",
        "judged",
        "figures",
        "report.json",
        "network.onnx",
    }
    return kills, [f"{kind} {number}, after {kills} kills: other parts {other}, left {left}"] if other or left else []


def two_at_once(folder: Path, number: int) -> list[str]:
    """Two first trainings on one new tracking database: both end well and both are in it."""
    place = folder / f"pair-{number}"
    place.mkdir()
    logs = [place / f"{name}.log" for name in "ab"]
    codes = [ended(process) for process in [forked(command(folder, place / log.stem), log) for log in logs]]
    said = [log.read_text() for log in logs]
    if codes != [0, 0] or any("Logged to MLflow" not in text for text in said):
        return [f"pair {number}: exit {codes}: {[text[-300:] for text in said]}"]
    return []


KINDS: dict[str, Callable[[Path, Path], Callable[[], None]]] = {
    "network": network,
    "tracked": command,
}
