"""How far a run is: done and total, rate, elapsed, time left; told at sensible moments and not at every row."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """A moment of a run. Times are seconds; ``left_s`` is None before a rate is known."""

    done: int
    total: int
    failures: int
    elapsed_s: float
    rate: float | None
    left_s: float | None

    def __str__(self) -> str:
        share = 100 * self.done / self.total if self.total else 100.0
        text = f"{self.done:,} of {self.total:,} evaluations ({share:.0f} %), {self.failures:,} not completed"
        text += f", {self.elapsed_s:.1f} s elapsed"
        if self.rate is not None and self.left_s is not None:
            text += f", {self.rate:,.0f}/s, {self.left_s:.1f} s left"
        return text


Tell = Callable[[Progress], None]


class ProgressMeter:
    """Counts finished evaluations and tells at the start, every ``interval_s`` seconds and at the end."""

    def __init__(self, total: int, tell: Tell, already_done: int = 0, interval_s: float = 2.0) -> None:
        """``already_done`` evaluations were finished before this start; they do not count for the rate."""
        self._total = total
        self._before = already_done
        self._tell = tell
        self._interval = interval_s
        self._done = self._failures = 0
        self._start = self._told = time.monotonic()
        self._tell(self.now())

    @property
    def counted(self) -> int:
        """Evaluations finished since this start."""
        return self._done

    def now(self) -> Progress:
        """The present state."""
        elapsed = time.monotonic() - self._start
        rate = self._done / elapsed if self._done and elapsed > 0 else None
        done = self._before + self._done
        left = (self._total - done) / rate if rate else None
        return Progress(done, self._total, self._failures, elapsed, rate, left)

    def count(self, completed: bool) -> None:
        """One more evaluation is finished and durable."""
        self._done += 1
        self._failures += not completed
        if time.monotonic() - self._told >= self._interval:
            self._told = time.monotonic()
            self._tell(self.now())

    def finish(self) -> None:
        """Tell the last state."""
        self._tell(self.now())
