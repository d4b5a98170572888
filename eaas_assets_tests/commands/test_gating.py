"""`eaas gate` on small worlds: what it says, what it writes, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from eaas_assets.cli import app
from eaas_assets.commands.gating import RedGate, decide, reasons_of
from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE
from eaas_assets.storage.tables import TableStore
from eaas_assets_tests.worlds import returns_scenarios, small_world, write_agent, write_policies, write_text

AGENT = "desk_agent"
HOSTILE_ANSWER = "]]> <b>x</b> &amp; \u202e"


class Desk:
    """An installation of the small world and the command line in it."""

    def __init__(self, root: Path) -> None:
        self.data = small_world(root / "data")
        self.output = root / "output"
        self.environment = {
            DATA_DIR_VARIABLE: str(self.data),
            OUTPUT_DIR_VARIABLE: str(self.output),
            "DAGSTER_HOME": str(root / "dagster"),
            "FORCE_COLOR": "",  # no terminal, whatever the tests run in
        }
        self.tables = TableStore(self.output / "tables")
        self.written = root / "written"

    def gate(self, version: str, *options: str) -> Result:
        arguments = ["gate", f"{AGENT}@{version}", "--junit", str(self.written / f"{version}.xml"),
                     "--summary", str(self.written / f"{version}.md"), *options]  # fmt: skip
        return CliRunner().invoke(app, arguments, env=self.environment)

    def junit(self, version: str) -> ElementTree.Element:
        return ElementTree.parse(self.written / f"{version}.xml").getroot()  # noqa: S314 (made here)

    def summary(self, version: str) -> str:
        return (self.written / f"{version}.md").read_text(encoding="utf-8")

    def runs(self, version: str) -> list[str]:
        return self.tables.run_ids("executed_evaluations", f"{AGENT}@{version}")


def desk_settings(wrong: tuple[str, ...] = ()) -> dict[str, Any]:
    """A rules agent that knows every scenario by its words and answers some of them wrongly."""
    cases, rules = {}, []
    for row in returns_scenarios():
        name = row["scenario_id"]
        decision = HOSTILE_ANSWER if name in wrong else row["want_decision"]
        cases[name] = {"answer": {"decision": decision, "refund": row["want_refund"]}, "path": row["want_steps"]}
        when = [{"field": "message", "operator": "equals", "value": row["text"]}]
        rules.append({"name": name, "when": when, "case": name})
    specialist = {"response": {"status": "done"}, "latency": {"base_s": 0.1}}
    return {
        "classification": rules,
        "otherwise": {"case": "D1"},
        "cases": cases,
        "path_field": "steps",
        "specialists": dict.fromkeys(("checker", "cashier", "lead"), specialist),
        "latency": {"base_s": 0.1},
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk"))
    write_agent(made.data, AGENT, "v1", settings=desk_settings(("D6",)))
    write_agent(made.data, AGENT, "v2", settings=desk_settings(("D6",)), baseline="v1")
    write_agent(made.data, AGENT, "v3", settings=desk_settings(("D2", "D6")), baseline="v1")
    return made


@pytest.fixture(scope="module")
def equal(desk: Desk) -> Result:
    """v2 answers as its baseline v1 does, which was never evaluated before."""
    return desk.gate("v2")


@pytest.fixture(scope="module")
def worse(desk: Desk, equal: Result) -> Result:
    """v3 loses a scenario of v1."""
    return desk.gate("v3")


def test_six_equal_scenarios_cannot_tell_and_the_gate_ends_with_2(desk: Desk, equal: Result) -> None:
    assert equal.exit_code == 2, equal.output
    assert equal.stdout.startswith(f"▲ INCONCLUSIVE: {AGENT}@v2\n")
    assert "6 scenarios cannot tell whether that is chance" in equal.stdout
    assert "To settle it: " in equal.stdout
    gate = desk.junit("v2").find("testsuite/testcase[@name='release gate']")
    assert gate is not None
    assert [child.tag for child in gate] == ["skipped"]
    assert "further scenarios" in gate[0].attrib["message"]


def test_a_baseline_that_was_never_evaluated_is_evaluated_first_and_only_once(
    desk: Desk, equal: Result, worse: Result
) -> None:
    assert len(desk.runs("v1")) == 1
    assert f"{AGENT}@v1 (baseline)" in equal.stderr
    assert "(baseline)" not in worse.stderr


def test_a_lost_scenario_fails_the_gate_and_it_ends_with_1(desk: Desk, worse: Result) -> None:
    assert worse.exit_code == 1, worse.output
    assert worse.stdout.startswith(f"✕ FAIL: {AGENT}@v3\n")
    assert "no_regression: " in worse.stdout
    assert "D2" in worse.stdout


def test_junit_has_a_testcase_per_scenario_and_what_was_answered_is_inert(desk: Desk, worse: Result) -> None:
    suite = desk.junit("v3")[0]
    assert [case.attrib["name"] for case in suite.iter("testcase")] == [
        "D1", "D2", "D3", "D4", "D5", "D6", "release gate",
    ]  # fmt: skip
    failed = {case.attrib["name"]: case[0] for case in suite.iter("testcase") if len(case)}
    assert {name: result.tag for name, result in failed.items()} == {
        "D2": "failure", "D6": "failure", "release gate": "failure",
    }  # fmt: skip
    assert 'decision: expected "decline", answered "]]> <b>x</b> &amp; ⟨U+202E⟩"' in str(failed["D2"].text)
    found = {one.attrib["name"]: one.attrib["value"] for one in suite.iter("property")}
    assert found["passed"].startswith("4 of 6 (67 %, 95 % CI ")
    assert found["verdict"] == "inconclusive"
    assert found["run"] == desk.runs("v3")[0]


def test_the_summary_is_markdown_with_verdict_reasons_and_self_test(desk: Desk, worse: Result) -> None:
    page = desk.summary("v3")
    assert page.startswith(f"## ✕ FAIL: `{AGENT}@v3`\n")
    assert "Stops the release:" in page
    assert "Lost: D2" in page
    assert "*The gate itself:* Where nothing changes, the gate fails in 0 of 200 replays" in page
    assert "<b>" not in page


def test_progress_goes_to_stderr_as_plain_lines_where_there_is_no_terminal(equal: Result) -> None:
    assert f"{AGENT}@v2: 6 of 6 evaluations (100 %)" in equal.stderr
    assert "evaluations (100 %)" not in equal.stdout
    assert "\x1b" not in equal.stderr


def test_the_gate_tries_itself_and_says_what_it_can_see(desk: Desk, worse: Result) -> None:
    table = desk.tables.read_partition("gate_calibration", f"{AGENT}@v3")
    assert table is not None
    assert table["situation"].tolist()[0] == "same_agent"
    assert table["keeps_promise"].tolist()[0]
    assert set(table["correlation_basis"]) == {"known"}
    assert "The gate itself: " in worse.stdout


def test_no_run_judges_by_the_policies_of_today_in_a_process_of_its_own(desk: Desk, equal: Result) -> None:
    """A margin wide enough for six scenarios turns the same run from inconclusive to passed."""
    policy = desk.data / "policies" / "release.yaml"
    shipped = policy.read_text()
    rules = yaml.safe_load(shipped)
    before = desk.runs("v2")
    write_policies(desk.data, release={"comparison": rules["comparison"] | {"margin": 0.45}})
    try:
        command = [sys.executable, "-c", "from eaas_assets.cli import app; app()", "gate", f"{AGENT}@v2", "--no-run"]
        done = subprocess.run(
            command, env=os.environ | desk.environment, capture_output=True, text=True, timeout=200, check=False
        )
    finally:
        policy.write_text(shipped)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"✓ PASS: {AGENT}@v2\n")
    assert "v2 is not worse than v1 by 45 points or more" in done.stdout
    assert "Traceback" not in done.stderr
    assert desk.runs("v2") == before


def test_trials_of_the_call_count_for_this_run_and_not_for_what_was_run_before(desk: Desk, equal: Result) -> None:
    write_agent(desk.data, AGENT, "v4", settings=desk_settings(("D6",)), baseline="v1")
    baseline_runs = desk.runs("v1")
    result = desk.gate("v4", "--trials", "3")
    assert result.exit_code == 2, result.output
    (run_id,) = desk.runs("v4")
    executed = desk.tables.read_run("executed_evaluations", f"{AGENT}@v4", run_id)
    assert executed.groupby("scenario_id")["trial"].agg(list).tolist() == [[1, 2, 3]] * 6
    assert desk.tables.read_run("evaluation_plan", f"{AGENT}@v4", run_id)["trials"].tolist() == [3]
    assert desk.runs("v1") == baseline_runs


@pytest.mark.parametrize("options", [["--trials", "0"], ["--trials", "many"], ["--trials", "3", "--no-run"]])
def test_trials_that_cannot_be_are_a_wrong_call_and_end_with_3(desk: Desk, options: list[str]) -> None:
    result = CliRunner().invoke(app, ["gate", f"{AGENT}@v2", *options], env=desk.environment)
    assert result.exit_code == 3, result.output
    assert "--trials" in result.output


@pytest.mark.parametrize(
    ("version", "told"),
    [("v9", "agents/desk_agent/v9.yaml"), ("../v1", "unsafe_key"), ("torn", "torn.yaml"), ("alone", "no-run")],
)
def test_what_cannot_run_ends_with_3_and_says_why(desk: Desk, tmp_path: Path, version: str, told: str) -> None:
    write_text(desk.data, f"agents/{AGENT}/torn.yaml", "agent: [unfinished")
    write_agent(desk.data, AGENT, "alone", settings=desk_settings())
    junit, summary = tmp_path / "junit.xml", tmp_path / "summary.md"
    options = ["--junit", str(junit), "--summary", str(summary), "--no-run"]
    try:
        result = CliRunner().invoke(app, ["gate", f"{AGENT}@{version}", *options], env=desk.environment)
    finally:
        (desk.data / "agents" / AGENT / "torn.yaml").unlink()
    assert result.exit_code == 3, result.output
    assert result.stdout.startswith("✕ COULD NOT RUN: ")
    assert told in result.stdout
    assert [case[0].tag for case in ElementTree.parse(junit).iter("testcase")] == ["error"]  # noqa: S314
    assert told in summary.read_text().replace("\\", "")


def test_a_broken_policy_ends_with_3(desk: Desk, equal: Result) -> None:
    policy = desk.data / "policies" / "release.yaml"
    shipped = policy.read_text()
    policy.write_text(shipped.replace("policy: release", "policy: relaese"))
    try:
        result = desk.gate("v2", "--no-run")
    finally:
        policy.write_text(shipped)
    assert result.exit_code == 3, result.output
    assert "policies/release.yaml" in result.stdout


def test_a_suite_that_cannot_be_used_ends_with_3_and_names_the_file(desk: Desk) -> None:
    scenarios = desk.data / "suites" / "returns_desk" / "scenarios.json"
    whole = scenarios.read_text()
    scenarios.write_text("[")
    try:
        result = desk.gate("v2")
    finally:
        scenarios.write_text(whole)
    assert result.exit_code == 3, result.output
    assert "scenarios.json" in result.stdout


@pytest.mark.parametrize("arguments", [[], ["a@b", "--nonsense"], ["a@b", "--junit"]])
def test_a_wrong_call_ends_with_3_and_not_with_inconclusive(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["gate", *arguments]).exit_code == 3


def test_without_a_data_folder_it_ends_with_3(tmp_path: Path) -> None:
    environment = {DATA_DIR_VARIABLE: str(tmp_path / "nowhere"), OUTPUT_DIR_VARIABLE: str(tmp_path)}
    result = CliRunner().invoke(app, ["gate", "a@b"], env=environment)
    assert result.exit_code == 3
    assert "nowhere" in result.output


def test_a_stopped_gate_ends_with_3_and_says_that_nothing_is_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("eaas_assets.commands.gating._judge", stopped)
    result = desk.gate("v2")
    assert result.exit_code == 3
    assert "what was finished is kept" in result.stdout


def test_a_file_that_cannot_be_written_is_told_and_ends_with_3(desk: Desk, tmp_path: Path) -> None:
    write_text(tmp_path, "taken", "a file where a folder should be")
    arguments = ["gate", f"{AGENT}@v9", "--junit", str(tmp_path / "taken" / "junit.xml")]
    result = CliRunner().invoke(app, arguments, env=desk.environment)
    assert result.exit_code == 3
    assert "junit.xml cannot be written: " in result.stderr


RED, LOUD = RedGate("suites_are_sound", ("odd",), stops=False), RedGate("no_regression", ("lost",), stops=True)


@pytest.mark.parametrize(
    ("verdict", "baseline", "red", "outcome"),
    [
        ("better", "v1", [], "pass"),
        ("not_worse", "v1", [RED], "pass"),
        ("not_worse", "v1", [RED, LOUD], "fail"),
        ("better", "v1", [LOUD], "fail"),
        ("worse", "v1", [], "fail"),
        ("inconclusive", "v1", [RED], "inconclusive"),
        ("inconclusive", "v1", [LOUD], "fail"),
        ("no_baseline", None, [], "pass"),
        ("no_baseline", float("nan"), [LOUD], "fail"),
        ("no_baseline", "v1", [], "inconclusive"),
    ],
)
def test_the_outcome_follows_from_verdict_and_red_gates(
    verdict: str, baseline: object, red: list[RedGate], outcome: str
) -> None:
    assert decide(verdict, baseline, red) == outcome


def test_a_gate_with_many_reasons_does_not_drown_the_others() -> None:
    many = RedGate("suites_are_sound", tuple(map(str, range(12))), stops=False)
    told = reasons_of([many, LOUD, RED], stops=False)
    assert told[4:] == [
        "suites_are_sound: 4",
        "suites_are_sound: and 7 more; they stand in the report",
        "suites_are_sound: odd",
    ]
    assert reasons_of([many, LOUD], stops=True) == ["no_regression: lost"]
