"""The commands `eaas approve`, `eaas audit …` and `eaas policy …` as the command line has them: arguments and help."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from eaas_assets.storage.locations import Locations

audit_commands = typer.Typer(no_args_is_help=True, help="Check the audit log, or export it.")
policy_commands = typer.Typer(no_args_is_help=True, help="Try another decision policy on past decisions.")


def approve(
    decision: Annotated[str, typer.Argument(help="Experiment, agent@version or decision_id")],
    person: Annotated[str, typer.Option(help="Who asks, as policies/approvals.yaml names them")],
    role: Annotated[str, typer.Option(help="In which role")],
    reject: Annotated[bool, typer.Option("--reject", help="Reject instead of approving")] = False,
    override: Annotated[str | None, typer.Option(help="Decide against the rule: this word instead")] = None,
    word: Annotated[str | None, typer.Option(help="Approve an override that was asked for: its word")] = None,
    waive: Annotated[str | None, typer.Option(help="Lift the approval of this role")] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day of a waiver")] = None,
    reason: Annotated[str | None, typer.Option(help="Why; needed for all but an approval")] = None,
    key: Annotated[Path | None, typer.Option(help="Sign with this Ed25519 private key (OpenSSH)")] = None,
    print_request: Annotated[bool, typer.Option("--print-request", help="Only print the text to be signed")] = False,
) -> None:
    """Approve, reject, override or waive a decision.

    Everything is verified, and logged whatever comes of it. Ends with 0 when the request counts, 1 when it is
    refused, 3 when it could not be made. To sign with `ssh-keygen`: print the request into a file, run
    `ssh-keygen -Y sign -n eaas -f KEY FILE`, and hand both to `eaas submit`.
    """
    from eaas_assets.commands import approving  # heavy: cryptography

    if sum((reject, override is not None, waive is not None)) > 1:
        raise typer.BadParameter("one of --reject, --override and --waive")
    asked = approving.Asked(
        decision,
        "reject" if reject else "override" if override else "waive" if waive else "approve",
        person,
        role,
        reason,
        override or word,
        waive,
        until.date() if until else None,
    )
    locations = Locations.from_environment()
    if print_request:
        raise typer.Exit(approving.print_request(locations, asked))
    raise typer.Exit(approving.approve(locations, asked, key))


def submit(
    request: Annotated[Path, typer.Argument(help="File with the text that --print-request has printed")],
    signature: Annotated[Path, typer.Argument(help="File with its signature")],
) -> None:
    """Submit a request that was signed elsewhere. Ends as `eaas approve` does."""
    from eaas_assets.commands import approving

    raise typer.Exit(approving.submit_signed(Locations.from_environment(), request, signature))


@audit_commands.command()
def verify(
    checkpoint: Annotated[
        list[str] | None, typer.Option(help="A checkpoint as a report prints it (may be repeated)")
    ] = None,
    public_key: Annotated[
        list[Path] | None, typer.Option(help="Only signatures of this key count (may be repeated)")
    ] = None,
) -> None:
    """Check every byte of the log. Ends with 0 when it is as it was written, 1 when not, 3 when it cannot be read."""
    from eaas_assets.commands import auditing

    raise typer.Exit(auditing.verify(Locations.from_environment(), checkpoint or [], public_key or []))


@audit_commands.command()
def export(
    target: Annotated[Path, typer.Argument(help="File to write: .csv or .json")],
) -> None:
    """Export the log as CSV or JSON, in which formulas and control characters are inert."""
    from eaas_assets.commands import auditing

    kind = target.suffix.removeprefix(".")
    if kind not in auditing.FORMATS:
        raise typer.BadParameter(f"a name that ends in .{' or .'.join(auditing.FORMATS)}")
    raise typer.Exit(auditing.export(Locations.from_environment(), target, "csv" if kind == "csv" else "json"))


@policy_commands.command()
def replay(
    policy: Annotated[Path, typer.Argument(help="The other decision policy, a YAML file")],
    output: Annotated[Path | None, typer.Option(help="Write all rows as CSV as well")] = None,
) -> None:
    """Decide every past decision anew under another policy, and say which would differ and what that is worth.

    Nothing is decided by it. Ends with 0 when it was replayed, 3 when the policy or the log could not be read.
    """
    from eaas_assets.commands import replaying  # heavy: pandas

    raise typer.Exit(replaying.replay(Locations.from_environment(), policy, output))
