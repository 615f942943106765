"""Faults on purpose, counted: kills, signals, disks and users, files, uploads, bundles, egress. `make torture` runs it.

`python benchmarks/torture.py [--full] [--only WORDS ...]` writes benchmarks/results/torture.json, of which `scripts/docs.py`
makes the table of docs/reliability.md, and ends with 1 where a fault broke what must hold. Short: about six minutes; full:
about ten times as many within 30 minutes. Each kind has its share of the time and tries no further fault after it, so a busy
machine tries fewer. Kinds run apart (`--only`) are put beside those that ran before.
"""

import argparse
import csv
import ctypes
import importlib.util
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any
from unittest import mock

import odd_files
import torture_training as training

from mlpaygrade import Predictor, cli
from mlpaygrade.benchmarking.sheet import read_sheet
from mlpaygrade.errors import MLPayGradeError
from mlpaygrade.forecast.bundle import bundled_path
from mlpaygrade.forecast.score import score_file
from mlpaygrade.job.fields import FEATURES
from mlpaygrade.testing.synthetic import SyntheticMarket

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "torture.json"
CODE = "from mlpaygrade.cli import main; main()"
ROW = ("2024", "SE", "FT", "Data Engineer", "US", "0", "US", "M")
JOB = ("--title", "Data Scientist", "--experience", "SE", "--location", "US")
EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 130, 143}


@dataclass
class Tally:
    """What was tried of one kind, and what went wrong."""

    what: str
    must: str
    tried: int = 0
    wrong: list[str] = field(default_factory=list)


def start(*words: str, **more: object) -> "subprocess.Popen[str]":
    """The command line as a process of its own."""
    arguments = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    return subprocess.Popen([sys.executable, "-c", CODE, *words], **arguments)  # type: ignore[call-overload,no-any-return]


