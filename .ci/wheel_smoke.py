"""Build the wheel, install it alone into a fresh environment, and run the main job on the sample world."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Fail loudly if an installed wheel cannot do what a checkout does."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        python = scratch / "venv" / "bin" / "python"
        call(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, PROJECT)
        (wheel,) = scratch.glob("*.whl")
        call(sys.executable, "-m", "venv", scratch / "venv")
        # Only what the wheel itself asks for: an import that pyproject.toml does not declare must fail here.
        call(python, "-m", "pip", "install", "--quiet", "--constraint", PROJECT / "requirements.lock", wheel)
        places = {
            "EAAS_DATA_DIR": str(PROJECT / "data"),
            "EAAS_OUTPUT_DIR": str(scratch / "output"),
            "EAAS_KEY_DIR": str(scratch / "keys"),
        }
        call(python.with_name("eaas"), "run", cwd=scratch, env={**os.environ, **places})
        reports = list((scratch / "output" / "reports").rglob("*.html"))
        if not reports:
            sys.exit("the wheel ran but wrote no report")
    print(f"wheel smoke test passed: {wheel.name}, {len(reports)} pages")  # noqa: T201


def call(*command: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command and stop at its first failure."""
    subprocess.run([str(part) for part in command], check=True, cwd=cwd, env=env)  # noqa: S603


if __name__ == "__main__":
    main()
