"""What every test may ask for: the public dataset where it is at hand, a browser where there is one, what is trained once.

MLPAYGRADE_DATA names the dataset (optional); with MLPAYGRADE_REQUIRE_BROWSER a missing browser fails. A skipped test says what
it lacked; a path that is named but does not exist is an error, never a skip.
"""

import gc
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from mlpaygrade.training.run import Run
    from mlpaygrade.training.settings import Settings

os.environ.setdefault(
    "TF_CPP_MIN_LOG_LEVEL", "3"
)  # read when TensorFlow is first imported, by a test or a process it starts

# A time limit for one example says more about the machine's other work than about the code.
settings.register_profile("local", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True)
settings.load_profile("gate" if os.environ.get("CI") else "local")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def salaries_csv() -> Path:
    """The public dataset as downloaded; the test is skipped where none is at hand."""
    named = os.environ.get("MLPAYGRADE_DATA")
    if not named:
        pytest.skip("needs the public dataset: set MLPAYGRADE_DATA to its salaries.csv")
    path = Path(named)
    if not path.is_file():
        pytest.fail(f"MLPAYGRADE_DATA names a file that does not exist: {path}")
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser to drive."""
    found = shutil.which("chromium")
    if found is None:
        reason = "needs a browser: no 'chromium' on the PATH (on Debian: apt-get install chromium)"
        if os.environ.get("MLPAYGRADE_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


CACHE = ROOT / ".cache" / "tests"
"""What takes long to make, for each state of the code; `make clean` removes it."""
LIBRARIES = ("numpy", "pandas", "tensorflow-cpu", "keras", "tf2onnx", "onnxruntime", "altair", "vl-convert-python")


@cache
def code_digest() -> str:
    """Hash of everything that a trained run or a report may depend on."""
    package = ROOT / "src" / "mlpaygrade"
    files = sorted(
        file for pattern in ("**/*.py", "**/*.csv", "**/*.html", "**/*.css") for file in package.glob(pattern)
    )
    content = b"".join(file.read_bytes() for file in [*files, Path(__file__)])
    versions = [metadata.version(name) for name in LIBRARIES]
    return hashlib.sha256(content + repr(versions).encode()).hexdigest()[:16]


def made_once(name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` fills, made by whichever process comes first; the others wait, and later runs find it."""
    from mlpaygrade.dataset.writing import alone

    folder, done = CACHE / code_digest() / name, CACHE / code_digest() / f"{name}.done"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with alone(folder.with_suffix(".lock"), on_wait=lambda: None):
        if not done.exists():
            for other in CACHE.iterdir():
                if time.time() - other.stat().st_mtime > 86_400:
                    shutil.rmtree(other, ignore_errors=True)
            make(folder)
            done.touch()
    return folder


TINY_CONFIG = """
[network]
members = 4
hidden = [24]

[training]
epochs = 10
batch_size = 128

[calibration]
folds = 2
window = 0.15
"""
SMALL_CONFIG = """
[network]
members = 2
hidden = [8]

[training]
epochs = 2

[calibration]
folds = 2
window = 0.15
"""


@pytest.fixture(scope="session")
def synthetic_csv() -> Path:
    """A small synthetic market as a file."""
    from mlpaygrade.testing.synthetic import SyntheticMarket

    def make(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        SyntheticMarket(seed=7, n_postings=1500).write(folder / "synthetic.csv")

    return made_once("market", make) / "synthetic.csv"


@pytest.fixture(scope="session")
def small_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickest settings that calibrate on more than one window."""
    path = tmp_path_factory.mktemp("settings") / "small.toml"
    path.write_text(SMALL_CONFIG)
    return path


@pytest.fixture(scope="session")
def small_settings(small_config: Path) -> "Settings":
    from mlpaygrade.training.settings import read_settings

    return read_settings(small_config)


def _trained(name: str, settings: "Settings", csv: Path, copy: Path, *, through: int | None) -> "Run":
    """A finished run, trained once, in a folder of its own that a test may change."""
    from mlpaygrade.dataset.table import read_table
    from mlpaygrade.training.run import finished_run, train

    def make(folder: Path) -> None:
        train(read_table(csv), output=folder, settings=settings, through=through, progress=lambda *_: None)

    shutil.copytree(made_once(name, make), copy)
    return finished_run(copy)


@pytest.fixture(scope="session")
def tiny_run(synthetic_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A finished training run on every year of the small synthetic market."""
    from mlpaygrade.training.settings import read_settings

    folder = tmp_path_factory.mktemp("runs")
    (folder / "tiny.toml").write_text(TINY_CONFIG)
    return _trained("tiny", read_settings(folder / "tiny.toml"), synthetic_csv, folder / "tiny", through=None)


@pytest.fixture(scope="session")
def old_run(synthetic_csv: Path, small_settings: "Settings", tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A finished run on the years to 2023 of the same market, with the small settings."""
    return _trained("old", small_settings, synthetic_csv, tmp_path_factory.mktemp("runs") / "old", through=2023)


@pytest.fixture(scope="session")
def only_the_model() -> Callable[[pytest.MonkeyPatch], None]:
    """Lets trainings leave out what takes longer than the network: market, importance, residuals."""
    from types import SimpleNamespace

    from mlpaygrade.training import run

    importance = {"players": {}, "measured_on": "nothing", "base_usd": 1.0, "segments": {}}

    def leave_out(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(run, "market_json", lambda *_, **__: {})
        patch.setattr(run, "measure_importance", lambda *_, **__: SimpleNamespace(to_json=lambda: importance))
        patch.setattr(run, "MIN_ROWS", 10**9)

    return leave_out


@pytest.fixture(scope="session")
def synthetic_report() -> Path:
    """A folder with the market report of a synthetic market: `document.json` and `report.html`."""
    from mlpaygrade.dataset.postings import build_postings
    from mlpaygrade.market.statistics import Origin, document_json, market_statistics, report_page
    from mlpaygrade.testing.synthetic import SyntheticMarket

    def make(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        document = market_statistics(build_postings(SyntheticMarket(seed=5, n_postings=2_500).generate())).document
        (folder / "document.json").write_text(json.dumps(document_json(document)), encoding="utf-8")
        page = report_page(document, origin=Origin(name="s.csv", sha256="0" * 64, synthetic=True))
        (folder / "report.html").write_text(page, encoding="utf-8")

    return made_once("report", make)


LONGEST = ("test_train", "test_refresh", "test_refresh_command", "test_leaks_in_training", "test_report", "test_tune")
"""Modules that begin first, so that no worker is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="module", autouse=True)
def _set_aside() -> None:
    """Streamlit collects garbage after each run of a page: what stands since before this module need not be looked through.

    Only in a worker of many tests: the search of `what_stays.py` must see all objects.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        gc.collect()
        gc.freeze()


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two owners, each with a private and a public key."""
    ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")
    from cryptography.hazmat.primitives import serialization as s

    folder = tmp_path_factory.mktemp("keys")
    for name in ("ours", "theirs"):
        key = ed25519.Ed25519PrivateKey.generate()
        private = key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
        public = key.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pem").write_bytes(private)
        (folder / f"{name}.pub").write_bytes(public)
    return {file.name: file for file in folder.iterdir()}
