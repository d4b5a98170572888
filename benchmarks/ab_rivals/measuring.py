"""The A/B test that every engine gets, and how it is measured. Standard library only: each engine has its own Python.

Columns: ``user_id``, ``variant`` (0 control, 1 treatment), ``revenue`` with ``pre_revenue`` from before, and
``clicks`` per ``views``. Asked for: the difference of mean revenue, adjusted for pre_revenue where the engine can; the
difference of clicks per view; the check of the sample ratio.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import TypedDict


class Answers(TypedDict, total=False):
    """What an engine found; what it cannot do is left out."""

    mean: float
    adjusted: float
    adjusted_error: float
    ratio: float
    sample_ratio_p: float


Analyse = Callable[[str], Answers]


def measure(load: Callable[[], Analyse], rounds: int = 3) -> None:
    """Run a driver: ``<driver> FILE``; prints one line of JSON. The best round counts, imports are told apart."""
    started = time.perf_counter()
    analyse = load()
    imported = time.perf_counter() - started
    seconds, processor, answers = [], [], Answers()
    for _ in range(rounds if "--rounds" not in sys.argv else int(sys.argv[sys.argv.index("--rounds") + 1])):
        begun, used = time.perf_counter(), time.process_time()
        answers = analyse(sys.argv[1])
        seconds.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used)
    own = resource.getrusage(resource.RUSAGE_SELF)
    result = {
        "import_s": imported,
        "work_s": min(seconds),
        "work_cpu_s": min(processor),
        "cpu_s": own.ru_utime + own.ru_stime,
        "peak_mib": own.ru_maxrss / 1024,
        **answers,
    }
    print(json.dumps(result), flush=True)
