"""Read the questions of a data set of the Hugging Face Hub; its code is never run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qabench.base.terminal import reason, visible
from qabench.data.audit import RawRecord
from qabench.data.examples import ExampleSet, OnBadRecord
from qabench.data.formats import columns
from qabench.data.readers import audited
from qabench.errors import DataError


def read_hub(
    repository: str, revision: str, split: str, on_bad_record: OnBadRecord = "fail"
) -> ExampleSet:
    """Read and audit one split of a Hub data set at a fixed revision.

    Args:
        repository: Name on the Hub, such as ``rajpurkar/squad_v2``.
        revision: Commit, tag or branch.
        split: Such as ``validation``.
        on_bad_record: As for :func:`qabench.data.readers.read_file`.

    Raises:
        DataError: The data set cannot be loaded, a record is bad, or no question is left.
    """
    source = visible(f"{repository}@{revision}:{split}")
    return audited(_records(repository, revision, split, source), source, on_bad_record)


def _records(repository: str, revision: str, split: str, source: str) -> Iterator[RawRecord]:
    try:
        dataset = _load_dataset(repository, revision, split)
        wanted = columns.usable(source, dataset.column_names)
        yield from columns.numbered(dataset.select_columns(wanted))
    except DataError:
        raise
    # Every library below (datasets, huggingface_hub, httpx, fsspec) has errors of its own.
    except Exception as error:
        raise DataError(
            f"{source}: cannot be loaded from the Hugging Face Hub ({reason(error)}); check the "
            "names of repository, revision and split, the network and HF_HUB_OFFLINE, "
            "or use a local file with data.train=PATH"
        ) from error


def _load_dataset(repository: str, revision: str, split: str) -> Any:
    import datasets

    # datasets would read such a folder instead, and ignore the revision.
    if Path(repository).is_dir():
        raise FileExistsError(f"a folder {repository!r} here would be read in place of the Hub")
    return datasets.load_dataset(repository, revision=revision, split=split)
