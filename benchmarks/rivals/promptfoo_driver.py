"""promptfoo: its command line with a JavaScript provider, `--no-write -o results.jsonl`.

Run with any Python. `PROMPTFOO_PREFIX` says where it is installed, `PROMPTFOO_NODE` which Node runs it. Its start with
one sample is measured first. The CPU time and the memory of that are taken off, as imports are for the others; the wall
time is not, since on a busy machine it varies by more than the work takes.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from measuring import CONCURRENCY, Outcome, Used, Work, expected, measure, question, used

PROVIDER = """
module.exports = class {{
  id() {{ return 'agent'; }}
  async callApi(prompt) {{
    if ({delay_ms}) await new Promise((resolve) => setTimeout(resolve, {delay_ms}));
    return {{ output: prompt.replace('question', 'answer') }};
  }}
}};
"""


def prepare(count: int, delay_s: float, folder: Path) -> Work:
    (folder / "provider.js").write_text(PROVIDER.format(delay_ms=int(1000 * delay_s)))
    before = used()
    _evaluate(1, folder)
    (folder / "results1.jsonl").unlink()
    after = used()

    def run() -> Outcome:
        rows = _evaluate(count, folder)
        return Outcome(sum(row["success"] for row in rows), [row["latencyMs"] / 1000 for row in rows])

    startup = Used(0.0, after.cpu_s - before.cpu_s, 0.0)
    return Work(run, startup)


def _evaluate(count: int, folder: Path) -> list[dict[str, Any]]:
    tests = [
        {"vars": {"question": question(i)}, "assert": [{"type": "equals", "value": expected(i)}]} for i in range(count)
    ]
    config = {"prompts": ["{{question}}"], "providers": ["file://provider.js"], "tests": tests}
    (folder / "config.json").write_text(json.dumps(config))
    modules = Path(os.environ["PROMPTFOO_PREFIX"]) / "node_modules"
    results = folder / f"results{count}.jsonl"
    command = [os.environ["PROMPTFOO_NODE"], str(modules / "promptfoo/dist/src/entrypoint.js")]
    options = ["--no-write", "--no-cache", "--no-table", "--no-progress-bar", "--max-concurrency", str(CONCURRENCY)]
    environment = os.environ | {
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_FAILED_TEST_EXIT_CODE": "0",
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
    }
    subprocess.run(
        [*command, "eval", "-c", "config.json", "-o", str(results), *options],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return [json.loads(line) for line in results.read_text().splitlines()]


measure(prepare)
