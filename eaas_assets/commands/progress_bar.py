"""How far long work is: a bar on a terminal, plain lines everywhere else, always on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from eaas_assets.evaluation.execution.progress import Progress as Moment
from eaas_assets.reporting.text import inline


class Stages(Protocol):
    """Shows one stage of the work at a time."""

    def begin(self, title: str) -> None:
        """A stage begins; how much there is to do in it is not known yet."""

    def told(self, moment: Moment) -> None:
        """How far the stage is."""


class _Bar:
    """On a terminal: one line that moves."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=None, left="")

    def begin(self, title: str) -> None:
        self._bar.reset(self._task, total=None, description=escape(inline(title)), left="")

    def told(self, moment: Moment) -> None:
        left = "" if moment.left_s is None else f"{moment.left_s:.0f} s left"
        self._bar.update(self._task, completed=moment.done, total=moment.total, left=left)


class _Lines:
    """In a log: a line for each stage, and one for each moment that is told."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._title = ""

    def begin(self, title: str) -> None:
        self._title = title
        self._print(title)

    def told(self, moment: Moment) -> None:
        self._print(f"{self._title}: {moment}")

    def _print(self, line: str) -> None:
        self._console.print(Text(inline(line)), soft_wrap=True)


@contextmanager
def shown_progress() -> Iterator[Stages]:
    """Show the stages of the work within the block."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar)
