"""What an unfinished run goes on from: its checkpoints, and the spans that it predicted.

A checkpoint is written as a draft, hashed, flushed to disk and renamed; the one before goes only
then. One that is not exactly as it was written is never loaded.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from qabench.base.files import delete, draft_of, remove_drafts, settle, sha256, write_bytes, writing
from qabench.windows.answers import WindowSpans

FOLDER = "checkpoints"
_MANIFEST = "whole.json"
_SPANS = "spans.npz"
_NAME = re.compile(r"checkpoint-(\d+)")

# What a manifest may raise that is none.
_SPOILT = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError),
)


@dataclass(slots=True)
class Seconds:
    """Wall time that a training took so far, the steps that a resumed run repeats left out.

    Attributes:
        training: all of it.
        evaluation: of validations.
        loader: in which steps waited for their batches.
    """

    training: float = 0.0
    evaluation: float = 0.0
    loader: float = 0.0


@dataclass(frozen=True, slots=True)
class _Manifest:
    """What a checkpoint is: its steps, those of the best one so far, and sha256 by file."""

    step: int
    best: int | None
    seconds: Seconds
    sha256: Mapping[str, str | None]


def drafts(run: Path) -> Path:
    """Where the processes of a run write its checkpoints before they are kept: a folder, made here.

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


def keep(run: Path, step: int, best: int | None, spent: Seconds) -> None:
    """Take a draft that is complete for the run's checkpoint, and delete those before.

    Args:
        run: the run directory.
        step: its optimizer steps so far.
        best: steps of the best checkpoint, which stays too; ``None`` where none is the best.
        spent: by the training so far.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    place = of_step(run, step)
    place.parent.mkdir(exist_ok=True)
    draft = drafts(run) / place.name
    manifest = _Manifest(step, best, spent, _hashes(draft))
    (draft / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), "utf-8")
    settle(draft, place)
    for other, path in _found(run):
        if other not in (step, best):
            delete(path)


def last(run: Path, say: Callable[[str], None]) -> Path | None:
    """The newest checkpoint that is as it was written.

    Args:
        run: the run directory.
        say: takes a line for each checkpoint that is passed over.
    """
    for _, path in sorted(_found(run), reverse=True):
        damaged = _damaged(path)
        if damaged is None:
            return path
        say(f"{path.name} is passed over: {damaged} is not as it was written")
    return None


def seconds_of(checkpoint: Path) -> Seconds:
    """What the training up to a checkpoint that :func:`last` found took."""
    return _manifest(checkpoint).seconds


def _manifest(checkpoint: Path) -> _Manifest:
    known = json.loads((checkpoint / _MANIFEST).read_text("utf-8"))
    seconds = {name: float(value) for name, value in known["seconds"].items()}
    if not all(math.isfinite(value) for value in seconds.values()):
        raise ValueError("seconds are not finite")
    return _Manifest(
        int(known["step"]),
        None if known["best"] is None else int(known["best"]),
        Seconds(**seconds),
        {**known["sha256"]},
    )


def _found(run: Path) -> Iterator[tuple[int, Path]]:
    for path in (run / FOLDER).glob("checkpoint-*"):
        if match := _NAME.fullmatch(path.name):
            yield int(match[1]), path


def _damaged(checkpoint: Path) -> Path | None:
    """The first file that is missing, changed, added or a link, the best checkpoint's included."""
    try:
        manifest = _manifest(checkpoint)
    except _SPOILT:
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
    """sha256 by file, the manifest left out; of what is no file but a link or device ``None``."""
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
    """The spans of all dev windows, and the wall time that they took to predict."""

    spans: WindowSpans
    seconds: float


def keep_prediction(run: Path, prediction: Prediction, weights_sha256: str) -> None:
    """Write a prediction for a resumed run.

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
    """The prediction of a model with these weights, if it is there and whole."""
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
    # An array that says to be larger than its file.
    except MemoryError:
        return None
    return Prediction(spans, seconds) if weights == weights_sha256 else None


def _refuse_packed(path: Path) -> None:
    """A file of this module is as large as its arrays."""
    with zipfile.ZipFile(path) as file:
        if path.is_symlink() or any(one.compress_type for one in file.infolist()):
            raise ValueError("not written by keep_prediction")


def remove(run: Path) -> None:
    """Delete what a finished run needs no more, as far as that can be done."""
    # Another user's finished run, say: its report is as good with as without them.
    with suppress(OSError):
        delete(run / FOLDER)
        remove_drafts(run)
