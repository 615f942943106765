"""Choosing settings inside the training years: one protocol, one budget, for the network and for every rival.

Enters: a table, a model's name, how many trials. Leaves: an Optuna study and the best settings. Every trial is judged by walking
forward through the newest windows of the training years, in order of arrival; the newest work year of the file is never opened.
A study is resumed under the same name, and several processes may work on it through one storage. A trial whose process was killed
counts for nothing; the one with the settings searched from is then judged again.
"""

import dataclasses
import functools
import multiprocessing
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
from optuna.trial import TrialState

from mlpaygrade.dataset.postings import Postings, Split, build_postings, rolling_origin
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.errors import DataError, InputError, ResourceError, shown_uri, why
from mlpaygrade.evaluation.metrics import evaluate, point_metrics
from mlpaygrade.training.forecaster import Progress
from mlpaygrade.training.settings import Settings
from research.contenders import NETWORK, Contender, NetworkContender, RivalContender, read_rival
from research.rivals import RIVALS
from research.search import network_start, suggest_network

FOLDS: Final = 3
WINDOW: Final = 0.12
OBJECTIVE: Final = "mean RMSE of log pay over the rows of each window"
DONE: Final = (TrialState.COMPLETE, TrialState.PRUNED)
JOURNAL: Final = Path("runs") / "tune" / "journal.log"
HEARTBEAT_SECONDS: Final = 60
"""How often a trial in a database shows that its process lives; after twice that in silence it has failed."""
START: Final = "start"
"""Mark of the trial with the settings that the search starts from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """The outcome of a study.

    settings: of the best trial. rmse_log: its mean over the windows; pinball_log likewise, uncalibrated.
    trials: finished ones, of which `pruned` were given up early. study: what it rests on.
    """

    name: str
    settings: Mapping[str, Any]
    rmse_log: float
    pinball_log: float
    default_rmse_log: float | None
    trials: int
    pruned: int
    seconds: float
    study: Mapping[str, Any]


def training_years(postings: Postings) -> Postings:
    """All but the newest work year. Raises DataError where there is only one."""
    newest = int(postings.year.max())
    past = postings.take(postings.year < newest)
    if not len(past):
        raise DataError(
            f"Settings are chosen before the newest work year, and the file holds only {newest}. Give at least two years."
        )
    return past


def tune(
    name: str,
    table: Table,
    *,
    trials: int,
    progress: Progress,
    base: Settings | None = None,
    storage: str | None = None,
    study_name: str | None = None,
    workers: int = 1,
    seed: int = 0,
) -> Tuned:
    """Run a study until it has `trials` finished trials, those of earlier runs counted, and choose.

    base: settings of the network that the search does not vary. storage: a journal file, or the URL of an SQLite or
    PostgreSQL database (default: JOURNAL). Raises InputError for an unknown model, or a study of other data.
    """
    if name != NETWORK and name not in RIVALS:
        raise InputError(f"'{name}' is no model. Known models: {', '.join([NETWORK, *RIVALS])}.")
    if trials < 1 or workers < 1:
        raise InputError(f"trials and workers must be at least 1; got {trials} and {workers}.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    base = base or Settings()
    past = training_years(build_postings(table.frame))
    splits = rolling_origin(past, folds=FOLDS, window=WINDOW)
    title = study_name or f"{name}-{table.sha256[:12]}"
    study = open_study(title, storage=storage, table=table, past=past, seed=seed, workers=workers)
    if not any(trial.state in (*DONE, TrialState.WAITING) for trial in _starts(study)):
        start = network_start(base) if name == NETWORK else dataclasses.asdict(RIVALS[name]())
        study.enqueue_trial(start, user_attrs={START: True})
    if workers == 1:
        _optimize(
            study, name, past, splits, base, trials=trials, report=functools.partial(_report, progress, study, trials)
        )
    else:
        job = _Job(
            name=name,
            path=table.path,
            base=base,
            title=title,
            storage=storage,
            trials=trials,
            workers=workers,
            seed=seed,
        )
        _spread(study, job, progress=progress)
    return _choose(study, name, past, splits, base)


def open_study(
    title: str, *, storage: str | None, table: Table, past: Postings, seed: int, workers: int
) -> optuna.Study:
    """Open or create a study. Raises InputError when it was made with other data or another protocol."""
    study = optuna.create_study(
        study_name=title,
        storage=open_storage(storage),
        direction="minimize",
        sampler=optuna.samplers.TPESampler(seed=seed, constant_liar=workers > 1),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=0),
        load_if_exists=True,
    )
    basis = {
        "data_sha256": table.sha256,
        "years": f"{int(past.year.min())} to {int(past.year.max())}",
        "postings": len(past),
        "protocol": f"rolling origin, {FOLDS} windows of {WINDOW:.0%} of the postings; {OBJECTIVE}",
    }
    for key, value in basis.items():
        if key in study.user_attrs and study.user_attrs[key] != value:
            raise InputError(
                f"The study '{title}' was made with {key} = {study.user_attrs[key]}, not {value}. Give another --study name."
            )
        if key not in study.user_attrs:
            study.set_user_attr(key, value)
    # The same seed would draw the first points again when a study is resumed.
    study.sampler = optuna.samplers.TPESampler(
        seed=seed + len(study.get_trials(deepcopy=False)), constant_liar=workers > 1
    )
    return study


def open_storage(storage: str | None) -> Any:
    """Optuna's storage: a journal file (default JOURNAL) or, with `://` in it, a database.

    Raises ResourceError when the database's driver is missing or it cannot be reached.
    """
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    try:
        if storage and "://" in storage:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return RDBStorage(storage, heartbeat_interval=HEARTBEAT_SECONDS)
        path = Path(storage) if storage else JOURNAL
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    except Exception as error:  # SQLAlchemy, its drivers and Optuna raise classes that share no base
        raise ResourceError(
            f"The storage of studies {shown_uri(storage or str(JOURNAL))} cannot be opened ({why(error, storage or '')}). Give a "
            "journal file, an SQLite URL such as sqlite:///studies.db, or the postgresql+psycopg:// URL of a database that runs, "
            "with its driver installed: pip install 'mlpaygrade[postgres]'."
        ) from error


def _suggested(trial: optuna.Trial, name: str, base: Settings) -> Contender:
    if name == NETWORK:
        return NetworkContender(config=suggest_network(trial, base))
    return RivalContender(label=name, rival=RIVALS[name].suggest(trial), config=base)


def _objective(trial: optuna.Trial, name: str, past: Postings, splits: list[Split], base: Settings) -> float:
    contender = _suggested(trial, name, base)
    trial.set_user_attr("settings", contender.settings)
    errors, losses = [], []
    for k, split in enumerate(splits):
        error, loss = fold_scores(contender, past, split, quantiles=name == NETWORK)
        errors.append(error)
        losses.append(loss)
        trial.report(float(np.mean(errors)), k)
        if k + 1 < len(splits) and trial.should_prune():
            raise optuna.TrialPruned
    trial.set_user_attr("rmse_log_by_window", errors)
    if name == NETWORK:
        trial.set_user_attr("pinball_log", float(np.mean(losses)))
    return float(np.mean(errors))


def fold_scores(contender: Contender, past: Postings, split: Split, *, quantiles: bool) -> tuple[float, float]:
    """RMSE of log pay and mean pinball loss (NaN without `quantiles`) on one window's rows."""
    train, test = past.take(split.train), past.take(split.test)
    fitted = contender.fit(train, quantiles=quantiles)
    if quantiles:
        rows = evaluate(fitted.predict(test), test)["rows"]
        return float(rows["rmse_log"]), float(rows["pinball_log"])
    index, usd = test.row_values_usd()
    return point_metrics(np.log1p(usd), fitted.log_estimate(test)[index])["rmse_log"], float("nan")


