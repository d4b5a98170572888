"""Which runs are alive: each holds a lock as long as its process lives, whoever started it and however it ends.

Dagster takes a run whose process was killed for one that goes on, for ever, and lets no other begin where runs are made
one after the other. So the dead are told from the living before work begins.
"""

from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

FOLDER = "living"
CLAIM_TO_LIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def hold(home: Path, run_id: str) -> FileLock | None:
    """Hold the lock of a run until it is released, or this process ends; None where another process of it does.

    Args:
        home: Folder of the Dagster instance.
        run_id: The Dagster run.
    """
    path = _path(home, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    return lock


def let_go(lock: FileLock) -> None:
    """Release the lock of a run that has ended."""
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def bury_the_dead(instance: dg.DagsterInstance, home: Path) -> list[str]:
    """Report every run as failed whose process is gone.

    A run whose lock was never made is left alone: it may be beginning, or be one of another version.

    Args:
        instance: The Dagster instance.
        home: Its folder.

    Returns:
        Their ids.
    """
    dead = []
    for run in instance.get_runs(dg.RunsFilter(statuses=CLAIM_TO_LIVE)):
        if not _path(home, run.run_id).exists():
            continue
        if (lock := hold(home, run.run_id)) is not None:
            instance.report_run_failed(run, "its process was killed; start it again, and it takes up where it stopped")
            let_go(lock)
            dead.append(run.run_id)
    return dead


def _path(home: Path, run_id: str) -> Path:
    return home / FOLDER / f"{run_id}.lock"
