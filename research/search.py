"""The network's search space, and the files that a study leaves.

Enters: an Optuna trial, or the outcome of a study. Leaves: `Settings`, TOML files. Trains nothing.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mlpaygrade.dataset.writing import write_file
from mlpaygrade.training.settings import Settings
from research.contenders import NETWORK, read_tuned

if TYPE_CHECKING:
    from optuna import Trial

    from research.tune import Tuned

SHAPES: Final = ("64", "128", "48-48", "64-64", "96-64", "64-64-64")
"""Hidden layers that are tried: units joined by `-`."""


def suggest_network(trial: "Trial", base: Settings) -> Settings:
    """Settings of the network drawn from the search space; what is not searched stays as in `base`."""
    shape = trial.suggest_categorical("hidden", SHAPES)
    network = dataclasses.replace(
        base.network,
        hidden=tuple(int(units) for units in shape.split("-")),
        share_weights=trial.suggest_categorical("share_weights", [False, True]),
        title_dim=trial.suggest_categorical("title_dim", [16, 32, 48]),
        country_dim=trial.suggest_categorical("country_dim", [8, 16, 24]),
        embedding_scale=trial.suggest_float("embedding_scale", 0.03, 0.5, log=True),
        dropout=trial.suggest_float("dropout", 0.0, 0.4),
        id_mask=trial.suggest_float("id_mask", 0.02, 0.2),
        word_mask=trial.suggest_float("word_mask", 0.0, 0.5),
    )
    training = dataclasses.replace(
        base.training,
        epochs=trial.suggest_int("epochs", 12, 36, log=True),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 0.3, log=True),
        half_life_years=trial.suggest_float("half_life_years", 0.2, 8.0, log=True),
        min_count=trial.suggest_int("min_count", 1, 10),
    )
    return dataclasses.replace(base, network=network, training=training)


def network_start(base: Settings) -> dict[str, Any]:
    """The point of the search space where `base` lies: the first trial."""
    known = {**dataclasses.asdict(base.network), **dataclasses.asdict(base.training)}
    known["hidden"] = "-".join(str(units) for units in base.network.hidden)
    return known


def save_tuned(tuned: "Tuned", *, folder: Path, rivals: Path) -> Path:
    """Write the settings: the network's as a file for `train --config`, a rival's into the file of all rivals.

    Returns the file written, at once, so that a reader sees the old or the new one.
    """
    figures = {
        **tuned.study,
        "rmse_log": round(tuned.rmse_log, 5),
        "pinball_log": round(tuned.pinball_log, 5),
        "trials": tuned.trials,
        "pruned": tuned.pruned,
        "seconds": round(tuned.seconds),
    }
    if tuned.default_rmse_log is not None:
        figures["default_rmse_log"] = round(tuned.default_rmse_log, 5)
    if tuned.name == NETWORK:
        path = folder / "network.toml"
        remarks = "".join(f"# {key}: {value}\n" for key, value in figures.items())
        content = remarks + "\n" + toml({(part,): table for part, table in tuned.settings.items()})
    else:
        path = rivals
        document = read_tuned(path) if path.exists() else {}
        document[tuned.name] = {"settings": dict(tuned.settings), "study": figures}
        tables: dict[tuple[str, ...], Any] = {
            (name, part): table for name in sorted(document) for part, table in document[name].items()
        }
        content = (
            "# Settings of the rivals as `mlpaygrade tune` chose them, with the studies they come from.\n\n"
            + toml(tables)
        )
    write_file(path, content, parents=True)
    return path


def toml(tables: Mapping[tuple[str, ...], Any]) -> str:
    """Tables of plain values as TOML: path of names -> {key: value}."""
    parts = []
    for name, values in tables.items():
        lines = [f"[{'.'.join(name)}]", *(f"{key} = {_value(value)}" for key, value in values.items())]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(float(f"{value:.6g}"))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