def _optimize(
    study: optuna.Study,
    name: str,
    past: Postings,
    splits: list[Split],
    base: Settings,
    *,
    trials: int,
    report: Callable[[], None],
) -> None:
    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        del trial
        report()
        if _finished(study) >= trials:
            study.stop()

    report()
    if _finished(study) < trials:
        study.optimize(
            lambda trial: _objective(trial, name, past, splits, base), callbacks=[after], gc_after_trial=True
        )


def _finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=DONE))


def _starts(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials with the settings that the search starts from: more than one where a process was killed in it."""
    return [trial for trial in study.get_trials(deepcopy=False) if trial.number == 0 or START in trial.user_attrs]


def _report(progress: Progress, study: optuna.Study, trials: int) -> None:
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best = {"best RMSE log": study.best_value} if complete else {}
    progress(f"tune {study.study_name}", min(_finished(study), trials), trials, best)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What a worker process is told."""

    name: str
    path: Path
    base: Settings
    title: str
    storage: str | None
    trials: int
    workers: int
    seed: int


def _spread(study: optuna.Study, job: _Job, *, progress: Progress) -> None:
    """Several processes on one study; each reads the file itself. Raises ResourceError when too few trials come of it."""
    context = multiprocessing.get_context("spawn")
    jobs = [dataclasses.replace(job, seed=job.seed + 1000 * (k + 1)) for k in range(job.workers)]
    processes = [context.Process(target=_work, args=(one,)) for one in jobs]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes):
            _report(progress, study, job.trials)
            time.sleep(1)
    finally:
        for process in processes:
            process.terminate()
            process.join()
    _report(progress, study, job.trials)
    if _finished(study) < job.trials:
        codes = ", ".join(str(process.exitcode) for process in processes)
        raise ResourceError(
            f"The workers ended with {_finished(study)} of {job.trials} trials (exit codes {codes}). Their messages stand "
            "above; run the same command to go on."
        )


