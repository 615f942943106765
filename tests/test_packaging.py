"""The promises of the packaging: pinned, light to serve, free of addresses, and without the dataset."""

import ast
import csv
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from mlpaygrade.job.fields import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
FILES = {"core": None, "app": "app", "serve": "serve", "train": "train", "dev": "dev"}
"""Requirements file -> the extra it locks."""
PYTHONS = ("3.11", "3.12", "3.13")

TRAINING_MODULES = {
    "catboost",
    "keras",
    "lightgbm",
    "matplotlib",
    "mlflow",
    "onnx",
    "optuna",
    "shap",
    "sklearn",
    "tensorflow",
    "tf2onnx",
    "torch",
    "xgboost",
}
TRAINING = TRAINING_MODULES | {"mlflow-skinny", "scikit-learn", "tensorflow-cpu", "xgboost-cpu"}
"""The same as names of distributions."""
SLOW_MODULES = {"altair", "pandas", "pyarrow", "pydantic", "rich", "scipy", "streamlit", "typer"}
"""Modules that serving may use, but only where they are needed: a process that predicts one job loads none."""
TRAINING_ROOMS = {"audit", "evaluation", "market", "testing", "training"}
IMPORTED_LAZILY = {"cli", "__main__"}
"""Serving modules outside the import contract, as a command may start training; a fresh process is examined instead."""


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    version: Version
    marker: Marker | None

    def applies(self, python: str) -> bool:
        return self.marker is None or self.marker.evaluate(_environment(python))


