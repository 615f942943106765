"""The charts of each section, drawn from its JSON: for the report and for the app, which may not import the report.

Enters: a section of `MarketStatistics.to_json()`. Leaves: its `Figure`s: a title, a text alternative, a table of the same
numbers and
a function that draws the chart at a width. Computes no statistic.
"""

from collections.abc import Callable, Mapping
from typing import Final

from mlpaygrade.market.figure import Figure, Json
from mlpaygrade.market.figures_jobs import bands_figures, titles_figures
from mlpaygrade.market.figures_pay import effects_figures, remote_figures, target_figures, variance_figures
from mlpaygrade.market.figures_place import geography_figures, time_figures
from mlpaygrade.market.figures_trust import claims_figures, error_budget_figures, fitness_figures, leakage_figures

_BUILDERS: Final[Mapping[str, Callable[[Json], list[Figure]]]] = {
    "effects": effects_figures,
    "remote": remote_figures,
    "variance": variance_figures,
    "target": target_figures,
    "geography": geography_figures,
    "time": time_figures,
    "bands": bands_figures,
    "titles": titles_figures,
    "fitness": fitness_figures,
    "claims": claims_figures,
    "leakage": leakage_figures,
    "error_budget": error_budget_figures,
}


def section_figures(section: Json) -> tuple[Figure, ...]:
    """The figures of a section; none where the file lacks its data."""
    if section["missing"]:
        return ()
    build = _BUILDERS.get(section["key"])
    return tuple(build(section["figures"])) if build else ()
