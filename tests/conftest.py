"""What every test may ask for: the public dataset where it is at hand, a browser where there is one.

Enters: MLPAYGRADE_DATA (a path, optional) and MLPAYGRADE_REQUIRE_BROWSER (set: a missing browser fails).
A skipped test says what it lacked; a path that is named but does not exist is an error, never a skip.
"""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

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


@pytest.fixture(scope="session")
def synthetic_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic market as a file."""
    from mlpaygrade.testing.synthetic import SyntheticMarket

    path = tmp_path_factory.mktemp("market") / "synthetic.csv"
    SyntheticMarket(seed=7, n_postings=1500).write(path)
    return path


@pytest.fixture(scope="session")
def tiny_run(synthetic_csv: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """A finished training run on the small synthetic market."""
    from mlpaygrade.dataset.table import read_table
    from mlpaygrade.training.run import train
    from mlpaygrade.training.settings import read_settings

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    config = folder.parent / "tiny.toml"
    config.write_text(TINY_CONFIG)
    return train(read_table(synthetic_csv), output=folder, settings=read_settings(config), progress=lambda *_: None)
