"""Small changes made at random to the modules that decide figures and files, and whether their tests see them.

`python benchmarks/mutation.py [--sample N] [--seed S] [--minutes M]`, last step of `make mutants`. Changes are cosmic-ray's;
those of nothing but annotations, texts of errors and docstrings are left out. A sample is drawn from all; the share caught is
printed with its 95 % interval (Wilson), with every survivor that `EQUIVALENT` does not explain, and written to
benchmarks/results/mutation.json. Ends with 1 below 90 %.
"""

import argparse
import ast
import contextlib
import importlib.abc
import importlib.util
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "mutation.json"
WANTED = 0.9
SECONDS = 240
RULES, CORPUS = "tests/test_rules_by_hand.py", "tests/test_bundle_corpus.py"
MODULES: dict[str, tuple[str, ...]] = {
    "forecast.calibration": (RULES, "tests/test_conformal.py", "tests/test_local.py", "tests/test_predictor.py"),
    "forecast.encode": (RULES, "tests/test_encode.py", "tests/test_predictor.py"),
    "forecast.refusal": (RULES, "tests/test_abstention.py", "tests/test_predictor.py"),
    "forecast.evidence": (RULES, "tests/test_predictor.py", "tests/test_abstention.py"),
    "forecast.bundle": ("tests/test_bundle.py", CORPUS, "tests/test_predictor.py"),
    "dataset.postings": (
        "tests/test_postings.py",
        RULES,
        "tests/test_split.py",
        "tests/test_calendar.py",
        "tests/test_arrival.py",
    ),
    "dataset.reader": ("tests/test_reader.py", RULES, "tests/test_table.py", "tests/test_lines.py"),
}
"""Module -> tests that must see a change of it, the quickest first."""

EQUIVALENT: dict[str, str] = {
    "CHUNK_BYTES: Final = 2 << 20": "how much is read at once",
    '"location_group": 1 ^ len(CONTINENTS),': "there are four continents: 1 + 4 is 1 ^ 4",
    "distance = 8 * differs.sum(axis=0) + 4 * level ^ 2 * title + country": "the bits of the two sums do not meet",
    "return (best, known[best]) if known[first] <= 0 and known[best] >= 2 else (first, known[first])": "a count",
    "if units and units != _units(index):": "a part has no more postings than the whole",
}
"""The changed line without spaces at its ends -> why it does what the line did."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a module: where, what stood there, what stands there now."""

    module: str
    line: int
    old: str
    new: str
    source: str


def path_of(module: str) -> Path:
    return ROOT / "src" / "mlpaygrade" / f"{module.replace('.', '/')}.py"


class _Bare(ast.NodeTransformer):
    """The code without what is never run or only said: annotations, docstrings, texts of raised errors."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arguments(self, node: ast.arguments) -> ast.AST:
        node.args = [*node.posonlyargs, *node.args, *node.kwonlyargs]  # by place or by name: no caller of ours minds
        node.posonlyargs, node.kwonlyargs = [], []
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args = []
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)


def _bare(source: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(source)))


Place = tuple[str, str, int]
"""Module, operator, occurrence."""


def places(module: str) -> Iterator[Place]:
    """Everywhere that a module can be changed."""
    tree = get_ast(path_of(module).read_text(encoding="utf-8"))
    for name in operator_names():
        with contextlib.suppress(TypeError):  # those that ask for the name of a variable
            operator = get_operator(name)()
            count = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
            yield from ((module, name, occurrence) for occurrence in range(count))


def change_at(place: Place) -> Change | None:
    """The change; None where it alters nothing that runs."""
    module, name, occurrence = place
    source = path_of(module).read_text(encoding="utf-8")
    with contextlib.suppress(SyntaxError, AttributeError):  # AttributeError: an operator cannot change what it found
        mutated = mutate_code(source, get_operator(name)(), occurrence)
        if mutated is not None and _bare(mutated) != _bare(source):
            pairs = enumerate(zip(source.splitlines(), mutated.splitlines(), strict=False), start=1)
            number, (old, new) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
            return Change(module, number, old.strip(), new.strip(), mutated)
    return None


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the changed source for one module."""

    def __init__(self, change: Change) -> None:
        self.change = change

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:  # type: ignore[override]
        if fullname != f"mlpaygrade.{self.change.module}":
            return None
        return importlib.util.spec_from_file_location(fullname, path_of(self.change.module), loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.change.source, str(path_of(self.change.module)), "exec"), module.__dict__)


def survives(change: Change | None, tests: Sequence[str]) -> bool:
    """Whether the tests pass with a change, in a process of their own; one that takes too long does not."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    os.setsid()
    signal.alarm(SECONDS)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    if change is not None:
        sys.meta_path.insert(0, _Planted(change))
    import pytest

    code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", *tests])
    os._exit(int(code))


def interval(caught: int, tried: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z, share = 1.96, caught / tried
    centre, half = share + z * z / (2 * tried), z * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    return (centre - half) / (1 + z * z / tried), (centre + half) / (1 + z * z / tried)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--module", choices=MODULES, action="append")
    given = parser.parse_args()
    os.chdir(ROOT)
    os.environ |= {"CI": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
    import numpy  # noqa: F401

    for module in given.module or MODULES:
        if not survives(None, MODULES[module]):
            raise SystemExit(f"The tests of {module} fail without any change.")
    every = [place for module in given.module or MODULES for place in places(module)]
    print(f"{len(every):,} places", flush=True)
    random.Random(given.seed).shuffle(every)
    end, explained = time.monotonic() + 60 * given.minutes, 0
    found: list[tuple[str, bool]] = []
    for change in filter(None, map(change_at, every)):
        if time.monotonic() > end or len(found) == given.sample:
            break
        if change.new in EQUIVALENT:
            explained += 1
            continue
        found.append((change.module, not survives(change, MODULES[change.module])))
        if found[-1][1]:
            print(f"caught {change.module}:{change.line}", flush=True)
        else:
            print(f"SURVIVED {change.module}:{change.line}\n  - {change.old}\n  + {change.new}", flush=True)
    document = summary(found, places=len(every), seed=given.seed)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"{json.dumps(document)}; {explained} drawn besides are known to change nothing")
    return 1 if document["caught"] < WANTED * document["tried"] else 0


def summary(found: Sequence[tuple[str, bool]], *, places: int, seed: int) -> dict[str, Any]:
    """What was tried and caught, in all and by module."""
    caught = sum(seen for _, seen in found)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    return {
        "commit": commit.strip(),
        "seed": seed,
        "places": places,
        "tried": len(found),
        "caught": caught,
        "interval_95": [round(end, 3) for end in interval(caught, len(found))],
        "modules": {
            module: {
                "tried": sum(name == module for name, _ in found),
                "caught": sum(seen for name, seen in found if name == module),
            }
            for module in MODULES
            if any(name == module for name, _ in found)
        },
    }


if __name__ == "__main__":
    sys.exit(main())
