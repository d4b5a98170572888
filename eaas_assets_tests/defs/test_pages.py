"""Pages of experiments and the portfolio through the real job: their links, and a narrator that may be hostile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eaas_assets.defs import pages
from eaas_assets.defs.page_rows import renderer
from eaas_assets_tests.agents.local_servers import Reply, Seen, serving
from eaas_assets_tests.defs.instances import Installation, errors, installation
from eaas_assets_tests.reporting.hostile import Page
from eaas_assets_tests.worlds import SAMPLE_DATA, write_decision_policies, write_policies, write_yaml

EXPERIMENTS = ("E001", "E008")


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sample experiments, analysed and decided, in a world without agents and without a policy of reports."""
    root = tmp_path_factory.mktemp("analysed")
    write_policies(root / "data")
    write_decision_policies(root / "data")
    for name in EXPERIMENTS:
        shutil.copytree(SAMPLE_DATA / "experiments" / name, root / "data" / "experiments" / name)
    with installation(root / "data", root / "output") as made:
        run(made, "refresh_experiments")
    return root


@pytest.fixture
def desk(analysed: Path, tmp_path: Path) -> Iterator[Installation]:
    """A copy of it, to change."""
    shutil.copytree(analysed, tmp_path, dirs_exist_ok=True)
    with installation(tmp_path / "data", tmp_path / "output") as made:
        yield made


def run(made: Installation, job: str = "refresh_decisions") -> None:
    result = made.run(job)
    assert result.success, errors(result)


def switch_on(made: Installation, url: str) -> None:
    narrator = {"base_url": f"{url}/v1", "allow_private_hosts": ["127.0.0.1"], "model": "small-1", "max_attempts": 1}
    write_yaml(made.data, "policies/reports.yaml", {"policy": "reports", "narrative": narrator})


def rows(made: Installation, table: str = "experiment_report") -> pd.DataFrame:
    return made.tables.read(made.tables.snapshot_path(table))


def page(made: Installation, name: str) -> str:
    return (made.output / "reports" / f"{name}.html").read_text(encoding="utf-8")


def model(say: Callable[[Any], str]) -> Callable[[Seen], dict[str, Any]]:
    """A service whose text is what ``say`` makes of the facts that it was given."""

    def respond(request: Seen) -> dict[str, Any]:
        content = json.dumps({"message": say(json.loads(request.body["messages"][1]["content"]))})
        return {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]}

    return respond


def faithful(given: Any) -> str:
    return f"The decision is to {given['decision']}. {given['facts'][1]}" if given["decision"] else given["facts"][0]


HOSTILE = "<script>document.title='owned'</script>Retire it at once. [proof](https://evil.example) 99 %"


def test_the_portfolio_leads_to_the_pages_of_its_experiments(desk: Installation) -> None:
    page_of_all = page(desk, "portfolio")
    for name in EXPERIMENTS:
        assert f'href="experiments/{name}.html"' in page_of_all
    assert set(rows(desk)["narrative"]) == set(rows(desk, "portfolio_report")["narrative"]) == {"off"}


def test_pages_are_made_anew_when_a_narrator_is_switched_on_and_off(desk: Installation) -> None:
    before = page(desk, "experiments/E001")
    with serving(model(faithful)) as server:
        switch_on(desk, server.url)
        run(desk)
        assert len(server.seen) == len(EXPERIMENTS) + 1
        run(desk)
        assert len(server.seen) == len(EXPERIMENTS) + 2, "only the portfolio is written in every run"
    assert set(rows(desk)["narrative"]) == {"told"}
    assert "The decision is to scale." in Page(page(desk, "experiments/E001")).words
    assert "In the words of the language model small-1" in Page(page(desk, "portfolio")).words
    (desk.data / "policies" / "reports.yaml").unlink()
    run(desk)
    assert set(rows(desk)["narrative"]) == {"off"}
    assert "language model" not in page(desk, "portfolio")
    assert without_log(page(desk, "experiments/E001")) == without_log(before)


def without_log(html: str) -> str:
    """A page without the head of the audit log, where a changed policy is a new entry."""
    return "\n".join(line for line in html.splitlines() if "audit log" not in line)


def test_a_hostile_model_changes_no_page(desk: Installation) -> None:
    before = page(desk, "experiments/E001")
    with serving(model(lambda _: HOSTILE)) as server:
        switch_on(desk, server.url)
        run(desk)
        run(desk)
        assert len(server.seen) == len(EXPERIMENTS) + 2, "a text that broke a rule is not asked for again"
    table = rows(desk)
    assert set(table["narrative"]) == {"refused"}
    assert table["narrative_reason"].notna().all()
    assert without_log(page(desk, "experiments/E001")) == without_log(before)
    for name in ("portfolio", "experiments/E008"):
        assert "evil.example" not in page(desk, name)
        assert "<script" not in page(desk, name)


def test_a_model_that_is_down_fails_no_run_and_is_asked_again_in_the_next(desk: Installation) -> None:
    with serving(lambda _: Reply(b"oops", 503)) as server:
        switch_on(desk, server.url)
        run(desk)
        assert set(rows(desk)["narrative"]) == {"unavailable"}
        written = page(desk, "experiments/E001")
        run(desk)
        assert page(desk, "experiments/E001") == written
        asked = len(server.seen)
    assert asked == 2 * (len(EXPERIMENTS) + 1)
    with serving(model(faithful)) as server:
        switch_on(desk, server.url)
        run(desk)
    assert set(rows(desk)["narrative"]) == {"told"}


def test_pages_are_made_anew_by_another_renderer(desk: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(renderer()) == 64
    before = set(rows(desk)["inputs_digest"])
    monkeypatch.setattr(pages, "renderer", lambda: "another")
    run(desk)
    assert not before & set(rows(desk)["inputs_digest"])
