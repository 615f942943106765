"""One command from a newer file to the model that serves: fetch, check, audit, train, compare, drift, documentation, promotion.

Every step leaves its result in the run folder (`steps`), so a run that was killed resumes where it stood. The served bundle is
replaced last, whole, and only by a model that was better on adverts that neither had been trained on.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from mlpaygrade.audit.summary import ArrivalOrder, audit_table
from mlpaygrade.dataset.reader import sha256_of
from mlpaygrade.dataset.sources import data_name, fetch, resolve
from mlpaygrade.dataset.sources import edition_named as edition
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.dataset.writing import alone, write_file
from mlpaygrade.errors import BundleError, InputError, ResourceError
from mlpaygrade.evaluation.drift import drift_report, drift_text
from mlpaygrade.forecast.bundle import (
    MANIFEST,
    Bundle,
    bundled_path,
    load_bundle,
    signature_of,
    write_bundle,
    write_json,
)
from mlpaygrade.forecast.predictor import Predictor
from mlpaygrade.training.arrival import postings_by_arrival
from mlpaygrade.training.contest import Contest, compare, prepare_contest
from mlpaygrade.training.forecaster import Progress
from mlpaygrade.training.report import refresh_text
from mlpaygrade.training.run import finished_run, train
from mlpaygrade.training.settings import Settings
from mlpaygrade.training.steps import Result, Steps, digest, package_digest

CARRIED: Final = ("ageing.json", "backtest.json", "comparison.json")
"""Parts that `train` does not make; they name the data that they were measured on, so a new bundle keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to refresh with, and what.

    data: a file; without it the edition of that name is fetched (default: the newest). output: the run folder. champion: folder
    of the served bundle, replaced where the new model is better. checkout: source tree whose documentation is written again.
    sign_with: the private key that the new bundle is signed with.
    """

    data: str | None = None
    edition: str | None = None
    output: Path
    champion: Path
    settings: Settings
    checkout: Path | None = None
    sign_with: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """promoted: whether the served bundle is the new one now. why: the reason. text: the whole story in plain words."""

    promoted: bool
    why: str
    text: str


def refresh(request: Request, *, progress: Progress, say: Callable[[str], None]) -> Outcome:
    """Do every step that does not stand already, and say what came of it; OUTPUT/summary.md holds the text too.

    Raises what the failing step raises; the served bundle is then what it was before.
    """
    if request.data is not None and request.edition is not None:
        raise InputError(f"Give --edition or --data, not both; got {request.edition} and {request.data}.")
    if request.sign_with is not None:
        signature_of("", request.sign_with)  # a wrong key is said before the training, not after it
    _require_writable(request.output)
    _require_writable(request.champion)
    request.output.mkdir(parents=True, exist_ok=True)
    run = _Refresh(request, Steps(request.output, say), progress)
    with alone(request.output / "refresh.lock", on_wait=lambda: say("Another refresh works in this folder; waiting.")):
        run.look()
        if run.contest.division is not None:
            run.make()
    text = refresh_text(run.steps.results)
    write_file(request.output / "summary.md", text, parents=True)
    verdict = run.steps.results.get("compare") or {"promoted": False, "reason": run.contest.withheld}
    return Outcome(promoted=bool(verdict["promoted"]), why=str(verdict["reason"]), text=text)


def checkout_of(champion: Path) -> Path | None:
    """The source tree whose documentation tells of a bundle: that of the package, where its own bundle is refreshed."""
    root = Path(__file__).resolve().parents[3]
    served = champion.resolve() == bundled_path().resolve()
    return root if served and (root / "scripts" / "docs.py").is_file() and (root / "README.md").is_file() else None


@dataclass(eq=False)
class _Refresh:
    """The steps of one refresh, in order: `look` at the file, `make` and judge a model."""

    request: Request
    steps: Steps
    progress: Progress

    def look(self) -> None:
        """Fetch, check, keep the champion, audit, measure drift."""
        self._fetch()
        self._check()
        self.steps.once("champion", self._keep_champion, inputs=self._champion_inputs(), stands=self._kept)
        self.steps.once(
            "audit", self._audit, inputs=self.identity, stands=lambda _: (self.folder / "audit.json").exists()
        )
        self.steps.once("drift", self._drift, inputs=[self.identity, self._result("champion")])

    def make(self) -> None:
        """Train, compare, and where the new model is better assemble its bundle, write the documentation, promote."""
        inputs = [self.identity, self._result("champion")]
        trained = self.steps.once("train", self._train, inputs=inputs, stands=self._trained)
        compared = self.steps.once("compare", self._compare, inputs=[*inputs, trained["judged"]])
        if not compared["promoted"]:
            return
        inputs = [*inputs, compared, trained]
        made = self.steps.once(
            "candidate",
            self._assemble,
            inputs=inputs,
            stands=lambda one: _bundle_digest(self.candidate) == one["bundle"],
        )
        if self.request.checkout is not None:
            self.steps.once("documentation", self._document, inputs=[made, package_digest()], stands=self._documented)
        self.steps.once(
            "promote",
            self._promote,
            inputs=made,
            stands=lambda one: _bundle_digest(self.request.champion) == one["bundle"],
        )

    # --- what the steps share -----------------------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        return self.request.output

    @property
    def candidate(self) -> Path:
        return self.folder / "candidate"

    @cached_property
    def identity(self) -> str:
        """Hash of data, settings and code: what the run is of."""
        return digest([self._result("check")["sha256"], self.request.settings.to_json(), package_digest()])

    @cached_property
    def table(self) -> Table:
        return read_table(Path(self._result("fetch")["path"]))

    @cached_property
    def champion(self) -> Bundle | None:
        """The bundle that served when the run began."""
        return load_bundle(self.folder / "champion") if self._result("champion")["bundle"] else None

    @cached_property
    def contest(self) -> Contest:
        order = self._result("audit")["arrival"]
        provenance = None if self.champion is None else self.champion.provenance
        arrival = ArrivalOrder(order["order"], order["why"])
        return prepare_contest(self.table, provenance, arrival=arrival)

    def _result(self, name: str) -> Result:
        return self.steps.results[name]

    # --- the steps ----------------------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        given = None if self.request.data is None else resolve(self.request.data)
        named = None if given is not None else edition(self.request.edition)

        def bring() -> Result:
            path = given if named is None else fetch(named, on_note=self.steps.say)
            assert path is not None
            sha256 = sha256_of(path)
            return {"path": str(path.resolve()), "sha256": sha256, "name": data_name(sha256)}

        inputs = [str(given.resolve()), sha256_of(given)] if given is not None else [named.name if named else None]
        self.steps.once("fetch", bring, inputs=inputs, stands=_file_stands)

    def _check(self) -> None:
        def check() -> Result:
            table = self.table
            about = {"sha256": table.sha256, "rows": len(table.frame), "synthetic": table.synthetic}
            return {**about, "notes": list(table.notes)}

        self.steps.once("check", check, inputs=[self._result("fetch")["sha256"], package_digest()])

    def _champion_inputs(self) -> object:
        """The served bundle as it was when the run began, also after this very run has replaced it."""
        served = _bundle_digest(self.request.champion)
        made, kept = self.steps.before("candidate"), self.steps.before("champion")
        if made and kept and made["identity"] == self.identity and made["bundle"] == served:
            served = kept["bundle"]
        return [served, str(self.request.champion.resolve())]

    def _keep_champion(self) -> Result:
        served = _bundle_digest(self.request.champion)
        if served is None:
            return {"bundle": None}
        bundle = load_bundle(self.request.champion)
        write_bundle(self.folder / "champion", bundle.parts, provenance=bundle.provenance)
        return {"bundle": served, "provenance": dict(bundle.provenance)}

    def _kept(self, result: Result) -> bool:
        return result["bundle"] is None or _bundle_digest(self.folder / "champion") == result["bundle"]

    def _audit(self) -> Result:
        found = audit_table(self.table).to_json()
        write_json(self.folder / "audit.json", found)
        return {name: found[name] for name in ("rows", "years", "arrival", "newest_day")}

    def _drift(self) -> Result:
        if self.champion is None or self.contest.division is None:
            return {"withheld": self.contest.withheld or "there is no served model", "new": self.contest.new}
        report = drift_report(Predictor(self.champion), postings_by_arrival(self.table))
        write_json(self.folder / "drift.json", report.to_json())
        return {"new": self.contest.new, "text": drift_text(report)}

    def _train(self) -> Result:
        folder = self._training_folder()
        try:
            done = finished_run(folder)
        except (InputError, BundleError):
            done = train(
                self.table,
                output=folder,
                settings=self.request.settings,
                division=self.contest.division,
                progress=self.progress,
            )
        division = self.contest.division
        judged = folder / "judged" if division and division.split is not None else folder / "bundle"
        return {
            "folder": folder.name,
            "bundle": _bundle_digest(folder / "bundle"),
            "judged": _bundle_digest(judged),
            "judged_in": judged.name,
            "postings": int(done.bundle.provenance["postings"]),
            "trained_through": done.bundle.provenance["trained_through"],
            "newest_day": done.bundle.provenance["newest_day"],
        }

    def _training_folder(self) -> Path:
        """A folder of its own for each data, settings, code and champion, so that what it holds belongs to them."""
        return self.folder / f"train-{digest([self.identity, self._result('champion')['bundle']])[:12]}"

    def _trained(self, result: Result) -> bool:
        folder = self.folder / str(result["folder"])
        found = [_bundle_digest(folder / name) for name in ("bundle", str(result["judged_in"]))]
        return found == [result["bundle"], result["judged"]]

    def _compare(self) -> Result:
        trained, division = self._result("train"), self.contest.division
        assert division is not None
        champion = None if self.champion is None else Predictor(self.champion)
        challenger = Predictor.load(self.folder / str(trained["folder"]) / str(trained["judged_in"]))
        found = compare(challenger, champion, division)
        write_json(self.folder / "comparison.json", found)
        return found

    def _assemble(self) -> Result:
        """The bundle to serve: the one trained on every advert, with the parts that only longer studies make."""
        new = load_bundle(self.folder / str(self._result("train")["folder"]) / "bundle")
        parts = dict(new.parts)
        if self.champion is not None:
            parts |= {
                name: self.champion.part(name) for name in CARRIED if self.champion.has(name) and name not in parts
            }
        write_bundle(self.candidate, parts, provenance=new.provenance)
        Predictor.load(self.candidate)  # a network that cannot be opened must not reach the served folder
        return {"bundle": _bundle_digest(self.candidate), "identity": self.identity}

    def _document(self) -> Result:
        """The generated documentation of the new bundle, in OUTPUT/docs; nothing in the source tree changes yet."""
        assert self.request.checkout is not None
        into = self.folder / "docs"
        options = ("--bundle", str(self.candidate.resolve()), "--into", str(into.resolve()))
        # the script imports the laboratory beside the package
        paths = [str(self.request.checkout), *filter(None, [os.environ.get("PYTHONPATH")])]
        found = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "scripts/docs.py", *options]
        done = subprocess.run(
            command, cwd=self.request.checkout, env=found, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            said = (done.stderr.strip() or "no message").splitlines()[-1]
            raise ResourceError(
                f"The documentation could not be written ({said}). Mend scripts/docs.py, and run again."
            )
        written = sorted(path for path in into.rglob("*") if path.is_file())
        return {"files": {str(path.relative_to(into)): sha256_of(path) for path in written}}

    def _documented(self, result: Result) -> bool:
        into = self.folder / "docs"
        return all((into / name).is_file() and sha256_of(into / name) == sha for name, sha in result["files"].items())

    def _promote(self) -> Result:
        checkout, into = self.request.checkout, self.folder / "docs"
        if checkout is not None:
            for name in self._result("documentation")["files"]:
                write_file(checkout / name, (into / name).read_bytes(), parents=True)
        kept, new = self._result("champion")["bundle"], load_bundle(self.candidate)
        if (
            _bundle_digest(self.request.champion) != new.manifest.sha256
        ):  # as it is where a kill came right after the replacing
            write_bundle(
                self.request.champion,
                new.parts,
                provenance=new.provenance,
                instead_of=kept,
                sign_with=self.request.sign_with,
            )
        return {"bundle": _bundle_digest(self.request.champion), "served": str(self.request.champion)}


def _require_writable(folder: Path) -> None:
    """Raises ResourceError at once where a folder could not be written to at the end."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ResourceError(
            f"{folder} cannot be written. Give a folder that you may write to, or change its permissions."
        )


def _file_stands(result: Result) -> bool:
    path = Path(result["path"])
    return path.is_file() and sha256_of(path) == result["sha256"]


def _bundle_digest(folder: Path) -> str | None:
    """The seal of a bundle, a hash over all of it; None where there is no bundle."""
    return load_bundle(folder).manifest.sha256 if (folder / MANIFEST).is_file() else None
