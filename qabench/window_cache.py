"""Windows kept on disk, under the hash of all that they are made of.

An entry is a folder of compact numpy arrays and a manifest of their hashes. It appears whole or not
at all; one that is not exactly as it was written is made anew. The cache is a help only: where it
cannot be written, windows are cut each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from numpy.typing import NDArray

from qabench.benchmark import WindowSettings
from qabench.examples import ExampleSet
from qabench.files import sha256
from qabench.tokenization import Texts
from qabench.windows import WINDOWING_VERSION, PairTemplate, WindowCounts, Windows

FORMAT = 1

_MANIFEST = "manifest.json"
_ROWS = ("example", "question", "context", "first", "length", "start", "end", "question_lengths")
_TEXTS = "texts"
_COUNTS = "counts"

Arrays = dict[str, NDArray[Any]]


def place() -> Path | None:
    """The folder of the entries.

    ``$QABENCH_CACHE/windows``, or ``qabench/windows`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``;
    ``None`` for a user without a home folder.
    """
    own, shared = os.environ.get("QABENCH_CACHE"), os.environ.get("XDG_CACHE_HOME", "")
    if own:
        return Path(own).absolute() / "windows"
    # A relative path there is to be ignored, says the XDG specification.
    if Path(shared).is_absolute():
        return Path(shared) / "qabench" / "windows"
    try:
        return Path.home() / ".cache" / "qabench" / "windows"
    except RuntimeError:
        return None


def key(
    data: ExampleSet, tokenizer_fingerprint: str, template: PairTemplate, settings: WindowSettings
) -> str:
    """The entry's name: sha256, as 64 hex digits, of what decides the windows."""
    made_of = {
        "format": FORMAT,
        "windowing": WINDOWING_VERSION,
        "tokenizers": tokenizers.__version__,
        "data": data.fingerprint,
        # The fingerprint is the same in any order, the windows are not.
        "order": _digest(json.dumps([one.id for one in data.examples])),
        "tokenizer": tokenizer_fingerprint,
        "template": asdict(template),
        "settings": asdict(settings),
    }
    return _digest(json.dumps(made_of, sort_keys=True))


def fetch(entry: Path, template: PairTemplate, make: Callable[[], Windows]) -> Windows:
    """The windows of an entry; made, and kept there, if it does not hold them.

    Args:
        entry: the folder, named by :func:`key`.
        template: that of the tokenizer; it is part of the key.
        make: cuts the windows.
    """
    windows = _load(entry, template)
    if windows is None:
        windows = make()
        _keep(entry, windows)
    return windows


def _load(entry: Path, template: PairTemplate) -> Windows | None:
    """The windows, or ``None`` if there is no entry or anything in it is not as it was written."""
    try:
        manifest = json.loads((entry / _MANIFEST).read_text("utf-8"))
        if manifest["key"] != entry.name:
            return None
        arrays = {name: _read(entry, name, manifest["sha256"][name]) for name in _names()}
    # A damaged manifest can hold anything at all, and so fail in any of these ways.
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    return Windows(
        **{name: arrays[name].astype(np.int32) for name in _ROWS},
        texts=_as_texts(arrays),
        template=template,
        counts=WindowCounts(*arrays[_COUNTS].tolist()),
    )


def _read(entry: Path, name: str, expected: str) -> NDArray[Any]:
    path = entry / f"{name}.npy"
    if sha256(path) != expected:
        raise ValueError(f"{path} is damaged")
    # Unlike np.load, this takes a file for an array or for nothing: never a zip file or a pickle.
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))


def _keep(entry: Path, windows: Windows) -> None:
    """Write an entry beside its place and rename it, in place of what may be there."""
    draft = None
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        # Those of killed processes; one that is alive does without the entry.
        for left in entry.parent.glob(f".{entry.name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", dir=entry.parent))
        for name, array in _as_arrays(windows).items():
            np.save(draft / f"{name}.npy", _narrow(array), allow_pickle=False)
        hashes = {name: sha256(draft / f"{name}.npy") for name in _names()}
        manifest = json.dumps({"key": entry.name, "sha256": hashes}, indent=2)
        (draft / _MANIFEST).write_text(manifest, "utf-8")
        shutil.rmtree(entry, ignore_errors=True)
        draft.rename(entry)
    # A full or read-only disk, or another process that was quicker: the windows are there anyway.
    except OSError:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def _names() -> Sequence[str]:
    return (*_ROWS, *(f"{_TEXTS}.{one.name}" for one in fields(Texts)), _COUNTS)


def _as_arrays(windows: Windows) -> Arrays:
    arrays: Arrays = {name: getattr(windows, name) for name in _ROWS}
    for one in fields(Texts):
        arrays[f"{_TEXTS}.{one.name}"] = getattr(windows.texts, one.name)
    arrays[_COUNTS] = np.array(astuple(windows.counts), np.int64)
    return arrays


def _as_texts(arrays: Arrays) -> Texts:
    return Texts(
        ids=arrays[f"{_TEXTS}.ids"].astype(np.int32),
        starts=arrays[f"{_TEXTS}.starts"].astype(np.int32),
        ends=arrays[f"{_TEXTS}.ends"].astype(np.int32),
        bounds=arrays[f"{_TEXTS}.bounds"].astype(np.int64),
    )


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """The same values in the smallest unsigned integers that hold them."""
    # Positions, lengths and token ids are never negative.
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
