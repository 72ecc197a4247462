"""report.json: written, found and read, and always validated by its schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qabench.base.files import named_below, sha256, write_text
from qabench.base.json_files import JSONError, as_json, read_own_json
from qabench.base.packaged import schema
from qabench.base.untrusted import refuse_outside
from qabench.base.validation import first_problem
from qabench.errors import ReportError
from qabench.reports.report import (
    BackboneFacts,
    Budget,
    DataFacts,
    Environment,
    MetricFacts,
    PluginFacts,
    Report,
    ReportScores,
    Segment,
)

FORMAT = "qabench-report/1"
FILE_NAME = "report.json"
SEAL_NAME = "report.sha256"


def write(report: Report, folder: Path) -> Path:
    """Validate a report and write it into a run directory; the file appears whole or not at all.

    Its sha256 is written first, as ``sha256sum -c`` reads it, so that a report without one was not
    written here.

    Raises:
        ReportError: it does not follow the schema; nothing is written.
    """
    document = as_json(asdict(report))
    path = folder / FILE_NAME
    if problem := first_problem(schema("report"), document):
        raise ReportError(_refusal(f"{path}: {problem}"))
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    write_text(folder / SEAL_NAME, f"{digest}  {FILE_NAME}\n")
    write_text(path, text)
    return path


def broken_seal(path: Path) -> str | None:
    """A sentence if a report is not as it was written, as far as its sha256 beside it says."""
    seal = path.with_name(SEAL_NAME)
    refuse_outside(seal)
    try:
        written = seal.read_text("utf-8")
    except (OSError, ValueError):
        return f"{SEAL_NAME} cannot be read, so {path.name} may have been edited."
    if written.split() != [sha256(path), FILE_NAME]:
        return f"{path.name} was edited after it was written: its sha256 differs."
    return None


def read(path: Path) -> Report:
    """Read and validate one report.

    Raises:
        ReportError: it cannot be read, is not JSON, or does not follow the schema.
    """
    try:
        document = read_own_json(path, schema("report"))
    except JSONError as error:
        raise ReportError(_refusal(str(error))) from error
    parts: dict[str, Callable[..., Any]] = {
        "train": DataFacts,
        "dev": DataFacts,
        "plugin": PluginFacts,
        "backbone": BackboneFacts,
        "budget": _budget,
        "environment": Environment,
        "scores": ReportScores,
    }
    built = {
        name: None if document[name] is None else kind(**document[name])
        for name, kind in parts.items()
    }
    tuples = {name: tuple(document[name]) for name in ("training_log", "warnings")}
    metrics = {name: MetricFacts(**one) for name, one in document.get("metrics", {}).items()}
    return Report(**{**document, **built, **tuples, "metrics": metrics})


def _budget(segments: Iterable[Mapping[str, Any]] = (), **rest: Any) -> Budget:
    return Budget(**rest, segments=tuple(Segment(**one) for one in segments))


def find(paths: Iterable[Path]) -> list[tuple[Path, Report]]:
    """The reports in files, run directories and folders of these, each once, in path order.

    Raises:
        ReportError: a path does not exist, holds no report, or holds an invalid one.
    """
    given = list(paths)
    found = []
    for path in places(given):
        try:
            found.append((path, read(path)))
        except ReportError:
            # A run that is made again with --force takes its report away.
            if path.exists() or path in given:
                raise
    if not found:
        raise ReportError("The reports were taken away while they were read; try again.")
    return found


def places(paths: Iterable[Path]) -> list[Path]:
    """The report files in files, run directories and folders of these, each once, in path order.

    Raises:
        ReportError: a folder holds no report.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        inside = named_below(path, FILE_NAME) if path.is_dir() else [path]
        if not inside:
            raise ReportError(
                f"There is no {FILE_NAME} in {path}; name a run directory, a folder of them, or "
                f"report files."
            )
        for one in inside:
            found.setdefault(one.resolve(), one)
    return list(found.values())


def _refusal(problem: str) -> str:
    return (
        f"{problem}; a report follows schemas/report.schema.json: this one was made by another "
        f"version of qabench, or changed since."
    )