def _work(job: _Job) -> None:
    _end_with_parent()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table = read_table(job.path)
    past = training_years(build_postings(table.frame))
    study = open_study(job.title, storage=job.storage, table=table, past=past, seed=job.seed, workers=job.workers)
    splits = rolling_origin(past, folds=FOLDS, window=WINDOW)
    _optimize(study, job.name, past, splits, job.base, trials=job.trials, report=lambda: None)


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on alone and unseen: it ends too. An interrupt is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _choose(study: optuna.Study, name: str, past: Postings, splits: list[Split], base: Settings) -> Tuned:
    """The best trial; for a rival also the better of its two ways to quantiles, by pinball loss on the same windows."""
    best = study.best_trial
    settings = dict(best.user_attrs["settings"])
    if name == NETWORK:
        pinball = float(best.user_attrs["pinball_log"])
    else:
        settings.pop("calibration")
        losses = {}
        for native in (True, False):
            rival = read_rival(name, {"settings": {**settings, "native_quantiles": native}})
            candidate = RivalContender(label=name, rival=rival, config=base)
            losses[native] = float(
                np.mean([fold_scores(candidate, past, split, quantiles=True)[1] for split in splits])
            )
        settings["native_quantiles"] = losses[True] <= losses[False]
        pinball = min(losses.values())
    every = study.get_trials(deepcopy=False)
    starts = [trial.value for trial in _starts(study) if trial.state == TrialState.COMPLETE]
    pruned = len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,)))
    return Tuned(
        name=name,
        settings=settings,
        rmse_log=float(study.best_value),
        pinball_log=pinball,
        default_rmse_log=starts[0] if starts else None,
        trials=_finished(study),
        pruned=pruned,
        seconds=sum(trial.duration.total_seconds() for trial in every if trial.duration is not None),
        study={"name": study.study_name, **study.user_attrs},
    )
