"""How a policy gate is told: red with its reasons, as loud as a policy says, or green with what was looked at."""

from collections.abc import Sequence
from typing import Any

import dagster as dg


def gate_result(reasons: Sequence[str], severity: str, passed_because: str, **metadata: Any) -> dg.AssetCheckResult:
    """A policy gate: red with its reasons in plain sentences, or green with what was looked at."""
    text = "\n".join(f"* {reason}" for reason in reasons) if reasons else passed_because
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=dg.AssetCheckSeverity.ERROR if severity == "error" else dg.AssetCheckSeverity.WARN,
        description="; ".join(reasons)[:500] if reasons else passed_because,
        metadata={"reasons": len(reasons), "explanation": dg.MetadataValue.md(text), **metadata},
    )
