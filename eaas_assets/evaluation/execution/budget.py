"""What a run may cost: when the budget is spent, no further question is asked."""

from __future__ import annotations

from decimal import Decimal

from eaas_assets.contracts.agent import Limits, Usage
from eaas_assets.evaluation.execution.outcomes import from_record
from eaas_assets.storage.ledger import Ledger


class Budget:
    """Money and tokens of one run. Unknown costs do not count: a budget binds only agents that report their usage.

    Answers that were in flight when the budget was reached still come in, so a run may overspend by at most as many
    answers as are asked at once.
    """

    def __init__(self, limits: Limits, ledger: Ledger) -> None:
        """Begin with what the ledger of an earlier start of the run has spent already."""
        self._limits = limits
        self._usd = Decimal(0)
        self._tokens = 0
        if limits.budget_usd is not None or limits.budget_tokens is not None:
            for _, record in ledger.records():
                fields = from_record(record)
                usage = fields.get("response", fields).get("usage")
                if usage:
                    self.charge(Usage.model_validate(usage))

    def charge(self, usage: Usage) -> None:
        """Count one answer."""
        if usage.cost_usd is not None:
            self._usd += Decimal(repr(usage.cost_usd))
        self._tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)

    @property
    def spent(self) -> bool:
        """Whether a limit is reached."""
        usd, tokens = self._limits.budget_usd, self._limits.budget_tokens
        return (usd is not None and self._usd >= Decimal(repr(usd))) or (tokens is not None and self._tokens >= tokens)
