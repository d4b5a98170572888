"""Who hears how far a run is: the log of its asset, or whoever started it in this process and draws a bar of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import dagster as dg

from eaas_assets.evaluation.execution.progress import Progress, Tell

_watcher: ContextVar[Tell | None] = ContextVar("watcher of runs", default=None)


@contextmanager
def watched_by(tell: Tell) -> Iterator[None]:
    """Within the block, runs that this thread executes tell ``tell`` how far they are, instead of the log."""
    token = _watcher.set(tell)
    try:
        yield
    finally:
        _watcher.reset(token)


def teller(context: dg.AssetExecutionContext) -> Tell:
    """How the assets of a run tell how far it is."""

    def log(progress: Progress) -> None:
        context.log.info(str(progress))

    return _watcher.get() or log