def jobs_file(path: Path, rows: int) -> None:
    """A file of jobs, every hundredth row another title."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FEATURES)
        writer.writerows((*ROW[:3], f"Data Engineer {n // 100}", *ROW[4:]) for n in range(rows))


def ended(tally: Tally, folder: Path, number: int) -> None:
    """End `score` with a signal at some moment: the old output stays, or the new one is whole; nothing else is left."""
    rows = 60_000
    source, output = folder / "jobs.csv", folder / "out" / "scored.csv"
    if not source.exists():
        jobs_file(source, rows)
        jobs_file(folder / "few.csv", 3)
        output.parent.mkdir()
    output.write_text("old")
    process = start("score", str(source), "--output", str(output))
    time.sleep(random.Random(number).uniform(0.0, 4.0))
    sent = signal.SIGKILL if tally.what.startswith("kill") else signal.SIGTERM
    with suppress(ProcessLookupError):
        process.send_signal(sent)
    said = process.communicate()[1]
    text = output.read_text()
    if text != "old" and text.count("\n") != rows + 1:
        tally.wrong.append(f"half an output after {sent.name}")
    if "Traceback" in said:
        tally.wrong.append(f"a traceback after {sent.name}")
    if sent is signal.SIGKILL:  # what a killed process leaves goes with the next write
        score_file(folder / "few.csv", output, predictor=predictor())
    if [file.name for file in output.parent.iterdir()] != ["scored.csv"]:
        tally.wrong.append("a temporary file is left")


_PREDICTOR: list[Predictor] = []


def predictor() -> Predictor:
    """The shipped model, opened once."""
    if not _PREDICTOR:
        _PREDICTOR.append(Predictor.load())
    return _PREDICTOR[0]


def unknown_user() -> None:
    """Make this process one of a user whom the machine has no name and no home for, and who may no more than others."""
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.getuid(), os.getgid()
    if libc.unshare(0x10000000):  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), "no user of its own can be made here")
    for name, text in (("setgroups", "deny"), ("uid_map", f"54321 {user} 1"), ("gid_map", f"54321 {group} 1")):
        Path(f"/proc/self/{name}").write_text(text)
    libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())


def surroundings(folder: Path) -> Iterator[tuple[str, dict[str, object], tuple[str, ...]]]:
    """Commands in bad surroundings: name, arguments of the process, words."""
    source, data, key = folder / "few.csv", folder / "synthetic.csv", folder / "key.pem"
    jobs_file(source, 20)
    SyntheticMarket(seed=7, n_postings=900).write(data)
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True, capture_output=True)
    sealed, full, signed = folder / "sealed", folder / "full", folder / "signed"
    for place in (sealed, full):
        place.mkdir(exist_ok=True)
    shutil.copytree(bundled_path(), signed, dirs_exist_ok=True)
    sealed.chmod(0o500)
    folder.chmod(0o755)
    writing: dict[str, Callable[[Path], tuple[str, ...]]] = {
        "score": lambda to: ("score", str(source), "--output", str(to / "scored.csv")),
        "benchmark xlsx": lambda to: ("benchmark", str(source), "--output", str(to / "compared.xlsx")),
        "benchmark csv": lambda to: ("benchmark", str(source), "--output", str(to / "compared.csv")),
        "benchmark html": lambda to: ("benchmark", str(source), "--output", str(to / "compared.html")),
        "mapping": lambda to: (
            "benchmark",
            str(source),
            "--output",
            str(to / "m.csv"),
            "--mapping",
            str(to / "new.toml"),
        ),
        "market": lambda to: ("market", "--data", str(data), "--output", str(to / "market.html")),
        "fetch": lambda to: ("data", "fetch", "--output", str(to / "fetched.csv")),
        "evaluate": lambda to: (
            "evaluate",
            "--data",
            str(data),
            "--bundle",
            str(signed),
            "--output",
            str(to / "evaluation"),
        ),
        "train": lambda to: ("train", "--data", str(data), "--output", str(to / "run")),
        "refresh": lambda to: (
            "refresh",
            "--data",
            str(data),
            "--output",
            str(to / "new"),
            "--bundle",
            str(to / "served"),
        ),
    }
    commands = {
        "predict": ("predict", *JOB),
        "predict --json": ("predict", *JOB, "--json"),
        "explain": ("explain", *JOB),
        "advert": ("advert", *JOB),
        "help": ("--help",),
        "audit": ("data", "audit", "--data", str(data)),
        "check": ("data", "check", "--data", str(source)),
        "editions": ("data", "editions"),
        "sign": ("bundle", "sign", str(signed), "--key", str(key)),
        "no bundle": ("predict", *JOB, "--bundle", str(folder)),
        **{
            name: words(folder / name)
            for name, words in writing.items()
            if (folder / name).mkdir(exist_ok=True) is None
        },
        "train": ("train", "--data", str(source), "--output", str(folder / "train" / "run")),
        "refresh": ("refresh", "--data", str(source), "--output", str(folder / "refresh" / "new")),
    }
    offline = {**os.environ, "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    homeless = {
        name: value for name, value in offline.items() if name not in ("HOME", "XDG_CACHE_HOME", "USER", "LOGNAME")
    }
    for name, words in commands.items():
        yield f"{name}, full disk", {"stdout": Path("/dev/full").open("w"), "env": offline}, words  # noqa: SIM115
        yield f"{name}, closed console", {"stdout": "closed", "env": offline}, words
        yield f"{name}, no console at all", {"preexec_fn": partial(os.close, 1), "env": offline}, words
        yield f"{name}, console without Unicode", {"env": {**offline, "PYTHONIOENCODING": "ascii"}, "anew": True}, words
        yield (
            f"{name}, C locale",
            {"env": {**offline, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "anew": True},
            words,
        )
        yield f"{name}, no home", {"env": homeless}, words
        yield f"{name}, home that is a file", {"env": {**offline, "HOME": str(source)}}, words
        yield f"{name}, unknown user", {"env": homeless, "preexec_fn": unknown_user}, words
    for name, to in writing.items():
        yield f"{name} beyond the largest file", {"env": offline, "preexec_fn": _little_room}, to(folder / name)
        yield f"{name} to a full disk", {"env": offline}, to(full)
        yield f"{name} to a sealed folder", {"env": homeless, "preexec_fn": unknown_user}, to(sealed)
        yield f"{name} to a file as folder", {"env": offline}, to(source)
    for place in ("/dev/full", str(folder), str(folder / "no" / "x.csv"), "/proc/x.csv", "/dev/null/x"):
        yield f"score to {place[:12]}", {}, ("score", str(source), "--output", place)


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))


@contextmanager
def full_disk(place: Path) -> Iterator[None]:
    """A disk with no room at `place`; an ordinary folder where this machine lets nobody mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(place)], capture_output=True, check=False
    )
    try:
        if mounted.returncode == 0:
            with suppress(OSError):
                (place / "filling").write_bytes(b"x" * 8_192)
        yield
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(place)], check=True)


