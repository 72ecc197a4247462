"""Windows kept on disk, to be found again by what they were made of.

An entry is a folder of plain numpy arrays, which are mapped into memory rather than read, and an
``entry.json`` with their checksums. It appears whole or not at all; one that is broken is made
anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from qabench.benchmark import WindowSettings
from qabench.examples import ExampleSet
from qabench.tokenization import Texts, Tokenizer
from qabench.windows import PairTemplate, WindowCounts, Windows, make_windows

# To be raised whenever windows come out otherwise than before.
_VERSION = 1
_ENTRY = "entry.json"
_TEXTS = tuple(field.name for field in fields(Texts))
_ARRAYS = tuple(
    field.name for field in fields(Windows) if field.name not in ("texts", "template", "counts")
)


def cache_folder() -> Path:
    """``$QABENCH_CACHE``, else ``qabench`` in ``$XDG_CACHE_HOME`` or ``~/.cache``."""
    if own := os.environ.get("QABENCH_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qabench"


def cached_windows(
    data: ExampleSet,
    tokenizer: Tokenizer,
    tokenizer_hash: str,
    template: PairTemplate,
    settings: WindowSettings,
) -> Windows:
    """The windows of :func:`~qabench.windows.make_windows`, from the cache if it has them.

    Args:
        data: its content and order name the entry,
        tokenizer: with
        tokenizer_hash: its content,
        template: and
        settings: these.

    Raises:
        BenchmarkError: as :func:`~qabench.windows.make_windows`.
    """
    key = _key(data, tokenizer_hash, template, settings)
    folder = cache_folder() / "windows" / key
    found = _read(folder, template)
    if found is None:
        found = make_windows(data.examples, tokenizer, template, settings)
        _write(folder, found)
    return found


def _key(
    data: ExampleSet, tokenizer_hash: str, template: PairTemplate, settings: WindowSettings
) -> str:
    order = hashlib.sha256("\n".join(one.id for one in data.examples).encode()).hexdigest()
    made_of = [
        _VERSION,
        data.fingerprint,
        order,
        tokenizer_hash,
        asdict(template),
        asdict(settings),
    ]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _read(folder: Path, template: PairTemplate) -> Windows | None:
    try:
        entry = json.loads((folder / _ENTRY).read_text("utf-8"))
        arrays = {name: _array(folder / f"{name}.npy", entry["crc32"][name]) for name in _names()}
        counts = WindowCounts(**entry["counts"])
    # Whatever is wrong with an entry, it can be made anew.
    except (OSError, ValueError, KeyError, TypeError):
        return None
    texts = Texts(**{name: arrays.pop(f"texts_{name}") for name in _TEXTS})
    return Windows(**arrays, texts=texts, template=template, counts=counts)


def _names() -> tuple[str, ...]:
    return (*_ARRAYS, *(f"texts_{name}" for name in _TEXTS))


def _array(path: Path, crc32: int) -> Any:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if zlib.crc32(np.ascontiguousarray(array).data) != crc32:
        raise ValueError(f"{path} was changed")
    return array


def _write(folder: Path, windows: Windows) -> None:
    arrays = {name: getattr(windows, name) for name in _ARRAYS}
    arrays |= {f"texts_{name}": getattr(windows.texts, name) for name in _TEXTS}
    entry = {
        "counts": asdict(windows.counts),
        "crc32": {name: zlib.crc32(np.ascontiguousarray(one).data) for name, one in arrays.items()},
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    except OSError:
        # A cache that cannot be written is no reason to stop.
        return
    try:
        for name, array in arrays.items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        (draft / _ENTRY).write_text(json.dumps(entry), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
