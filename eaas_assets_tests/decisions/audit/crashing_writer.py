"""A process that appends entries and now and then dies in the middle of one: `python crashing_writer.py <args>`.

It notes an entry in its file of acknowledgements when, and only when, the log has given it a receipt.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from eaas_assets.decisions.audit import appending
from eaas_assets.decisions.audit.entries import Entry
from eaas_assets.decisions.audit.keys import KeyStore
from eaas_assets.decisions.audit.log import AuditLog


def tear(descriptor: int, content: memoryview, share: float) -> None:
    """Write a part of it and die."""
    os.write(descriptor, content[: int(len(content) * share)])
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, writer: str, entries: int, seed: int, torn: float) -> None:
    chance = random.Random(seed)  # noqa: S311 (where to die is no secret)
    log = AuditLog(folder / "output" / "audit" / "log.jsonl", KeyStore(folder / "keys"))
    notes = folder / f"acknowledged-{writer}"
    first = len(notes.read_bytes().splitlines()) if notes.exists() else 0
    acknowledged = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number in range(first, entries):
        identity = f"{writer}-{number}"
        if chance.random() < torn:
            share = chance.choice([0.0, 0.3, 0.99, 1.0, chance.random()])
            appending._write_all = lambda descriptor, content, share=share: tear(descriptor, memoryview(content), share)
        entry = Entry("evaluation_run", writer, f"Entry {number}.", {"text": "x" * chance.randrange(2000)})
        receipt = log.append_once(identity, entry)
        os.write(acknowledged, f"{identity} {receipt.seq} {receipt.hash}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
