"""The audit: the published figures to the digit on the public file, slow oracles on small ones, and any file of the columns."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlpaygrade.audit import claims as claims_module
from mlpaygrade.audit.claims import ClaimResult, judge_claims
from mlpaygrade.audit.summary import Audit, audit_table, find_copies, pairing_evidence, row_codes
from mlpaygrade.dataset.postings import KEY, build_postings, random_rows
from mlpaygrade.dataset.table import Table, read_table
from mlpaygrade.job import lookup
from mlpaygrade.job.fields import COLUMNS, CURRENCY, FEATURES, LABELS, SALARY, TARGET, YEAR
from mlpaygrade.testing.synthetic import SyntheticMarket

MARKET = SyntheticMarket(seed=2, n_postings=1_200)
FRAME = MARKET.generate()


def table_of(frame: pd.DataFrame) -> Table:
    return Table(frame=frame, sha256="0" * 64, path=Path("some.csv"), rows=len(frame), notes=(), synthetic=False)


def tiny(*changes: dict[str, Any]) -> pd.DataFrame:
    base = FRAME.iloc[0].to_dict()
    return pd.DataFrame([{**base, **change} for change in changes], columns=list(COLUMNS))


# --- the public file ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def public(salaries_csv: Path) -> Audit:
    return audit_table(read_table(salaries_csv))


def test_public_file_shows_its_bands(public: Audit) -> None:
    pairing = public.pairing
    assert (pairing.pairs, pairing.ordered, pairing.postings) == (7_841, 7_840, 8_654)
    assert round(100 * pairing.in_pairs_share) == 95
    assert round(100 * pairing.paired_share, 1) == 90.6
    assert pairing.ordered_share is not None
    assert pairing.ordered_shuffled_share is not None
    assert round(100 * pairing.ordered_share, 2) == 99.99
    assert round(100 * pairing.ordered_shuffled_share, 1) == 50.8
    assert pairing.in_pairs_shuffled_share < 0.07
    assert pairing.high_to_low is not None
    assert [round(ratio, 2) for ratio in pairing.high_to_low] == [1.11, 1.43, 2.18]
    by_year = {year.year: round(100 * year.in_pairs_share) for year in pairing.years}
    assert by_year == {2020: 3, 2021: 5, 2022: 86, 2023: 97, 2024: 99}


def test_public_file_shows_its_copies_and_what_they_leak(public: Audit) -> None:
    assert (public.copies.rows, round(100 * public.copies.share, 1)) == (6_401, 38.8)
    leak = public.copies.random_split
    assert leak is not None
    assert 0.48 < leak.twin_share < 0.52  # "about half"
    assert leak.other_end_of_rest_share is not None
    assert leak.other_end_of_rest_share > 0.7  # "most of the rest"
    assert leak.clean_share < 0.15


def test_public_file_shows_the_rest(public: Audit) -> None:
    assert (public.rows, public.missing, public.newest_day) == (16_494, 0, "2024-04-22")
    assert public.known_as is not None
    assert round(public.same_country_share, 2) == 0.99
    assert public.currencies.usd_equal_share == public.currencies.determined_share == public.currencies.rate_share == 1
    cells = [(cell.employment, cell.size, cell.deviation_usd) for cell in public.cells if cell.deviation_usd]
    assert [(e, s, round(d / 1000, 1)) for e, s, d in (cells[0], cells[-1])] == [("CT", "S", 120.8), ("FL", "S", 13.4)]
    full_time_small = [(e, s) for e, s, _ in cells].index(("FT", "S"))
    assert {(e, s) for e, s, _ in cells[full_time_small + 1 :]} == {("FL", "S"), ("FL", "M"), ("PT", "S"), ("PT", "L")}


def test_public_file_confirms_and_refutes_the_claims(public: Audit) -> None:
    verdicts = {claim.id: claim.verdict for claim in public.claims}
    failing = {name for name, verdict in verdicts.items() if verdict == "fails"}
    assert "cannot be told" not in verdicts.values()
    assert failing == {
        "skewness-gain",
        "executive-remote",
        "executive-on-site",
        "entry-on-site",
        "entry-remote",
        "remote-seniority",
        "most-stable",
        "us-share",
        "premium",
        "usd-share",
        "share-earlier",
        "deviation-stable",
    }
    measured = {claim.id: claim.measured for claim in public.claims}
    assert round(float(measured["us-share"] or 0), 1) == 87.8
    assert round(float(measured["usd-share"] or 0), 1) == 92.5
    assert round(float(measured["entry-remote"] or 0)) == 83_663
    assert measured["premium"] == "IL|PR|US"


# --- oracles -----------------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([2023, 2024]), st.sampled_from([5, 6, 7])), min_size=1, max_size=30))
def test_pairs_of_agreeing_neighbours_as_a_slow_count_finds_them(values: list[tuple[int, int]]) -> None:
    frame = tiny(*({YEAR: year, TARGET: 10_000 * pay} for year, pay in values))
    pairs, at = [], 0
    while at + 1 < len(values):
        if values[at][0] == values[at + 1][0]:
            pairs.append((values[at], values[at + 1]))
            at += 2
        else:
            at += 1
    found = pairing_evidence(frame)
    assert found.pairs == len(pairs)
    assert found.ordered == sum(first[1] >= second[1] for first, second in pairs)
    assert found.equal == sum(first[1] == second[1] for first, second in pairs)
    assert {year.year: year.pairs for year in found.years} == {
        year: sum(first[0] == year for first, _ in pairs) for year, _ in values
    }


def test_a_file_without_bands_shows_none() -> None:
    shuffled = FRAME.sample(frac=1, random_state=0).sort_values(YEAR, ascending=False, kind="stable")
    found, real = pairing_evidence(shuffled.reset_index(drop=True)), pairing_evidence(FRAME)
    assert real.in_pairs_share > 0.85
    assert found.in_pairs_share < real.in_pairs_share / 4
    assert abs(found.in_pairs_share - found.in_pairs_shuffled_share) < 0.05
    assert real.ordered_share is not None
    assert found.ordered_share is not None
    assert real.ordered_share > 0.97
    assert found.ordered_share < 0.75


def test_row_codes_are_groups() -> None:
    codes = row_codes(FRAME, KEY)
    texts = ["|".join(map(str, row)) for row in FRAME[list(KEY)].itertuples(index=False)]
    assert len(set(codes.tolist())) == len(set(texts)) == len(set(zip(codes.tolist(), texts, strict=True)))


def test_leak_of_a_random_split_as_a_slow_count_finds_it() -> None:
    postings = build_postings(FRAME)
    rows = [tuple(row) for row in FRAME[list(COLUMNS)].itertuples(index=False)]
    jobs = [tuple(row) for row in FRAME[list(FEATURES)].itertuples(index=False)]
    other = {}
    for high, low in postings.rows[postings.paired].tolist():
        other[high], other[low] = low, high
    shares = []
    for seed in range(5):
        split = random_rows(len(FRAME), seed=seed)
        trained = set(split.train.tolist())
        trained_rows, trained_jobs = {rows[row] for row in trained}, {jobs[row] for row in trained}
        count: Counter[str] = Counter()
        for row in split.test.tolist():
            kind = "twin" if rows[row] in trained_rows else "other" if other.get(row) in trained else "clean"
            count[kind] += 1
            count["job"] += jobs[row] in trained_jobs
        shares.append([count[kind] / len(split.test) for kind in ("twin", "other", "clean", "job")])
    found = find_copies(FRAME, postings)
    assert found.random_split is not None
    leak = found.random_split
    np.testing.assert_allclose(
        [leak.twin_share, leak.other_end_share, leak.clean_share, leak.same_job_share], np.mean(shares, axis=0)
    )
    assert leak.other_end_of_rest_share == pytest.approx(leak.other_end_share / (1 - leak.twin_share))
    assert found.rows == len(rows) - len(set(rows))
    assert found.rows_with_twin == sum(times for times in Counter(rows).values() if times > 1)


def test_a_target_that_its_salary_does_not_determine_is_noticed() -> None:
    whole = audit_table(table_of(FRAME)).currencies
    assert whole.determined_share == 1
    place = int(np.flatnonzero(FRAME.duplicated((YEAR, CURRENCY, SALARY)))[0])
    changed = FRAME.copy()
    changed.loc[place, TARGET] += 5_000
    found = audit_table(table_of(changed)).currencies
    assert found.determined_share < 1
    if FRAME.loc[place, CURRENCY] == "USD":
        assert found.usd_equal_share is not None
        assert found.usd_equal_share < 1


def test_significance_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    ratios = []
    for column in FEATURES:
        groups = [group[TARGET].to_numpy() for _, group in FRAME.groupby(column)]
        ratios.append(stats.kruskal(*groups).statistic / stats.chi2.ppf(0.999, len(groups) - 1))
    claim = next(claim for claim in judge_claims(FRAME) if claim.id == "significance")
    assert claim.measured == pytest.approx(min(ratios), rel=1e-9)


# --- any file ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.iloc[:1],
        FRAME.iloc[:2],
        tiny({}, {}, {}),
        FRAME[FRAME[YEAR] == FRAME[YEAR].max()].reset_index(drop=True),
        FRAME.assign(**{CURRENCY: "EUR"}),
    ],
    ids=["whole", "one row", "two rows", "copies only", "one year", "no dollars"],
)
def test_any_file_is_audited_and_its_figures_are_numbers(frame: pd.DataFrame) -> None:
    audit = audit_table(table_of(frame))
    document = json.loads(json.dumps(audit.to_json(), allow_nan=False))
    assert document["rows"] == sum(year["rows"] for year in document["years"]) == len(frame)
    assert len(document["claims"]) == len(lookup.rows("claims", room="audit"))
    assert sum(cell["rows"] for cell in document["cells"]) == len(frame)


# --- claims ------------------------------------------------------------------------------------------------------------


def judged(frame: pd.DataFrame) -> dict[str, ClaimResult]:
    return {claim.id: claim for claim in judge_claims(frame)}


def test_claims_table_is_sound() -> None:
    table = Path(claims_module.__file__).with_name("tables") / "claims.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert all(row[column] for column in ("id", "section", "claim", "statistic", "claimed", "source")), row
        assert row["unit"] in {"count", "usd", "percent", "number", "text"}, row
        assert row["relation"] in {"equals", "at_least"}, row
        assert bool(row["tolerance"]) == (row["unit"] != "text"), row
        assert row["statistic"].partition(":")[0] in claims_module._STATISTICS, row


def test_a_claim_holds_to_its_last_digit_and_no_further() -> None:
    assert judged(tiny(*[{TARGET: 149_500}] * 3))["mean"].verdict == "holds"
    assert judged(tiny(*[{TARGET: 149_499}] * 3))["mean"].verdict == "fails"
    assert judged(tiny({TARGET: 150_500}))["mean"].verdict == "holds"
    assert judged(tiny({TARGET: 150_501}))["mean"].verdict == "fails"


def test_a_claim_about_rows_that_are_not_there_cannot_be_told() -> None:
    only_seniors = judged(FRAME[FRAME["experience_level"] == "SE"].reset_index(drop=True))
    for name in ("executive-remote", "mean-en", "remote-seniority"):
        assert only_seniors[name].verdict == "cannot be told", name
        assert only_seniors[name].measured is None
        assert only_seniors[name].measured_text == "-"
    assert only_seniors["mean-se"].verdict != "cannot be told"


def test_rankings_follow_the_rows() -> None:
    pay = {"S": 300_000, "M": 200_000, "L": 100_000}
    frame = tiny(*({"company_size": size, TARGET: usd} for size, usd in pay.items() for _ in range(12)))
    result = judged(frame)["medium-pays-most"]
    assert (result.verdict, result.measured, result.n) == ("fails", "S", 12)
    assert result.measured_text == "Small (under 50 people)"
    few = judged(tiny(*({"company_size": size, TARGET: usd} for size, usd in pay.items())))["medium-pays-most"]
    assert few.remark.startswith("Rests on 1 row only.")


@pytest.mark.parametrize("column", ["company_size", "experience_level", "employment_type", "remote_ratio"])
def test_other_labels_change_no_verdict(monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    before = {name: (one.verdict, one.claimed_text) for name, one in judged(FRAME).items()}
    first, *rest = LABELS[column].values()
    others = dict(zip(LABELS[column], [*rest, first], strict=True))
    monkeypatch.setattr(claims_module, "LABELS", {**LABELS, column: others})
    after = judged(FRAME)
    assert {name: one.verdict for name, one in after.items()} == {
        name: verdict for name, (verdict, _) in before.items()
    }
    assert any(one.claimed_text != before[name][1] for name, one in after.items()), "and it is shown"


def test_groups_are_judged_by_codes_and_shown_in_words() -> None:
    result = judged(FRAME)
    assert (result["premium"].claimed, result["highest-deviation"].claimed) == ("CH|DK|LU", "CT/S")
    assert result["premium"].claimed_text == "Denmark, Luxembourg, Switzerland"
    assert result["highest-deviation"].claimed_text == "Contract / Small (under 50 people)"
    assert result["remote-seniority"].claimed_text == "Entry level < Mid level < Senior < Executive"
    assert result["mid-on-site"].claimed_text == "On site"


def test_values_are_shown_as_a_person_writes_them() -> None:
    result = judged(FRAME)
    assert (result["mean"].claimed_text, result["us-share"].claimed_text) == ("$150K", "70 %")
    assert result["rows"].claimed_text == "16,494"
    for claim in result.values():
        assert not {"EN", "SE", "CT", "FL", "US"} & set(claim.measured_text.replace(",", " ").split()), claim
