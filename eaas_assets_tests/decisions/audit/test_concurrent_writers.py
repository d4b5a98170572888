from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eaas_assets_tests.decisions.audit import crashing_writer
from eaas_assets_tests.decisions.logs_by_hand import log_at


def run_until_done(folder: Path, writers: int, entries: int, torn: float, kills: int, pause: float) -> int:
    """Start the writers, kill them at random moments, start them again until all are done; how many died."""
    chance = random.Random(7)  # noqa: S311 (no secret)
    died = 0

    def start(writer: int, attempt: int) -> subprocess.Popen[bytes]:
        arguments = [str(folder), f"w{writer}", str(entries), str(1000 * writer + attempt), str(torn)]
        return subprocess.Popen([sys.executable, crashing_writer.__file__, *arguments])

    running = {writer: start(writer, 0) for writer in range(writers)}
    attempts = dict.fromkeys(running, 0)
    try:
        while running:
            time.sleep(chance.random() * pause)
            if kills > 0:
                chance.choice(list(running.values())).kill()
                kills -= 1
            for writer, process in list(running.items()):
                if (code := process.poll()) is None:
                    continue
                assert code in (0, -9)
                del running[writer]
                if code:
                    died += 1
                    attempts[writer] += 1
                    running[writer] = start(writer, attempts[writer])
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return died


def check(folder: Path, writers: int, entries: int) -> None:
    log = log_at(folder)
    logged = list(log.entries())
    wanted = {f"w{writer}-{number}" for writer in range(writers) for number in range(entries)}
    by_identity = {entry.identity: entry for entry in logged}
    assert set(by_identity) == wanted
    assert len(logged) == len(wanted)
    acknowledged = 0
    for file in folder.glob("acknowledged-*"):
        for line in file.read_text().splitlines():
            identity, seq, own = line.split()
            assert (by_identity[identity].seq, by_identity[identity].entry_hash) == (int(seq), own)
            acknowledged += 1
    assert acknowledged >= len(wanted)
    log.checkpoint()
    verification = log.verify()
    assert verification.problems == ()
    assert verification.proven == len(wanted)


def test_writers_that_are_killed_leave_an_intact_chain_and_lose_nothing_acknowledged(tmp_path: Path) -> None:
    died = run_until_done(tmp_path, writers=3, entries=40, torn=0.05, kills=5, pause=0.2)
    assert died >= 1
    check(tmp_path, 3, 40)


def test_writers_that_die_within_a_line_one_after_another_leave_notes_of_what_was_removed(tmp_path: Path) -> None:
    arguments = [sys.executable, crashing_writer.__file__, str(tmp_path), "w0", "10"]
    for seed in range(6):
        assert subprocess.run([*arguments, str(seed), "1.0"]).returncode == -9
    assert subprocess.run([*arguments, "0", "0.0"]).returncode == 0
    check(tmp_path, 1, 10)
    assert any(entry.recovered_bytes for entry in log_at(tmp_path).entries())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_eight_writers_of_a_thousand_entries_with_random_kills(tmp_path: Path) -> None:
    died = run_until_done(tmp_path, writers=8, entries=1000, torn=0.004, kills=60, pause=0.5)
    assert died >= 30
    check(tmp_path, 8, 1000)