def disturbed(tally: Tally, what: str, more: dict[str, object], words: tuple[str, ...]) -> None:
    """Run a command in bad surroundings: a documented exit code and no traceback.

    A process is begun anew where its start matters, and forked otherwise, which costs a tenth.
    """
    if more.get("stdout") == "closed":
        reading, writing = os.pipe()
        os.close(reading)
        more = {**more, "stdout": writing}
    if more.get("anew"):
        process = start(*words, **{name: value for name, value in more.items() if name != "anew"})
        said = process.communicate()[1]
        code = process.returncode
    else:
        with tempfile.TemporaryFile("w+") as log:
            code = training.ended(forked(words, more, log))
            log.seek(0)
            said = log.read()
    if isinstance(more.get("stdout"), int):
        os.close(int(str(more["stdout"])))
    if "Traceback" in said or code not in EXIT_CODES:
        tally.wrong.append(f"{what}: exit {code}, {said.strip().splitlines()[-1:]}")


def forked(words: tuple[str, ...], more: dict[str, Any], log: IO[str]) -> int:
    """Start a command in a forked process with the arguments that `subprocess.Popen` would take."""
    process = os.fork()
    if process:
        return process
    code = 99
    try:
        os.environ.clear()
        os.environ.update(more.get("env", {}))
        stdout = more.get("stdout", os.open(os.devnull, os.O_WRONLY))
        os.dup2(stdout if isinstance(stdout, int) else stdout.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        if "preexec_fn" in more:
            more["preexec_fn"]()
        try:
            os.fstat(1)
        except OSError:
            sys.stdout = None  # type: ignore[assignment]  # as Python's start leaves it
        sys.argv = ["mlpaygrade", *words]
        cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def odd_cell(rng: random.Random) -> str:
    """Text as no sheet should hold it."""
    return "".join(rng.choice("ab ,;\t\"'#=@-+\r\n\u00e9\u202e\x1b[]|") for _ in range(rng.randrange(12)))


def odd_file(tally: Tally, folder: Path, number: int) -> None:
    """A file with odd cells beside the jobs: as many rows out as in, and the odd cells as they were."""
    rng = random.Random(number)
    source, output = folder / f"odd[{number}].csv", folder / "odd-scored.csv"
    odd = [odd_cell(rng) for _ in range(rng.randrange(1, 40))]
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["note", *FEATURES])
        writer.writerows((cell, *ROW) for cell in odd)
    try:
        score_file(source, output, predictor=predictor())
        with output.open(newline="", encoding="utf-8") as file:
            if [row[:1] for row in csv.reader(file)][1:] != [[cell] for cell in odd]:
                tally.wrong.append(f"file {number}: other rows out than in")
    except MLPayGradeError as error:
        tally.wrong.append(f"file {number}: {error}")
    finally:
        source.unlink()


