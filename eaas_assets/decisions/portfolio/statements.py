"""What is said about one experiment of the portfolio: worth, luck, risk, and what comes next. Plain sentences."""

from __future__ import annotations

from eaas_assets.decisions.portfolio.proposals import in_words
from eaas_assets.decisions.portfolio.valuing import Valued
from eaas_assets.decisions.portfolio.wording import chance, percent_range, usd_range
from eaas_assets.decisions.wording import usd
from eaas_assets.wording import number, percent


def statement(item: Valued, rank: int | None, ranked: int) -> str:
    """One experiment in a few sentences.

    Args:
        item: The experiment.
        rank: Its place; None without a value.
        ranked: Experiments that have a place.
    """
    place = "Not ranked" if rank is None else f"Rank {rank:,} of {ranked:,}"
    parts = [f"{place}: {_worth(item)}.", _effect(item), _adjusted(item), _waiting(item)]
    return " ".join(part for part in parts if part)


def _worth(item: Valued) -> str:
    if item.prospect is not None:
        return f"a proposal, {in_words(item.prospect)}"
    if item.net is None:
        return f"no value can be told, because {item.reason}"
    level = f"{number(100 * item.net.level)} %"
    return (
        f"if kept, it is expected to bring {usd(item.net.mean)} a year ({level} interval "
        f"{usd_range(item.net.low, item.net.high)}, probability of a loss {chance(item.net.below(0.0))})"
    )


def _effect(item: Valued) -> str:
    effect = item.entry.effect
    if effect is None or item.shrunk is None:
        return ""
    if item.shrunk.note is not None:
        return f"The effect of {percent(effect.estimate)} is {item.shrunk.note}."
    luck = ""
    if item.raw_value is not None and item.net is not None:
        luck = f", which takes {usd(item.raw_value - item.net.mean)} off its value"
        if item.raw_value < item.net.mean:
            luck = f", which adds {usd(item.net.mean - item.raw_value)} to its value"
    return (
        f"Its effect of {percent(effect.estimate)} counts as {percent(item.shrunk.estimate)} "
        f"({percent_range(item.shrunk.low, item.shrunk.high)}) among its class{luck}."
    )


def _adjusted(item: Valued) -> str:
    if item.adjusted is None:
        return ""
    finding = item.entry.finding
    told = ""
    if finding is not None and finding.strength == "before_after":
        told += " It was only compared with its own past, so something else may have made the difference."
    if finding is not None and finding.fades:
        told += " Its effect was seen to fade, so a year may bring less."
    return f"After the charge for risk: {usd(item.adjusted)}.{told}"


def _waiting(item: Valued) -> str:
    if item.waiting is not None:
        verdict = "worth it" if item.waiting.pays else "not worth it"
        return (
            f"One more week is {verdict}: it costs {usd(item.waiting.cost_usd)} ({usd(item.waiting.running_usd)} to "
            f"run, {usd(item.waiting.forgone_usd)} forgone) and its data are worth {usd(item.waiting.worth_usd)}."
        )
    if item.why_not_waiting is not None and item.net is not None:
        return f"What another week is worth cannot be told: {item.why_not_waiting}."
    return ""
