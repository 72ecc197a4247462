"""Benchmarks by name: those of qabench and those of plugins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qabench import __version__
from qabench.base.packaged import packaged
from qabench.base.suggestions import did_you_mean
from qabench.errors import BenchmarkError
from qabench.plugins.calling import HookFailure, contributions, warn
from qabench.plugins.discovery import NAME, discover

HOOK = "qabench_benchmarks"


@dataclass(frozen=True, slots=True)
class Entry:
    """A benchmark's file, and the distribution that it comes from."""

    path: Path
    distribution: str
    version: str

    @property
    def name(self) -> str:
        """What ``--benchmark`` takes."""
        return self.path.stem


def entries() -> tuple[Entry, ...]:
    """All benchmarks, those of qabench first; a plugin that fails is left out and named."""
    found = [
        Entry(path, "qabench", __version__)
        for path in sorted(packaged("benchmarks").glob("*.toml"))
    ]
    for one in contributions(HOOK, Path):
        if isinstance(one, HookFailure):
            warn(one)
        elif one.value.suffix != ".toml" or not NAME.fullmatch(one.value.stem):
            reason = (
                f"{str(one.value)!r} is not called NAME.toml, with a name of letters, digits, '_' "
                f"and '-'"
            )
            warn(HookFailure(one.plugin, HOOK, reason))
        else:
            found.append(Entry(one.value, one.plugin.distribution, one.plugin.version))
    return tuple(found)


def find(name_or_path: str) -> Path:
    """The file of a benchmark.

    Raises:
        BenchmarkError: no benchmark or several have this name, and it does not end in ``.toml``.
    """
    path = Path(name_or_path)
    if path.suffix == ".toml":
        return path
    every = entries()
    named = [one for one in every if one.name == name_or_path]
    if len(named) == 1:
        return named[0].path
    if named:
        owners = " and ".join(f"{one.distribution} {one.version}" for one in named)
        raise BenchmarkError(
            f"Several benchmarks are called {name_or_path!r}, from {owners}; uninstall one, or "
            f"give the file: {' or '.join(str(one.path) for one in named)}."
        )
    hint = did_you_mean(name_or_path, (one.name for one in every), "none is installed")
    broken = ", ".join(f"{one.distribution} {one.version}" for one in discover().broken)
    lost = f" (broken, see qabench plugins: {broken})" if broken else ""
    raise BenchmarkError(
        f"There is no benchmark {name_or_path!r} ({hint}); give one of these or a .toml file{lost}."
    )