def _environment(python: str) -> dict[str, str]:
    """A Linux machine with that Python."""
    return {
        **{key: str(value) for key, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
    }


def _logical_lines(name: str) -> list[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def _pins(name: str) -> list[Pin]:
    pins = []
    for line in _logical_lines(name):
        requirement = Requirement(line.split("--hash=")[0].strip())
        (specifier,) = requirement.specifier
        pins.append(Pin(canonicalize_name(requirement.name), Version(specifier.version), requirement.marker))
    return pins


def _declared(extra: str | None) -> Iterator[Requirement]:
    """Every requirement of the package with that extra, extras of extras included."""
    yield from (Requirement(text) for text in PYPROJECT["project"]["dependencies"])
    pending = [extra] if extra else []
    while pending:
        for requirement in map(Requirement, EXTRAS[pending.pop()]):
            if requirement.name == "mlpaygrade":
                pending.extend(requirement.extras)
            else:
                yield requirement


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: looks at the tracked files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", FILES)
def test_requirements_are_pinned_with_hashes_and_nothing_else(name: str) -> None:
    line_of_a_pin = re.compile(r"[\w.-]+==\S+( ;[^#@]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    strangers = [line[:80] for line in _logical_lines(name) if not line_of_a_pin.fullmatch(line)]
    assert not strangers
    assert len(_logical_lines(name)) > 10


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("name", "extra"), FILES.items())
def test_pins_lie_in_the_declared_ranges(name: str, extra: str | None, python: str) -> None:
    pins = _pins(name)
    for requirement in [*_declared(extra), *map(Requirement, PYPROJECT["build-system"]["requires"])]:
        if requirement.marker is not None and not requirement.marker.evaluate(_environment(python)):
            continue
        wanted = canonicalize_name(requirement.name)
        versions = [pin.version for pin in pins if pin.name == wanted and pin.applies(python)]
        assert len(versions) == 1, f"{wanted} has the pins {versions} for Python {python}; run `make lock`"
        assert versions[0] in requirement.specifier, f"{wanted} {versions[0]} is outside {requirement}; run `make lock`"


@pytest.mark.parametrize("name", ["core", "app", "serve", "train"])
def test_the_parts_hold_the_versions_that_the_tests_run_on(name: str) -> None:
    tested = {(pin.name, pin.version) for pin in _pins("dev")}
    assert {(pin.name, pin.version) for pin in _pins(name)} <= tested


@pytest.mark.parametrize("name", ["core", "app", "serve"])
def test_serving_installs_no_training_library(name: str) -> None:
    assert not {pin.name for pin in _pins(name)} & TRAINING


def test_rival_builds_of_one_library_never_meet() -> None:
    for name in FILES:
        names = {pin.name for pin in _pins(name)}
        assert not names & {"tensorflow", "xgboost", "torch"}, name


def _serving_rooms() -> list[str]:
    found = {
        path.stem
        for path in (ROOT / "src" / "mlpaygrade").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    return sorted(found - TRAINING_ROOMS - {"__init__"})


def _serving_modules() -> list[str]:
    """Every module of the serving rooms, dotted, without those that run the app when they are imported."""
    package = ROOT / "src" / "mlpaygrade"
    rooms = _serving_rooms()
    found = [
        ".".join(path.relative_to(package).with_suffix("").parts)
        for path in package.rglob("*.py")
        if path.relative_to(package).with_suffix("").parts[0] in rooms
    ]
    return sorted(name.removesuffix(".__init__") for name in found if name not in {"__main__", "app.main"})


def test_every_serving_module_is_under_the_import_contract() -> None:
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    (forbidden,) = (one for one in contracts if one["name"].startswith("Serving reaches no training library"))
    listed = {name.removeprefix("mlpaygrade.") for name in forbidden["source_modules"]}
    assert set(_serving_rooms()) - IMPORTED_LAZILY == listed, (
        "list the serving rooms in pyproject.toml, [tool.importlinter]"
    )
    assert set(forbidden["forbidden_modules"]) == TRAINING_MODULES - {"torch"}


def _loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh process has after the statement."""
    shown = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", shown], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_importing_serving_modules_loads_no_training_library() -> None:
    statement = "\n".join(f"import mlpaygrade.{name}" for name in _serving_modules())
    assert not _loaded_by(statement) & TRAINING_MODULES


PREDICT = """
import contextlib, io, sys
from mlpaygrade.cli import main
sys.argv = ["mlpaygrade", "predict", "--title", "Data Engineer", "--experience", "SE", "--location", "US"]
with contextlib.redirect_stdout(io.StringIO()) as said:
    main()
assert "Typical pay" in said.getvalue()
"""


@pytest.mark.parametrize("statement", ["from mlpaygrade import Predictor", PREDICT], ids=["library", "command"])
def test_a_process_that_predicts_one_job_loads_no_slow_module(statement: str) -> None:
    assert not _loaded_by(statement) & SLOW_MODULES


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_tracked_file_names_a_machine_path_or_a_registry() -> None:
    telltale = re.compile(
        r"(?<![\w.~$}/-])/(?:home|Users|root|work|farm)/[\w.-]"
        r"|pypi\.org|pythonhosted\.org|deb\.debian\.org|registry\.npmjs|conda\.anaconda\.org|/opt/(?:wheels|pypi)"
    )
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}" for path in _tracked() if (match := telltale.search(_text_of(path)))
    ]
    assert not found


def test_the_dataset_is_not_tracked() -> None:
    for path in _tracked():
        assert not re.fullmatch(r"salaries.*\.(csv|zip|gz|parquet)", path.name), path
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                looks_like_it = set(COLUMNS) <= set(next(rows, []))
                assert not looks_like_it or sum(1 for _ in rows) < 1000, f"{path} looks like the public dataset"


def test_no_function_stands_in_two_modules() -> None:
    found: dict[str, list[str]] = {}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if len(body) > 1:
                    found.setdefault(ast.dump(ast.Module(body, [])), []).append(f"{file.stem}.{node.name}")
    assert [names for names in found.values() if len(names) > 1] == []


def test_hardly_anything_is_of_any_type() -> None:
    """`Any` stands where a library has no types or a document is read as it is; imports of the word count, too."""
    files = (ROOT / "src" / "mlpaygrade").rglob("*.py")
    assert sum(len(re.findall(r"\bAny\b", file.read_text(encoding="utf-8"))) for file in files) <= 140
