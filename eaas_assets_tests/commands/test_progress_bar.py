from __future__ import annotations

import pytest

from eaas_assets.commands.progress_bar import shown_progress
from eaas_assets.evaluation.execution.progress import Progress

HALF = Progress(done=5, total=10, failures=1, elapsed_s=2.0, rate=2.5, left_s=2.0)


def test_in_a_log_stages_and_moments_are_plain_lines_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with shown_progress() as stages:
        stages.begin("reading inputs")
        stages.begin("desk@v1 [bold]\x1b[31m")
        stages.told(HALF)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "reading inputs",
        "desk@v1 [bold]␛[31m",
        f"desk@v1 [bold]␛[31m: {HALF}",
    ]


def test_on_a_terminal_there_is_a_bar_and_it_is_gone_in_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with shown_progress() as stages:
        stages.begin("desk@v1 [bold]")
        stages.told(HALF)
    out, err = capsys.readouterr()
    assert out == ""
    assert "5/10" in err
    assert "2 s left" in err
    assert "desk@v1 [bold]" in err
    assert err.rstrip().endswith("\x1b[2K")
