"""Runs without a report: seeds that a table would otherwise leave out silently.

A system some of whose seeds diverge looks better than it is if only the other seeds are counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qabench.base.files import named_below, passed_over, write_json, writing
from qabench.base.json_files import JSONError, read_own_json
from qabench.base.terminal import safe
from qabench.errors import ReportError
from qabench.reports import report_file, rundir

FILE_NAME = "diverged.json"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that was begun and has no report.

    Attributes:
        folder: its run directory.
        benchmark, plugin, seed: which run it is.
        fingerprint: of the questions that it would have answered.
        problem: how it diverged; ``None`` if it was interrupted or is still running.
    """

    folder: Path
    benchmark: str
    plugin: str
    seed: int
    fingerprint: str
    problem: str | None

    @property
    def note(self) -> str:
        """The line that names it below a table that it is missing in."""
        why = "it is not finished" if self.problem is None else f"it diverged: {self.problem}"
        return safe(f"! {self.plugin} seed {self.seed}: left out, because {why} ({self.folder})")


@dataclass(frozen=True, slots=True)
class Unread:
    """A folder that may hold runs and was not looked into.

    Attributes:
        folder: where.
        reason: why not.
    """

    folder: Path
    reason: str

    @property
    def note(self) -> str:
        """The line that names it below a table that may lack its runs."""
        return safe(f"! {self.folder}: left out, because it was not looked into ({self.reason})")


def unread(paths: Iterable[Path]) -> tuple[Unread, ...]:
    """The folders in these that were not looked into, each once: links, and unreadable ones."""
    found = dict(one for place in paths for one in passed_over(place))
    return tuple(Unread(folder, reason) for folder, reason in found.items())


def mark(folder: Path, problem: str) -> None:
    """Note in a run directory that the run diverged, and how."""
    write_json(folder / FILE_NAME, {"problem": problem})


def unmark(folder: Path) -> None:
    """Delete the note that the run diverged, because it is resumed."""
    path = folder / FILE_NAME
    with writing(path):
        path.unlink(missing_ok=True)


def find(paths: Iterable[Path]) -> tuple[Unfinished, ...]:
    """The unfinished runs in run directories and folders of these, each once, in path order.

    Raises:
        ReportError: a run directory's ``run.json`` or ``diverged.json`` cannot be read.
    """
    begun = (path for place in paths for path in named_below(place, rundir.FILE_NAME))
    folders = {path.parent.resolve(): path.parent for path in begun}
    return tuple(
        _read(one) for one in folders.values() if not (one / report_file.FILE_NAME).exists()
    )


_TEXT = {"type": "string"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


_RUN = _object(
    benchmark=_object(name=_TEXT),
    plugin=_object(name=_TEXT),
    seed={"type": "integer"},
    data=_object(dev=_TEXT),
)
_MARK = _object(problem=_TEXT)


def _read(folder: Path) -> Unfinished:
    run = _document(folder / rundir.FILE_NAME, _RUN)
    diverged = folder / FILE_NAME
    return Unfinished(
        folder=folder,
        benchmark=run["benchmark"]["name"],
        plugin=run["plugin"]["name"],
        seed=run["seed"],
        fingerprint=run["data"]["dev"],
        problem=_document(diverged, _MARK)["problem"] if diverged.exists() else None,
    )


def _document(path: Path, schema: dict[str, Any]) -> Any:
    try:
        return read_own_json(path, schema)
    except JSONError as error:
        raise ReportError(f"{error}; run it again with --force.") from error
