"""``qabench new-benchmark``: one file for one's own data and encoder."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from qabench import quickstart
from qabench.base.files import write_text
from qabench.base.json_files import JSONError, read_json
from qabench.base.packaged import schema
from qabench.base.terminal import commented
from qabench.base.validation import first_problem
from qabench.benchmarks.catalogue import entries
from qabench.data.examples import ExampleSet
from qabench.data.overlap import overlap, refuse_same
from qabench.data.readers import read_file
from qabench.errors import BenchmarkError
from qabench.plugins.discovery import discover

_PACKAGED = Path(quickstart.__file__).parent / "encoder"


def write_benchmark(name: str, train: Path, dev: Path, encoder: str) -> list[str]:
    """Audit the data, write ``NAME.toml`` into the working directory, and say what to do next.

    Args:
        name: of the benchmark and of its file.
        train: questions to train on.
        dev: questions to score.
        encoder: a folder, or a model of the hub.

    Raises:
        BenchmarkError: no benchmark can have this name, or the file exists.
        DataError: a file cannot be read, has a bad record, or both are the same questions.
        RunError: the file cannot be written.
    """
    path = Path(f"{name}.toml")
    text = _toml(name, train, dev, encoder)
    if problem := first_problem(schema("benchmark"), tomllib.loads(text)):
        raise BenchmarkError(f"No benchmark can be called {name!r}: {problem}.")
    if name in (one.name for one in entries()):
        raise BenchmarkError(f"A benchmark {name!r} is installed; choose another name.")
    if path.exists():
        raise BenchmarkError(f"{path} exists; choose another name, or edit the file.")
    sets = {place: read_file(place) for place in (train, dev)}
    refuse_same(sets[train], sets[dev])
    write_text(path, text)
    lines = [f"{path}: trains on {_counted(sets[train])}, scores {_counted(sets[dev])}."]
    shared = overlap(sets[train].examples, sets[dev].examples)
    lines += [f"But {shared}."] if shared.is_any else []
    head = next((one.name for one in discover().heads), "NAME")
    command = f"qabench run --plugin {head} --benchmark {path}"
    return [*lines, "Next:", *commented([(command, "fine-tunes and scores a head")])]


def _counted(data: ExampleSet) -> str:
    return f"{len(data)} questions ({data.unanswerable} without answer)"


def _toml(name: str, train: Path, dev: Path, encoder: str) -> str:
    # JSON strings are TOML strings.
    quoted = {
        key: json.dumps(str(one), ensure_ascii=False)
        for key, one in (("name", name), ("train", train), ("dev", dev), ("encoder", encoder))
    }
    return f"""\
name = {quoted["name"]}

[data]                           # paths are relative to this file
train = {quoted["train"]}
dev = {quoted["dev"]}

[backbone]
name = {quoted["encoder"]}
{_windows(encoder)}"""


def _windows(encoder: str) -> str:
    """Sizes of windows, where the encoder has too few positions for the default ones."""
    rules = schema("benchmark")["properties"]["windows"]["properties"]
    usual = rules["max_length"]["default"]
    positions = _positions(encoder)
    if positions is None or positions >= usual:
        return ""
    return f"""
[windows]                        # in tokens; the encoder has {positions} positions
max_length = {positions}
overlap = {positions // 4}
max_question_tokens = {positions // 4}
"""


def _positions(encoder: str) -> int | None:
    """Positions of a local encoder by its configuration, without the two that RoBERTa skips."""
    folder = _PACKAGED if encoder == "qabench:quickstart" else Path(encoder)
    try:
        positions = read_json(folder / "config.json")["max_position_embeddings"]
    except (JSONError, KeyError, TypeError):
        return None
    return positions - positions % 4 if isinstance(positions, int) and positions > 8 else None
