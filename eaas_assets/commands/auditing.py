"""`eaas audit`: check every byte of the audit log, and export it."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import get_args

import typer

from eaas_assets.decisions.audit.checkpoints import Checkpoint
from eaas_assets.decisions.audit.export import Format, export_log
from eaas_assets.decisions.audit.keys import read_public_key
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.errors import EaasError
from eaas_assets.storage.locations import Locations

FORMATS: tuple[Format, ...] = get_args(Format)
SHOWN = 20


class ExitCode(IntEnum):
    """How the commands end."""

    INTACT = 0
    DAMAGED = 1
    NOT_POSSIBLE = 3


def verify(locations: Locations, checkpoints: list[str], public_keys: list[Path]) -> int:
    """Say whether the log is intact; name what is not.

    Args:
        locations: Of the installation.
        checkpoints: Further ones, as reports print them.
        public_keys: Keys that count; empty: those of the key folder.
    """
    try:
        given = [Checkpoint.parse(text) for text in checkpoints]
        keys = [read_public_key(path) for path in public_keys] or None
        verification = AuditLog.at(locations).verify(given, keys)
    except (EaasError, ValueError) as error:
        typer.echo(str(error), err=True)
        return ExitCode.NOT_POSSIBLE
    for line in [*map(str, verification.problems[:SHOWN]), verification.statement, *verification.remarks]:
        typer.echo(line)
    return ExitCode.INTACT if verification.ok else ExitCode.DAMAGED


def export(locations: Locations, target: Path, kind: Format) -> int:
    """Write the log for other programs; formulas and control characters are inert in it."""
    try:
        log = AuditLog.at(locations)
        entries = export_log(log.entries(), target, kind)
    except EaasError as error:
        typer.echo(str(error), err=True)
        return ExitCode.NOT_POSSIBLE
    typer.echo(f"{entries:,} entries written to {target}")
    return ExitCode.INTACT
