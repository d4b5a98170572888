from __future__ import annotations

import json

import pandas as pd
import pytest

from eaas_assets.contracts.history import SegmentComparison
from eaas_assets.contracts.tables import contract_problems
from eaas_assets.history.baseline import compare_with_baseline
from eaas_assets.history.record import RunRecord, combine
from eaas_assets.history.segments import compare_segments
from eaas_assets_tests.history.runs_by_hand import SUITE, outcomes, release_policy, run

POLICY = release_policy()
EMAIL = [f"E{place:02d}" for place in range(20)]
CHAT = [f"C{place:02d}" for place in range(100)]
PHONE = ["P1", "P2"]
SCENARIOS = pd.DataFrame(
    {
        "suite": SUITE,
        "scenario_id": EMAIL + CHAT + PHONE,
        "segments_json": [
            json.dumps({"channel": channel, "family": name[:2]})
            for channel, names in (("email", EMAIL), ("chat", CHAT), ("phone", PHONE))
            for name in names
        ],
    }
)


def history(lost: list[str], gained: list[str]) -> RunRecord:
    every = EMAIL + CHAT + PHONE
    before = outcomes([name for name in every if name not in gained], gained)
    after = outcomes([name for name in every if name not in lost], lost)
    return combine([run("R1", "v1.0", before), run("R2", "v1.1", after, day=1)])


@pytest.fixture(scope="module")
def harmed() -> RunRecord:
    return history(EMAIL[:9], CHAT[:30])


def compared(record: RunRecord, **changes) -> pd.DataFrame:
    whole = POLICY.model_dump()
    policy = POLICY.model_validate(whole | {"comparison": whole["comparison"] | {"cluster_by": None, **changes}})
    found = compare_segments("R2", "v1.0", record, policy, SCENARIOS)
    assert contract_problems(SegmentComparison, found) == []
    return found.set_index(["segment", "value"])


def test_harm_in_one_segment_is_found_behind_a_better_average(harmed):
    rows = compared(harmed, segments=["channel"])
    assert rows.index.tolist() == [("channel", "chat"), ("channel", "email"), ("channel", "phone")]
    email = rows.loc[("channel", "email")]
    assert email[["scenarios", "before", "after"]].tolist() == [20, 1.0, 0.55]
    assert email["difference"] == pytest.approx(-0.45)
    assert email["low"] < -0.45 < email["high"] < 0
    # Exact McNemar: 2 / 2^9. Holm's correction does not change the largest of the two p-values.
    assert email["p_adjusted"] == email["p_value"] == pytest.approx(2 / 2**9)
    assert rows.loc[("channel", "chat"), "p_adjusted"] == pytest.approx(2 * 2 / 2**30)
    assert (email["verdict"], email["forbids"]) == ("worse", True)
    assert rows.loc[("channel", "chat"), "verdict"] == "better"
    assert not rows.loc[("channel", "chat"), "forbids"]


def test_small_segments_are_shown_with_the_reason_for_which_they_are_not_judged(harmed):
    phone = compared(harmed, segments=["channel"]).loc[("channel", "phone")]
    assert (phone["verdict"], phone["reason"], phone["forbids"]) == ("inconclusive", "fewer than 5 scenarios", False)
    assert pd.isna(phone["p_value"])


def test_a_segment_clears_its_own_margin():
    rows = compared(history([], []), segments=["channel"])
    assert rows.loc[("channel", "chat"), "verdict"] == "not_worse"
    assert rows.loc[("channel", "email"), "verdict"] == "inconclusive"  # 20 identical scenarios: ± 16.1 points


def test_families_cluster_and_are_no_segment(harmed):
    rows = compared(harmed, cluster_by="family")
    assert set(rows.index.get_level_values("segment")) == {"channel"}
    assert rows.loc[("channel", "email"), "p_value"] > 2 / 2**9  # nine losses, but in one family of two
    one = compared(harmed, cluster_by="channel", segments=["family"])
    tested = one[one["scenarios"] >= 5]
    assert set(tested["reason"]) == {"its scenarios are one family: nothing to estimate an error from"}
    assert tested["p_value"].isna().all()


def test_the_whole_names_the_segment_that_forbids(harmed):
    row = compare_with_baseline("R2", "v1.0", harmed, POLICY, scenarios=SCENARIOS).iloc[0]
    assert row["improvement"] > 0
    assert json.loads(row["worst_segments_json"]) == ["channel = email"]
    assert row["verdict"] == "inconclusive"
    assert "In 20 scenarios with channel = email the share fell by 45 points" in row["details"]
    assert "a segment speaks against the whole" in row["details"]


def test_without_a_baseline_there_are_no_rows():
    record = run("R2", "v1.1", outcomes(EMAIL, []))
    assert compare_segments("R2", None, record, POLICY, SCENARIOS).empty
    assert compare_segments("R2", "v1.0", record, POLICY, SCENARIOS).empty
