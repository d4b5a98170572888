"""The command line: the same assets as in the Dagster UI, without the UI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import click
import typer
from typer.core import TyperCommand

from eaas_assets.commands.decision_commands import approve, audit_commands, policy_commands, submit
from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE, Locations

WORKSPACE = """\
load_from:
  - python_module: {module_name: eaas_assets.definitions, location_name: eaas_assets}
"""
"""What workspace.yaml of a checkout says, for an installed wheel."""

Trials = Annotated[
    int | None,
    typer.Option(min=1, max=1000, help="Try each scenario so often in this run, whatever the version declares"),
]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(approve)
app.command()(submit)
app.add_typer(audit_commands, name="audit")
app.add_typer(policy_commands, name="policy")


@app.callback()
def main() -> None:
    """Evaluation as a service for AI agents."""


@app.command()
def run(
    version: Annotated[
        list[str] | None, typer.Option("--version", help="Only this agent@version (may be repeated)")
    ] = None,
    trials: Trials = None,
) -> None:
    """Evaluate agent versions, look at all experiments, decide, rank the portfolio and write the reports.

    Ends with 0 when everything ran, 1 when something could not run. A red gate is a result and not an error.
    """
    from eaas_assets.commands import running  # heavy: Dagster and pandas

    with _dagster_home(_locations()):
        raise typer.Exit(running.run(_locations(), version or [], trials))


class _WrongCallError(click.UsageError):
    """A wrong call ends with 3, as whatever keeps the gate from running: 2, click's choice, would say inconclusive."""

    exit_code = 3


class _GateCommand(TyperCommand):
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            raise _WrongCallError(error.format_message(), error.ctx) from error


@app.command(cls=_GateCommand)
def gate(
    version: Annotated[str, typer.Argument(metavar="AGENT@VERSION", help="Which version to ask about")],
    junit: Annotated[
        Path | None, typer.Option(help="Write JUnit XML: a testcase per scenario and one for the gate")
    ] = None,
    summary: Annotated[Path | None, typer.Option(help="Write the outcome as Markdown, for a CI job's summary")] = None,
    trials: Trials = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Execute nothing: judge the latest full run anew")] = False,
) -> None:
    """Ask the release gate about one agent version: evaluate it, compare it with its baseline, say whether it may ship.

    Ends with 0 when it passes, 1 when it fails, 2 when the results cannot tell, 3 when the gate could not run.
    """
    if no_run and trials is not None:
        raise _WrongCallError("--trials asks for a run, and --no-run for none.")
    from eaas_assets.commands.gating import ExitCode, run_gate  # heavy: Dagster and pandas

    locations = _locations(ExitCode.NOT_RUN)
    with _dagster_home(locations):
        raise typer.Exit(run_gate(locations, version, not no_run, trials, junit, summary))


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port of the UI")] = 3000,
    host: Annotated[str, typer.Option(help="Address to bind; the UI has no login, so keep it local")] = "127.0.0.1",
) -> None:
    """Start the Dagster UI and the daemon that runs schedules and sensors; Ctrl-C stops both."""
    with _dagster_home(_locations()) as home:
        _bury_the_dead(_locations())
        workspace = home / "workspace.yaml"
        workspace.write_text(WORKSPACE, encoding="utf-8")
        code_location = ["--workspace", str(workspace)]
        programs = [
            [_program("dagster-webserver"), "--host", host, "--port", str(port), *code_location],
            [_program("dagster-daemon"), "run", *code_location],
        ]
        typer.echo(f"Dagster UI: http://{host}:{port}")
        raise typer.Exit(_run_together(programs))


def _bury_the_dead(locations: Locations) -> None:
    """Runs whose process was killed would keep every other from beginning."""
    import dagster as dg  # heavy

    from eaas_assets.defs.living import bury_the_dead

    with dg.DagsterInstance.get() as instance:
        for run_id in bury_the_dead(instance, locations.dagster_home):
            typer.echo(f"Run {run_id} was killed; it is reported as failed.")


def _program(name: str) -> str:
    """A program of this environment, whether or not it is on the PATH."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else name


def _run_together(programs: list[list[str]]) -> int:
    """Run programs until one ends or Ctrl-C comes; then end all. Returns the first exit code that is not 0."""
    processes = [subprocess.Popen(program) for program in programs]  # noqa: S603
    try:
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
    except KeyboardInterrupt:
        typer.echo("stopping")
    for process in processes:
        process.terminate()
    return next((code for process in processes if (code := process.wait()) > 0), 0)


def _locations(otherwise: int = 1) -> Locations:
    locations = Locations.from_environment()
    if not locations.data.is_dir():
        typer.echo(f"No data folder at {locations.data}; set {DATA_DIR_VARIABLE}.", err=True)
        raise typer.Exit(otherwise)
    return locations


@contextmanager
def _dagster_home(locations: Locations) -> Iterator[Path]:
    """The instance of this output folder, with the embedded settings unless the user has put own ones there."""
    home = Path(os.environ.get("DAGSTER_HOME") or locations.dagster_home)
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    if not settings.exists():
        with (files("eaas_assets.defs") / "dagster.yaml").open("rb") as source, settings.open("wb") as target:
            shutil.copyfileobj(source, target)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ[DATA_DIR_VARIABLE] = str(locations.data)
    os.environ[OUTPUT_DIR_VARIABLE] = str(locations.output)
    yield home
