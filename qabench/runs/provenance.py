"""When, where and with what a run was made: time, versions, device, memory, commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qabench.reports.report import Environment

if TYPE_CHECKING:
    from qabench.training.hardware import Hardware

_PACKAGES = ("accelerate", "numpy", "qabench", "tokenizers", "torch", "transformers")
# What decides the numbers of a run.
DECISIVE = ("qabench", "torch", "transformers")


def versions() -> dict[str, str]:
    """Versions of what decides the numbers of a run, by distribution."""
    return {name: importlib.metadata.version(name) for name in DECISIVE}


def now() -> str:
    """The time: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def peak_memory() -> int:
    """Largest resident set of this process so far, in bytes; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def environment(hardware: Hardware) -> Environment:
    """The facts of this process."""
    return Environment(
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages={name: importlib.metadata.version(name) for name in _PACKAGES},
        device=hardware.device,
        device_name=hardware.name,
        precision=hardware.precision,
        threads=hardware.threads,
        processes=int(os.environ.get("WORLD_SIZE", "1")),
        git_commit=_git_commit(),
    )


def _git_commit() -> str | None:
    """The commit of the checkout that this package is in, ``-dirty`` if changed; else ``None``."""
    here = Path(__file__)

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here.parent), *words], capture_output=True, text=True, timeout=10
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    # A wheel in a virtual environment inside someone's checkout is not of that checkout.
    if git("ls-files", "--error-unmatch", here.name) is None:
        return None
    commit = git("rev-parse", "HEAD")
    return f"{commit}-dirty" if commit and git("status", "--porcelain", "-uno") else commit
