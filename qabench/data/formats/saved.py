"""The folder of a dataset that the library ``datasets`` saved with ``save_to_disk``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qabench.base.json_files import read_json
from qabench.base.terminal import reason, visible
from qabench.data.audit import RawRecord
from qabench.data.formats import columns
from qabench.errors import DataError

_STATE, _SPLITS = "state.json", "dataset_dict.json"


def is_dataset(path: Path) -> bool:
    """Whether this is the folder of one split."""
    try:
        return (path / _STATE).is_file()
    # It holds NUL, or is too long for a path.
    except (ValueError, OSError):
        return False


def records(path: Path, name: str) -> Iterator[RawRecord]:
    """A record for each row.

    Raises:
        DataError: the folder is damaged, or a column is missing.
    """
    dataset = _load(path, name)
    wanted = columns.usable(name, dataset.column_names)
    try:
        yield from columns.numbered(dataset.select_columns(wanted))
    except Exception as error:
        raise _unreadable(name, error) from error


def _load(path: Path, name: str) -> Any:
    from datasets import load_from_disk

    try:
        _refuse_outside(path)
        return load_from_disk(str(path), keep_in_memory=True)
    # datasets, pyarrow and fsspec have errors of their own.
    except Exception as error:
        raise _unreadable(name, error) from error


def _refuse_outside(path: Path) -> None:
    """Refuse a folder whose list of files leads out of it."""
    state = read_json(path / _STATE)
    for one in state["_data_files"]:
        name = one["filename"]
        if Path(name).name != name or (path / name).resolve().parent != path.resolve():
            raise ValueError(f"{name!r} leads out of the folder")


def _unreadable(name: str, error: Exception) -> DataError:
    return DataError(
        f"{name}: is not a readable saved dataset ({reason(error)}); save it again, or write its "
        "split with to_json()"
    )


def advice(path: Path) -> str:
    """How to name the questions in a folder that is no split."""
    if not (path / _SPLITS).is_file():
        return "name a file in it"
    splits = sorted(one.parent.name for one in path.glob(f"*/{_STATE}"))
    named = ", ".join(visible(str(path / one)) for one in splits[:5])
    return f"it is a saved dataset with several splits: name one of them ({named})"
