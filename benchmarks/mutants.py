"""Plants one mistake after another in a copy of the tree and asks the tests named for it: `make mutants`.

`python benchmarks/mutants.py [NUMBER ...]`. Prints every mistake with "caught" or "SURVIVED"; ends with 1 where one survived.
A test in the gate sees that each text still stands in its file once. Outside the gate.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RULES = "tests/test_rules_by_hand.py"
CORPUS = "tests/test_bundle_corpus.py"
STRENGTH = "tests/test_strength.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """In a file of the package, `old` becomes `new`; `tests` must fail."""

    file: str
    old: str
    new: str
    tests: tuple[str, ...] = (RULES,)


MUTANTS = (
    # calibration
    Mutant("forecast/calibration.py", "    return len(np.unique(index))", "    return len(index)"),
    Mutant("forecast/calibration.py", "level * (n + 1) / n", "level", (RULES, "tests/test_conformal.py")),
    Mutant("forecast/calibration.py", "if weights is None else weights[order])", "if weights is None else np.ones(len(scores)))"),
    Mutant("forecast/calibration.py", "moved[..., :MEDIAN] -= width", "moved[..., :MEDIAN] += width"),
    Mutant("forecast/calibration.py", "np.maximum.accumulate(moved[..., MEDIAN:], axis=-1)", "moved[..., MEDIAN:]"),
    Mutant("forecast/calibration.py", "own * units / (units + shrinkage)", "own", ("tests/test_conformal.py",)),
    # refusal
    Mutant("forecast/refusal.py", "or spread <= limit", "or spread <= 10 * limit"),
    Mutant("forecast/refusal.py", "(count >= FEWEST) & (among", "(among"),
    Mutant("forecast/refusal.py", "MOST_REFUSED: Final = 0.002", "MOST_REFUSED: Final = 0.2"),
    Mutant("forecast/refusal.py", "None if common[title] or spread", "None if spread"),
    # evidence
    Mutant("forecast/evidence.py", "ENOUGH: Final = 10", "ENOUGH: Final = 2"),
    Mutant("forecast/evidence.py", "MIN_QUARTILES: Final = 5", "MIN_QUARTILES: Final = 4"),
    Mutant("forecast/evidence.py", "quantile([0.25, 0.5, 0.75])", "quantile([0.25, 0.5, 0.9])"),
    # encoding and groups
    Mutant("forecast/encode.py", '(ids["experience"] - 1) * len(LABELS[SIZE]) + ids["size"]', '(ids["experience"] - 1) + ids["size"]'),
    Mutant("forecast/encode.py", "self.oldest_year, self.newest_year)", "0, 9999)"),
    Mutant("forecast/encode.py", "titles = Counter(map(canonical_title, jobs[TITLE]))", "titles = Counter(jobs[TITLE])", ("tests/test_encode.py",)),
    Mutant("forecast/calibration.py", 'ids("experience") - 1', 'ids("experience")'),
    Mutant("forecast/calibration.py", '| (ids("location") == 0)', ""),
    # the answer
    Mutant("forecast/answer.py", "std(ddof=1)", "std()"),
    Mutant("forecast/distribution.py", "std(axis=1, ddof=1)", "std(axis=1)"),
    Mutant("forecast/answer.py", "return low, np.maximum(low, high)", "return low, high"),
    Mutant("forecast/answer.py", "max(low[MEDIAN], high[MEDIAN])", "high[MEDIAN]"),
    Mutant("forecast/answer.py", "(*read.warnings, *self.warnings)", "(*self.warnings, *read.warnings)"),
    Mutant("forecast/answer.py", "*((remarks.APART,) if apart[n] else ()),", ""),
    # pairing, dates, splits
    Mutant("dataset/postings.py", "salary[:-1] >= salary[1:]", "salary[:-1] > salary[1:]"),
    Mutant("dataset/postings.py", "(position - run_start) % 2 == 0", "(position - run_start) >= 0"),
    Mutant("dataset/postings.py", "span = min(1.0, len(index) / before)", "span = 1.0"),
    Mutant("dataset/postings.py", "postings.year <= through)", "postings.year < through)"),
    Mutant("dataset/postings.py", "postings.time_years <= decimal_year(day))", "postings.time_years <= decimal_year(day) + 1)"),
    # files
    Mutant("dataset/writing.py", "                    os.fsync(file.fileno())\n", ""),
    Mutant("dataset/sources.py", ' and sent.startswith(f"bytes {start}-")', ""),
    Mutant("dataset/sources.py", "if found != edition.sha256_lf:", "if not found:", ("tests/test_sources.py",)),
    Mutant("forecast/score.py", "dtype=object)[piece.which]", "dtype=object)[piece.which[::-1]]"),
    # bundle
    Mutant("forecast/bundle.py", "isinstance(found, int) and found != FORMAT", "False", (f"{CORPUS}::test_an_earlier_format_is_refused_with_what_to_do",)),
    Mutant("forecast/bundle.py", "or hashlib.sha256(content).hexdigest() != part.sha256", "", (f"{CORPUS}::test_accidents_in_any_part",)),
    Mutant("forecast/bundle.py", "    if altered:", "    if False:", (f"{CORPUS}::test_accidents_in_the_manifest",)),
    Mutant("forecast/documents.py", 'pattern=r"^[A-Za-z0-9_]+-[0-9a-f]{12}', 'pattern=r"^[./A-Za-z0-9_]+-[0-9a-f]{12}', (f"{CORPUS}::test_a_part_beside_the_folder_is_refused_even_with_the_right_bytes",)),
    Mutant("forecast/documents.py", '13: "a tensor in another file", 14: "a tensor in another file"', "", (f"{CORPUS}::test_a_tensor_beside_the_working_folder_is_not_read",)),
    Mutant("forecast/evidence.py", "not 0 < cell[2] <= cell[3] <= cell[4]", "False", (f"{CORPUS}::test_a_document_that_breaks_its_own_rules_is_refused",)),
    # promotion
    Mutant("evaluation/metrics.py", "    if loss.low > 0:", "    if False:"),
    Mutant("training/fit.py", "np.random.default_rng((training.seed, epoch))", "np.random.default_rng((training.seed, epoch - len(history)))", ("tests/test_resume.py",)),
    # strength, verdict, contradiction
    Mutant("forecast/strength.py", "_ROUGH: Final = _Limits(held_90=(0.85", "_ROUGH: Final = _Limits(held_90=(0.75", (STRENGTH,)),
    Mutant("forecast/strength.py", "if abs(accuracy.mean_error_log) > limits.off", "if accuracy.mean_error_log > limits.off", (STRENGTH,)),
    Mutant("forecast/strength.py", "max(LEAST, CHANCE * error)", "LEAST", (STRENGTH,)),
    Mutant("forecast/accuracy.py", "else adverts / (adverts + HALF)", "else 1.0", ("tests/test_accuracy_groups.py",)),
    Mutant("explain/verdict.py", '"below" if share < MIDDLE[0]', '"below" if share < MIDDLE[1]'),
    # relevance, money, place
    Mutant("job/lookup.py", "ends = range(min(start + 3, len(words)), start + 1, -1)", "ends = ()", ("tests/test_relevance.py",)),
    Mutant("money/currency.py", '"month": float(salaries)', '"month": 12.0', ("tests/test_money.py",)),
    Mutant("money/currency.py", "return amount / self.value", "return amount * self.value", ("tests/test_money.py", STRENGTH)),
    Mutant("money/place.py", 'fit["slope"] * (area.log_ratio - fit["centre"])', "area.log_ratio", ("tests/test_place.py",)),
    Mutant("money/place.py", "None if remote_ratio == FULLY_REMOTE else _area_of(place_text)", "_area_of(place_text)", ("tests/test_place.py",)),
)  # fmt: skip


def misfits() -> list[str]:
    """Mistakes that no longer fit the code: their text must stand in their file exactly once, and their tests must exist."""
    found = []
    for number, mutant in enumerate(MUTANTS, start=1):
        count = (ROOT / "src" / "mlpaygrade" / mutant.file).read_text(encoding="utf-8").count(mutant.old)
        if count != 1:
            found.append(f"{number}: {mutant.file} must hold {mutant.old!r} once; it stands there {count} times.")
        for test in mutant.tests:
            path, _, name = test.partition("::")
            if f"def {name}" not in (ROOT / path).read_text(encoding="utf-8"):
                found.append(f"{number}: there is no test {test}.")
    return found


def caught(mutant: Mutant) -> bool:
    """Whether the tests fail with the mistake planted in a copy of the tree."""
    with tempfile.TemporaryDirectory(prefix="mlpaygrade-mutant-") as folder:
        tree = Path(folder)
        for name in ("src", "tests", "research"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "images"))
        shutil.copy(ROOT / "pyproject.toml", tree)
        target = tree / "src" / "mlpaygrade" / mutant.file
        text = target.read_text(encoding="utf-8")
        target.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}:{tree}", "TF_CPP_MIN_LOG_LEVEL": "3", "CI": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider", *mutant.tests]
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)
        if done.returncode not in (0, 1):
            raise SystemExit(f"The tests of {mutant.file} cannot run:\n{done.stdout.decode()[-2000:]}")
        return done.returncode == 1


def main() -> int:
    """Plant all mistakes, or those whose numbers are given."""
    if wrong := misfits():
        raise SystemExit("\n".join(wrong))
    chosen = [int(number) for number in sys.argv[1:]] or range(1, len(MUTANTS) + 1)
    survived = []
    for number in chosen:
        mutant = MUTANTS[number - 1]
        found = caught(mutant)
        survived += [] if found else [number]
        print(f"{number:>3} {'caught  ' if found else 'SURVIVED'} {mutant.file}: {mutant.old.strip()[:90]}", flush=True)
    print(f"{len(list(chosen)) - len(survived)} of {len(list(chosen))} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
