"""Contracts of the report tables: which page was written for which run."""

from __future__ import annotations

from typing import Literal, get_args

from eaas_assets.contracts.tables import Table, Timestamp, column, instant, optional

NarrativeOutcome = Literal["off", "told", "refused", "unavailable"]
_OUTCOMES = get_args(NarrativeOutcome)
_NARRATIVE = (
    "Summary in a language model's words: off, told, refused (its text broke a rule), or unavailable "
    "(the model gave none: the next run asks again)"
)
_NARRATIVE_REASON = "Why the package's own summary stands instead; null where none was asked for, or it is shown"


class EvaluationReport(Table):
    """One row per report file."""

    run_id: str = column("Run")
    agent: str = column("Agent")
    version: str = column("Version")
    format: str = column("html or md", isin=("html", "md"))
    path: str = column("Below the output folder")
    digest: str = column("Hash of the file")
    verdict: str = column("The verdict on its first line")
    written_at: Timestamp = instant("When")


class ExperimentReport(Table):
    """One row per page of an experiment."""

    experiment_id: str = column("Experiment")
    evidence_id: str = column("Evidence that it shows")
    decision_id: str = optional("Decision that it shows; null where there is none")
    format: str = column("html or md", isin=("html", "md"))
    path: str = column("Below the output folder")
    digest: str = column("Hash of the file")
    inputs_digest: str = column("Hash of the rows that it was made from: equal rows make no new page")
    verdict: str = column("Its first sentence")
    narrative: str = column(_NARRATIVE, isin=_OUTCOMES)
    narrative_reason: str = optional(_NARRATIVE_REASON)
    written_at: Timestamp = instant("When")


class PortfolioReport(Table):
    """One row per page of the portfolio."""

    format: str = column("html or md", isin=("html", "md"))
    path: str = column("Below the output folder")
    digest: str = column("Hash of the file")
    verdict: str = column("Its first sentence")
    experiments: int = column("Experiments in it", ge=0)
    narrative: str = column(_NARRATIVE, isin=_OUTCOMES)
    narrative_reason: str = optional(_NARRATIVE_REASON)
    written_at: Timestamp = instant("When")
