"""Makes the observations of the sample experiments: `python data/experiments/generate.py [folder]`.

Everything is simulated, with one seed per experiment, and the result is committed beside this file. E001 and E002 are
statistics that somebody else has worked out, E003, E013 and E014 have no data yet, and E017 reads evaluated runs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file; no value here needs quotes."""
    lines = [",".join(header), *(",".join(str(value) for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def arms(rng: np.random.Generator, n: int, share: float = 0.5) -> np.ndarray:
    """Which units are treated, drawn unit by unit."""
    return rng.random(n) < share


def times(rng: np.random.Generator, n: int, start: date, days: int) -> list[str]:
    """Moments of first exposure in order, spread evenly over whole days (UTC)."""
    first = datetime(start.year, start.month, start.day, tzinfo=UTC)
    seconds = np.sort(rng.integers(0, days * 86_400, n))
    return [(first + timedelta(seconds=int(second))).strftime("%Y-%m-%dT%H:%M:%SZ") for second in seconds]


def clear_win(folder: Path) -> None:
    """E004: purchases rise from 12 to 17 in a hundred; nothing that is guarded gets worse."""
    rng = np.random.default_rng(4)
    n = 4_400
    treated = arms(rng, n)
    before = rng.gamma(2.0, 15.0, n)
    bought = rng.random(n) < np.where(treated, 0.17, 0.12)
    spent = bought * (20.0 + 0.6 * before + rng.gamma(2.0, 6.0, n))
    wait = rng.normal(400.0, 90.0, n)
    complained = rng.random(n) < 0.02
    country = rng.choice(["de", "fr", "nl"], n, p=[0.5, 0.3, 0.2])
    days = np.sort(rng.integers(0, 28, n))
    rows = (
        (
            f"u{index:05d}",
            "reranked" if treated[index] else "control",
            date(2025, 1, 6) + timedelta(days=int(days[index])),
            country[index],
            int(bought[index]),
            f"{spent[index]:.2f}",
            f"{before[index]:.2f}",
            f"{wait[index]:.0f}",
            int(complained[index]),
        )
        for index in range(n)
    )
    header = ("user", "variant", "first_seen", "country", "bought", "spent", "spent_before", "wait_ms", "complained")
    write_rows(folder / "E004" / "units.csv", header, rows)


def win_that_harms(folder: Path) -> None:
    """E005: drafts help at the desk, and do harm on the phone."""
    rng = np.random.default_rng(5)
    n = 5_000
    treated = arms(rng, n)
    device = np.where(rng.random(n) < 0.75, "desktop", "mobile")
    rate = np.where(device == "desktop", np.where(treated, 0.72, 0.60), np.where(treated, 0.45, 0.60))
    resolved = rng.random(n) < rate
    reopened = rng.random(n) < 0.05
    moments = times(rng, n, date(2025, 2, 3), 28)
    rows = (
        (
            f"t{index:05d}",
            "drafted" if treated[index] else "control",
            moments[index],
            device[index],
            int(resolved[index]),
            int(reopened[index]),
        )
        for index in range(n)
    )
    header = ("ticket", "variant", "opened_at", "device", "resolved_first_time", "reopened")
    write_rows(folder / "E005" / "tickets.csv", header, rows)


def fading_novelty(folder: Path) -> None:
    """E006: the rate of accepted suggestions rises, and falls back to where it was within six weeks."""
    rng = np.random.default_rng(6)
    n, weeks = 6_000, 6
    treated = arms(rng, n)
    moments = times(rng, n, date(2025, 3, 3), 7 * weeks)
    start = datetime(2025, 3, 3, tzinfo=UTC)
    week = [(datetime.fromisoformat(moment) - start).days // 7 for moment in moments]
    lift = np.array([0.10, 0.15, 0.14, 0.06, 0.02, 0.01])[week]
    accepted = rng.random(n) < 0.18 + np.where(treated, lift, 0.0)
    rows = (
        (f"s{index:05d}", "suggested" if treated[index] else "control", moments[index], int(accepted[index]))
        for index in range(n)
    )
    write_rows(folder / "E006" / "sessions.csv", ("session", "variant", "started_at", "accepted"), rows)


def sample_ratio_mismatch(folder: Path) -> None:
    """E007: the slowest third of the treatment is lost before it is counted."""
    rng = np.random.default_rng(7)
    n = 4_600
    treated = arms(rng, n)
    seconds = rng.gamma(2.0, 40.0, n)
    lost = treated & (seconds > np.quantile(seconds, 2 / 3))
    moments = times(rng, n, date(2025, 4, 7), 21)
    rows = (
        (f"v{index:05d}", "short_form" if treated[index] else "control", moments[index], f"{seconds[index]:.1f}")
        for index in range(n)
        if not lost[index]
    )
    write_rows(folder / "E007" / "visits.csv", ("visit", "variant", "entered_at", "form_seconds"), rows)


def underpowered(folder: Path) -> None:
    """E008: 240 units, of whom an effect of five points cannot be told."""
    rng = np.random.default_rng(8)
    n = 240
    treated = arms(rng, n)
    renewed = rng.random(n) < np.where(treated, 0.22, 0.20)
    lines = [
        json.dumps(
            {
                "account": f"a{index:03d}",
                "variant": "reminded" if treated[index] else "control",
                "renewed": bool(renewed[index]),
            }
        )
        for index in range(n)
    ]
    (folder / "E008" / "accounts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def harmful_guardrail(folder: Path) -> None:
    """E009: the agent that answers sooner is passed on to people twice as often."""
    rng = np.random.default_rng(9)
    n = 3_000
    treated = arms(rng, n)
    minutes = rng.gamma(3.0, np.where(treated, 3.6, 4.0), n)
    escalated = rng.random(n) < np.where(treated, 0.15, 0.08)
    moments = times(rng, n, date(2025, 5, 5), 14)
    rows = (
        (
            f"c{index:05d}",
            "bold" if treated[index] else "control",
            moments[index],
            f"{minutes[index]:.1f}",
            int(escalated[index]),
        )
        for index in range(n)
    )
    header = ("conversation", "variant", "started_at", "handling_minutes", "escalated")
    write_rows(folder / "E009" / "conversations.csv", header, rows)


def staggered_rollout(folder: Path) -> None:
    """E010: forty shops over 26 weeks; thirty get the assistant in three waves, and sales grow with use."""
    rng = np.random.default_rng(10)
    weeks = 26
    start = date(2025, 1, 6)
    season = np.cumsum(rng.normal(0.0, 0.6, weeks))
    rows = []
    for shop in range(40):
        wave = (10, 14, 18, None)[shop // 10]
        level = rng.normal(100.0, 8.0)
        noise = 0.0
        for week in range(weeks):
            noise = 0.4 * noise + rng.normal(0.0, 2.0)
            lift = 0.0 if wave is None or week < wave else min(6.0, 2.0 + 0.8 * (week - wave))
            adopted = "" if wave is None else start + timedelta(weeks=wave)
            sales = level + season[week] + noise + lift
            rows.append((f"shop{shop:02d}", start + timedelta(weeks=week), adopted, f"{sales:.2f}"))
    write_rows(folder / "E010" / "shops.csv", ("shop", "week", "assistant_since", "sales_per_day"), rows)


def worse_model(folder: Path) -> None:
    """E011: 180 recorded tasks of 45 kinds, replayed by both models; the cheaper one solves fewer of them."""
    rng = np.random.default_rng(11)
    rows = []
    ease = 0.0
    for task in range(180):
        if task % 4 == 0:
            ease = rng.normal(1.6, 1.0)
        hardness = rng.logistic()
        for variant, skill, seconds, cost in (("current", 0.0, 4.0, 0.011), ("cheaper", -1.1, 2.5, 0.004)):
            solved = ease + skill + 0.8 * rng.logistic() > hardness
            took = seconds * rng.lognormal(0.0, 0.3)
            rows.append((f"task{task:03d}", f"kind{task // 4:02d}", variant, int(solved), f"{took:.2f}", f"{cost:.3f}"))
    write_rows(folder / "E011" / "replays.csv", ("task", "kind", "variant", "solved", "seconds", "cost_usd"), rows)


def before_and_after(folder: Path) -> None:
    """E012: a growing series with a season, and a step at a day on which much else changed too."""
    rng = np.random.default_rng(12)
    days, change = 168, 126
    week = np.array([6.0, 4.0, 3.0, 2.0, 1.0, -7.0, -9.0])
    market = 50.0 + np.cumsum(rng.normal(0.05, 0.5, days))
    noise = np.zeros(days)
    for day in range(1, days):
        noise[day] = 0.6 * noise[day - 1] + rng.normal(0.0, 2.0)
    closed = 80.0 + 0.8 * market + np.tile(week, days // 7) + noise + np.where(np.arange(days) >= change, 14.0, 0.0)
    rows = ((date(2025, 1, 6) + timedelta(days=day), f"{closed[day]:.2f}", f"{market[day]:.2f}") for day in range(days))
    write_rows(folder / "E012" / "days.csv", ("day", "tickets_closed", "tickets_elsewhere"), rows)


def harmful(folder: Path) -> None:
    """E015: fewer customers answer the survey when an agent asks for it."""
    rng = np.random.default_rng(15)
    n = 3_000
    treated = arms(rng, n)
    answered = rng.random(n) < np.where(treated, 0.23, 0.30)
    unsubscribed = rng.random(n) < 0.01
    objects = [
        {
            "customer": f"k{index:04d}",
            "variant": "asked_by_agent" if treated[index] else "control",
            "answered": int(answered[index]),
            "unsubscribed": int(unsubscribed[index]),
        }
        for index in range(n)
    ]
    text = "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in objects) + "\n]\n"
    (folder / "E015" / "customers.json").write_text(text, encoding="utf-8", newline="\n")


def one_region(folder: Path) -> None:
    """E016: one of 26 regions gets the agent in period 31; the others move by the same two tides."""
    rng = np.random.default_rng(16)
    periods, regions = 42, 26
    tides = np.cumsum(rng.normal(0.0, 1.0, (2, periods)), axis=1)
    rows = []
    for region in range(regions):
        weights = rng.uniform(0.3, 1.2, 2)
        level = rng.normal(60.0, 4.0)
        for period in range(1, periods + 1):
            minutes = level + weights @ tides[:, period - 1] + rng.normal(0.0, 0.5)
            minutes -= 5.0 if region == 0 and period > 30 else 0.0
            rows.append((f"region{region:02d}", period, f"{minutes:.2f}"))
    write_rows(folder / "E016" / "regions.csv", ("region", "period", "waiting_minutes"), rows)


def main(folder: Path = HERE) -> None:
    """Write all observation files below ``folder``, one folder for each experiment."""
    for make in (
        clear_win, win_that_harms, fading_novelty, sample_ratio_mismatch, underpowered, harmful_guardrail,
        staggered_rollout, worse_model, before_and_after, harmful, one_region,
    ):  # fmt: skip
        make(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
