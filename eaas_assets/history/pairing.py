"""Two runs side by side, scenario by scenario: which ones both ran, who was lost, and who was gained.

Belongs here: the one way in which results of two runs are matched. Nothing is tested here, and run totals, thresholds
and sentences are not made here.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from eaas_assets.history.columns import all_matched
from eaas_assets.history.measures import field_matches

COUNTS = ("before_trials", "before_passed", "after_trials", "after_passed")


class Pairing(NamedTuple):
    """The scenarios of two runs.

    Attributes:
        pairs: One row per scenario that both ran, sorted: scenario_id and the COUNTS of trials and passed trials.
        lost: Passed before, failed now. With several trials: passed in most of them before, and no longer.
        gained: The reverse.
        shifted: Scenarios whose share of passed trials changed without crossing one half.
        unpaired: Run by only one of the two, or without a known result in one of them.
        redefined: Left out because their expected values differ: another question under the same name.
        by_fields: Whether results are "every recorded field matched" on both sides, because one of the runs is imported
            and what passing meant in it is not recorded.
    """

    pairs: pd.DataFrame
    lost: list[str]
    gained: list[str]
    shifted: list[str]
    unpaired: list[str]
    redefined: list[str]
    by_fields: bool

    @property
    def single(self) -> bool:
        """Whether each scenario was tried once in each run."""
        pairs = self.pairs
        return bool(((pairs["before_trials"] == 1) & (pairs["after_trials"] == 1)).all())

    @property
    def identical(self) -> bool:
        """Whether every paired scenario has the same result in both runs."""
        return not (self.lost or self.gained or self.shifted)

    @property
    def whole(self) -> bool:
        """Whether both runs asked exactly the same questions."""
        return not (self.unpaired or self.redefined)


def pair(before: pd.DataFrame, after: pd.DataFrame) -> Pairing:
    """Match the scenario rows of an earlier and a later run.

    Args:
        before: ScenarioEvaluations of one run under one scoring.
        after: Those of the other.
    """
    by_fields = "historical" in {*before["source"].unique(), *after["source"].unique()}
    fields = _shared_fields(before, after) if by_fields else None
    first, second = _per_scenario(before, fields), _per_scenario(after, fields)
    both = first.add_prefix("before_").join(second.add_prefix("after_"), how="inner").sort_index()
    redefined = _redefined(both)
    unpaired = sorted({*before["scenario_id"].unique(), *after["scenario_id"].unique()} - {*both.index})
    pairs = both[~both.index.isin(redefined)].rename_axis("scenario_id").reset_index()
    pairs = pairs[["scenario_id", *COUNTS]]
    then, now = ((2 * pairs[f"{when}_passed"] > pairs[f"{when}_trials"]).to_numpy() for when in ("before", "after"))
    moved = (
        pairs["before_passed"] * pairs["after_trials"] != pairs["after_passed"] * pairs["before_trials"]
    ).to_numpy()
    names = pairs["scenario_id"].to_numpy(dtype=object)
    return Pairing(
        pairs=pairs,
        lost=names[then & ~now].tolist(),
        gained=names[~then & now].tolist(),
        shifted=names[moved & (then == now)].tolist(),
        unpaired=unpaired,
        redefined=redefined,
        by_fields=by_fields,
    )


def _per_scenario(rows: pd.DataFrame, fields: list[str] | None) -> pd.DataFrame:
    """Trials with a known result, passed ones and the expected values, by scenario."""
    if fields is None:
        passed = rows["passed"]
    else:
        matches = field_matches(rows["matches_json"])
        columns = [matches[field].astype(object).where(matches[field].notna(), None).tolist() for field in fields]
        passed = pd.Series(
            pd.array([all_matched(list(flags)) for flags in zip(*columns, strict=True)], dtype="boolean")
        )
    known = passed.notna().to_numpy()
    codes, names = pd.factorize(rows["scenario_id"].to_numpy()[known])
    first = np.unique(codes, return_index=True)[1]
    hits = passed.to_numpy(dtype=np.float64, na_value=np.nan)[known]
    return pd.DataFrame(
        {
            "trials": np.bincount(codes, minlength=len(names)),
            "passed": np.bincount(codes, weights=hits, minlength=len(names)).astype(np.int64),
            "expected": rows["expected_json"].to_numpy()[known][first],
        },
        index=pd.Index(names, name="scenario_id"),
    )


def _shared_fields(before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    return sorted(field_matches(before["matches_json"]).keys() & field_matches(after["matches_json"]).keys())


def _redefined(both: pd.DataFrame) -> list[str]:
    """Scenarios of which a field that both runs compared was expected to be something else."""
    differ = both[both["before_expected"] != both["after_expected"]]
    return [
        scenario
        for scenario, first, second in zip(
            differ.index, differ["before_expected"], differ["after_expected"], strict=True
        )
        if _contradict(json.loads(first), json.loads(second))
    ]


def _contradict(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return any(first[field] != second[field] for field in first.keys() & second.keys())