def upload(tally: Tally, number: int) -> None:
    """Bytes that an employer may upload by mistake: read, or refused in words."""
    rng = random.Random(number)
    whole = "Job title,Level,Base pay\n" + "\n".join(
        f"Data Engineer,{odd_cell(rng)!r},{rng.randrange(10**6)}" for _ in range(9)
    )
    content = bytearray(whole.encode(rng.choice(("utf-8", "utf-16", "latin-1")), errors="replace"))
    for _ in range(rng.randrange(30)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    if number % 5 == 0:
        content = bytearray(
            rng.choice((b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF", b"PAR1", b"")) + rng.randbytes(300)
        )
    try:
        read_sheet(bytes(content), reader=predictor().reader)
    except MLPayGradeError:
        pass
    except Exception as error:
        tally.wrong.append(f"upload {number}: {type(error).__name__}: {error}")


def bundles(folder: Path) -> Iterator[Callable[[Tally], None]]:
    """The corpus of the tests, each bundle refused in words or answering as the original."""
    corpus = tests("test_bundle_corpus")
    original = corpus.answers(corpus.bundled_path())
    made = corpus.Folder(folder / "bundle")
    damages: tuple[Iterable[Callable[[object], None]], ...] = (
        (lambda to, n=n: to.forge("network.onnx", n) for n in corpus.networks(made.content("network.onnx"))),
        (lambda to, m=m: to.sealed(m) for m in corpus.manifests(made)),
        (
            lambda to, k=k: to.file(sorted(to.manifest["files"])[k % 8]).write_bytes(
                corpus.spoilt(random.Random(k), to.content(sorted(to.manifest["files"])[k % 8]))
            )
            for k in range(1_000, 1_200)
        ),
    )

    def fault(tally: Tally, damage: Callable[[object], None]) -> None:
        try:
            corpus.judge(made, iter([damage]), original, least_refused=0.0)
        except Exception as error:
            tally.wrong.append(f"bundle {tally.tried}: {type(error).__name__}: {str(error)[:100]}")
            made.restore()

    yield from (partial(fault, damage=damage) for damage in chain(*damages))


def tests(name: str) -> Any:
    """A file of tests as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tests" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def egress(tally: Tally, entry: str, folder: Path) -> None:
    """An entry to serving under strace with HOME empty: no look-up, no connection elsewhere, no file under HOME."""
    place = folder / f"egress-{tally.tried}"
    place.mkdir()
    tally.wrong += [f"{entry}: {what}" for what in tests("test_egress").leaks(entry, place)]


def uploads(tally: Tally, count: int) -> None:
    """So many uploads in one session of the app: within 100 MiB."""
    command = [sys.executable, str(ROOT / "tests" / "app_session.py"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or float(done.stdout) > 100:
        tally.wrong.append(f"{count} uploads: {done.stdout.strip()} MiB more {done.stderr[-300:]}")
    tally.tried += count - 1
    print(f"  {count} uploads in one session: {done.stdout.strip()} MiB more", flush=True)


@dataclass
class Kind:
    """One kind of fault: its faults as a function of the working folder, and its share of the time."""

    what: str
    must: str
    share: float
    faults: Callable[[Path], Iterable[Callable[[Tally], None]]]


def kinds(times: int) -> list[Kind]:
    """Every kind of fault, `times` its number of the short version."""
    whole = "old output or whole new one"
    entries = ("predict", "explain", "score", "serve", "app") if shutil.which("strace") else ()
    same = "bit for bit the model of an uninterrupted one; nothing left behind"
    return [
        Kind("disk, console, user and place", "documented exit code, no traceback", 0.2, partial(places, times)),
        Kind("kill of `score`", whole, 0.06, partial(endings, "kill of `score`", times)),
        Kind(
            "SIGTERM to `score`",
            f"{whole}; nothing left behind",
            0.06,
            partial(endings, "SIGTERM to `score`", times),
        ),
        Kind(
            "odd file to `check`, `audit`, `score`, `benchmark`, `train`",
            "no traceback, the same words, rows in = rows out",
            0.1,
            partial(oddities, times),
        ),
        Kind(
            "odd cells to `score`",
            "rows in = rows out",
            0.02,
            lambda folder: (lambda t, n=n: odd_file(t, folder, n) for n in range(80 * times)),
        ),
        Kind(
            "upload",
            "read or refused in words",
            0.02,
            lambda _: (lambda t, n=n: upload(t, n) for n in range(300 * times)),
        ),
        Kind("uploads in one session", "within 100 MiB", 0.05, lambda _: [lambda t: uploads(t, 20 * times)]),
        Kind(
            "egress",
            "no look-up, no connection, no file under HOME",
            0.04,
            lambda folder: (lambda t, e=e: egress(t, e, folder) for e in entries),
        ),
        Kind(
            "damaged or forged bundle",
            "refused in words, or the original's answers",
            0.05,
            bundles,
        ),
        Kind("kill of the fitting of a network", same, 0.1, partial(trainings, "network", 3 * times)),
        Kind("kill of `train` with tracking", same, 0.2, partial(trainings, "tracked", times)),
        Kind("two first trainings on a new database", "both succeed", 0.1, partial(pairs, times)),
    ]


def places(times: int, folder: Path) -> Iterator[Callable[[Tally], None]]:
    """Commands in bad surroundings, in random order."""
    libraries()
    bad = list(surroundings(folder))
    random.Random(0).shuffle(bad)
    with full_disk(folder / "full"):
        yield from (lambda t, b=b: disturbed(t, *b) for b in (bad if times > 1 else bad[:60]))


def endings(what: str, times: int, folder: Path) -> Iterator[Callable[[Tally], None]]:
    """`score` ended at random moments."""
    place = folder / what[:4]
    place.mkdir()
    yield from (lambda t, n=n: ended(t, place, n) for n in range(4 * times))


def oddities(times: int, folder: Path) -> Iterator[Callable[[Tally], None]]:
    """Odd files to every command that reads one; training, which costs most, reads every fiftieth."""
    libraries()
    with mock.patch.object(Predictor, "load", return_value=predictor()):
        for number in range(1_000, 1_000 + 50 * times):
            yield lambda t, n=number: t.wrong.extend(odd_files.judged(n, folder, training=n % 50 == 49))


def libraries() -> None:
    """Import what a forked process would otherwise import each time."""
    import mlflow  # noqa: F401
    import tensorflow  # noqa: F401

    from mlpaygrade.training import registry, run  # noqa: F401


def trainings(kind: str, count: int, folder: Path) -> Iterator[Callable[[Tally], None]]:
    """Trainings of one kind, killed again and again."""
    with forking() as pool:

        def fault(tally: Tally, number: int) -> None:
            kills, wrong = pool.submit(training.killed_until_done, folder, kind, number).result()
            tally.tried += kills - 1
            tally.wrong += wrong

        yield from (partial(fault, number=number) for number in range(count))


def pairs(count: int, folder: Path) -> Iterator[Callable[[Tally], None]]:
    """Two first trainings at once, each pair on a database of its own."""
    with forking() as pool:
        for number in range(count):
            yield lambda t, n=number: t.wrong.extend(pool.submit(training.two_at_once, folder, n).result())


def forking() -> ProcessPoolExecutor:
    """A process that starts no thread, from which trainings are forked."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def tried(kind: Kind, minutes: float, folder: Path) -> dict[str, object]:
    """Try the faults of one kind until there is none more or its time is over."""
    tally, began = Tally(kind.what, kind.must), time.monotonic()
    faults = kind.faults(folder)
    for fault in faults:
        fault(tally)
        tally.tried += 1
        if time.monotonic() > began + 60 * minutes * kind.share:
            break
    if isinstance(faults, Generator):
        faults.close()
    print(f"{tally.what}: {tally.tried} tried, {len(tally.wrong)} failed", *tally.wrong[:9], sep="\n  ", flush=True)
    return {
        "must": kind.must,
        "tried": tally.tried,
        "failed": len(tally.wrong),
        "first_failures": tally.wrong[:5],
        "seconds": round(time.monotonic() - began),
        "load": round(os.getloadavg()[0], 1),
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip(),
    }


def main() -> int:
    """Try the kinds asked for, and write the artifact; `scripts/docs.py` makes the table of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="ten times as many, at most 30 minutes")
    parser.add_argument("--only", nargs="*", default=[""], metavar="WORDS", help="kinds whose name holds the words")
    given = parser.parse_args()
    times, minutes = (10, 30.0) if given.full else (1, 6.0)
    known = kinds(times)
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    chosen = [kind for kind in known if any(words in kind.what for words in given.only)]
    for kind in chosen:
        with tempfile.TemporaryDirectory(prefix="mlpaygrade-torture-") as folder:
            found[kind.what] = tried(kind, minutes, Path(folder))
        ordered = {one.what: found[one.what] for one in known if one.what in found}
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    return 1 if any(found[kind.what]["failed"] for kind in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
