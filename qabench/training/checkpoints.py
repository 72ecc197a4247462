"""What an unfinished run resumes from: its checkpoints, and the spans that it predicted.

A checkpoint is written as a draft, hashed, flushed to disk and renamed; only then is the one before
deleted. A checkpoint that is not exactly as it was written is never loaded.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from qabench.base.files import delete, draft_of, remove_drafts, settle, sha256, write_bytes, writing
from qabench.base.json_files import JSONError, read_own_json
from qabench.errors import ReportError
from qabench.reports.report import Segment
from qabench.training.stopwatch import Seconds
from qabench.windows.answers import WindowSpans

FOLDER = "checkpoints"
_MANIFEST = "whole.json"
_SPANS = "spans.npz"
_NAME = re.compile(r"checkpoint-(\d+)")


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_SCHEMA = _object(
    {
        "step": {"type": "integer"},
        "best": {"type": ["integer", "null"]},
        "seconds": _object({field.name: {"type": "number"} for field in fields(Seconds)}),
        "segments": {
            "type": "array",
            "items": _object({"steps": {"type": "integer"}, "versions": {"type": "object"}}),
        },
        "sha256": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
    }
)


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A checkpoint's optimizer steps, those of the best one, wall time, the versions that it was
    trained with, and sha256 by file.
    """

    step: int
    best: int | None
    seconds: Seconds
    segments: tuple[Segment, ...]
    sha256: Mapping[str, str | None]


def drafts(run: Path) -> Path:
    """The folder in which a run's processes write a checkpoint before :func:`keep`; made here.

    Raises:
        RunError: it cannot be made.
    """
    folder = draft_of(run / FOLDER, "all")
    with writing(run / FOLDER):
        folder.mkdir(exist_ok=True)
    return folder


def of_step(run: Path, step: int) -> Path:
    """The checkpoint after so many optimizer steps."""
    return run / FOLDER / f"checkpoint-{step}"


def keep(
    run: Path, step: int, best: int | None, spent: Seconds, segments: Sequence[Segment]
) -> None:
    """Make a complete draft the run's checkpoint, and delete older ones.

    Args:
        run: the run directory.
        step: optimizer steps so far.
        best: steps of the best checkpoint, which is kept too; ``None`` where no best is sought.
        spent: wall time so far.
        segments: the steps so far by the versions that made them.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    place = of_step(run, step)
    place.parent.mkdir(exist_ok=True)
    draft = drafts(run) / place.name
    manifest = _Manifest(step, best, spent, tuple(segments), _hashes(draft))
    (draft / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), "utf-8")
    settle(draft, place)
    for other, path in _found(run):
        if other not in (step, best):
            delete(path)


def last(run: Path, say: Callable[[str], None]) -> Path | None:
    """The newest checkpoint that is as it was written; ``None`` if there is none.

    Args:
        run: the run directory.
        say: takes a line for each checkpoint that is skipped.
    """
    for _, path in sorted(_found(run), reverse=True):
        damaged = _damaged(path)
        if damaged is None:
            return path
        say(f"{path.name} is skipped: {damaged} is not as it was written")
    return None


def seconds_of(checkpoint: Path) -> Seconds:
    """Wall time of the training up to a checkpoint that :func:`last` found."""
    return _manifest(checkpoint).seconds


def segments_of(checkpoint: Path) -> tuple[Segment, ...]:
    """The versions that a checkpoint that :func:`last` found was trained with, in order."""
    return _manifest(checkpoint).segments


def _manifest(checkpoint: Path) -> _Manifest:
    known = read_own_json(checkpoint / _MANIFEST, _SCHEMA)
    seconds = Seconds(**known["seconds"])
    segments = tuple(Segment(**one) for one in known["segments"])
    return _Manifest(**{**known, "seconds": seconds, "segments": segments})


def _found(run: Path) -> Iterator[tuple[int, Path]]:
    for path in (run / FOLDER).glob("checkpoint-*"):
        if match := _NAME.fullmatch(path.name):
            yield int(match[1]), path


def _damaged(checkpoint: Path) -> Path | None:
    """The first file that is missing, changed, added or a link, here or in the best checkpoint."""
    try:
        manifest = _manifest(checkpoint)
    except (JSONError, ReportError):
        return checkpoint / _MANIFEST
    best = manifest.step if manifest.best is None else manifest.best
    if checkpoint.name != f"checkpoint-{manifest.step}" or best > manifest.step:
        return checkpoint / _MANIFEST
    if checkpoint.is_symlink():
        return checkpoint
    found = _hashes(checkpoint)
    for name in sorted(found.keys() | manifest.sha256.keys()):
        if found.get(name) is None or found[name] != manifest.sha256.get(name):
            return checkpoint / name
    return None if best == manifest.step else _damaged(checkpoint.with_name(f"checkpoint-{best}"))


def _hashes(checkpoint: Path) -> dict[str, str | None]:
    """sha256 by file, without the manifest; ``None`` for a link, device or pipe."""
    found: dict[str, str | None] = {}
    for path in sorted(checkpoint.rglob("*")):
        name = path.relative_to(checkpoint).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            found[name] = None
        elif path.is_file() and name != _MANIFEST:
            found[name] = sha256(path)
    return found


@dataclass(frozen=True, slots=True)
class Prediction:
    """The spans of all dev windows, and the seconds of wall time that predicting them took."""

    spans: WindowSpans
    seconds: float


def keep_prediction(run: Path, prediction: Prediction, weights_sha256: str) -> None:
    """Write a prediction for a run that is resumed.

    Raises:
        RunError: the disk is full, or the folder cannot be written.
    """
    spans = prediction.spans
    buffer = io.BytesIO()
    np.savez(
        buffer,
        window=spans.window,
        start=spans.start,
        end=spans.end,
        score=spans.score,
        null_score=spans.null_score,
        seconds=prediction.seconds,
        weights=weights_sha256,
    )
    path = run / FOLDER / _SPANS
    with writing(path):
        path.parent.mkdir(exist_ok=True)
    write_bytes(path, buffer.getvalue())


def kept_prediction(run: Path, weights_sha256: str) -> Prediction | None:
    """The kept prediction of a model with these weights; ``None`` if it is missing or damaged."""
    path = run / FOLDER / _SPANS
    try:
        _refuse_packed(path)
        with np.load(path, allow_pickle=False) as arrays:
            names = ("window", "start", "end", "score", "null_score")
            spans = WindowSpans(*(arrays[name] for name in names))
            weights, seconds = str(arrays["weights"]), float(arrays["seconds"])
    # A zip file has a checksum of each of its arrays.
    except (OSError, ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    # An array whose header says that it is larger than its file.
    except MemoryError:
        return None
    return Prediction(spans, seconds) if weights == weights_sha256 else None


def _refuse_packed(path: Path) -> None:
    """Files of this module are not compressed, so none unpacks to more than its size."""
    with zipfile.ZipFile(path) as file:
        if path.is_symlink() or any(one.compress_type for one in file.infolist()):
            raise ValueError("not written by keep_prediction")


def remove(run: Path) -> None:
    """Delete what a finished run no longer needs, where that is allowed."""
    # It may be another user's run; its report is as good with these files as without.
    with suppress(OSError):
        delete(run / FOLDER)
        remove_drafts(run)
