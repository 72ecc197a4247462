"""Benchmark files: TOML, validated by ``schemas/benchmark.schema.json``, as frozen dataclasses.

The schema is the only place with the type, limits and default of each key.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from qabench.base.packaged import schema
from qabench.base.untrusted import TrapError, open_file
from qabench.base.validation import fill_defaults, first_problem
from qabench.benchmarks.catalogue import Entry, entries, find
from qabench.benchmarks.sources import SOURCES, DataSettings
from qabench.errors import BenchmarkError


@dataclass(frozen=True, slots=True)
class BackboneSettings:
    """Section ``[backbone]``."""

    name: str
    revision: str | None = None
    lowercase: bool | None = None
    attention_dropout: float | None = None


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """Section ``[windows]``; all in tokens."""

    max_length: int
    overlap: int
    max_question_tokens: int


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Section ``[training]``."""

    epochs: int
    batch_size: int
    eval_batch_size: int
    gradient_accumulation_steps: int
    learning_rate: float
    weight_decay: float
    warmup_fraction: float
    schedule: str
    max_gradient_norm: float
    logging_steps: int
    device: str
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    compile: bool
    keep_epoch: Literal["last", "best"]
    head_learning_rate: float | None = None
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """Section ``[answers]``; ``null_threshold`` is in the head's score unit."""

    n_best: int
    max_answer_tokens: int
    null_threshold: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A whole benchmark: the same data, encoder, recipe and answer rules for every head."""

    name: str
    summary: str
    note: str
    data: DataSettings
    backbone: BackboneSettings
    windows: WindowSettings
    training: TrainingSettings
    answers: AnswerSettings
    head: Mapping[str, Any]

    def head_options(self, plugin: str) -> dict[str, Any]:
        """The options of ``[head]`` meant for ``plugin``: the plain keys, then its own table."""
        return _options_for(plugin, self.head)

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON types; absent keys are ``None``."""
        return asdict(self)


def summaries() -> list[tuple[str, str, str]]:
    """Name, distribution and summary of each benchmark, or why it cannot be used."""
    every = entries()
    counts = Counter(one.name for one in every)
    return [
        (
            one.name,
            one.distribution,
            "CONFLICT: another benchmark has this name" if counts[one.name] > 1 else _summary(one),
        )
        for one in every
    ]


def _summary(one: Entry) -> str:
    try:
        # Those of qabench are valid, and the validator is slow to import.
        if one.distribution == "qabench":
            return str(_read(one.path)["summary"])
        return load(str(one.path)).summary
    except BenchmarkError as error:
        return f"BROKEN: {error}"


def load(name_or_path: str, overrides: Sequence[str] = ()) -> Benchmark:
    """Read, override and validate a benchmark.

    Args:
        name_or_path: a name that ``qabench benchmarks`` lists, or the path of a ``.toml`` file.
        overrides: ``section.key=value`` each, as ``--set`` takes them; the value is TOML, and
            quotes around a string may be left out. Their paths are relative to the working
            directory; paths in the file are relative to the file's folder. Where they change the
            source of the data, the benchmark is called by these data, and has no note.

    Raises:
        BenchmarkError: no benchmark or several have this name, or the file is not TOML or does not
            follow the schema.
    """
    path = find(name_or_path)
    document = original = _resolve_paths(_read(path), path.resolve().parent)
    for override in overrides:
        document = _resolve_paths(_override(document, override), Path.cwd())
    document = _renamed(original, document)
    problem = first_problem(schema("benchmark"), document)
    if problem:
        changed = f" with --set {' --set '.join(overrides)}" if overrides else ""
        raise BenchmarkError(f"Benchmark {path}{changed} is not valid: {problem}.")
    return _build(fill_defaults(schema("benchmark"), document))


def _renamed(original: Mapping[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    """The changed document under the name of its data, if these are from another place."""
    before, after = original.get("data"), changed.get("data")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return changed
    places = [(one.get("source"), one.get("repository")) for one in (before, after)]
    if places[0] == places[1] or changed.get("name") != original.get("name"):
        return changed
    name = _data_name(after)
    if name in (one.name for one in entries()):
        name = f"own-{name}"
    return {**changed, "name": name, "note": "", "summary": ""}


_GENERIC = re.compile(r"(train|dev|test|valid(ation)?|data|questions)", re.IGNORECASE)


def _data_name(data: Mapping[str, Any]) -> str:
    """What to call a benchmark of these data: by their repository, file or folder."""
    repository, dev = data.get("repository"), data.get("dev")
    place = Path(str(repository or dev or ""))
    stem = place.name if repository else place.name.partition(".")[0]
    if not repository and _GENERIC.fullmatch(stem):
        stem = place.parent.name
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "own"


def of_dict(document: Mapping[str, Any]) -> Benchmark:
    """The benchmark whose :meth:`Benchmark.as_dict` this is, validated again.

    Raises:
        BenchmarkError: it does not follow the schema.
    """
    given = {
        name: {key: value for key, value in section.items() if value is not None}
        if isinstance(section, Mapping)
        else section
        for name, section in document.items()
    }
    if problem := first_problem(schema("benchmark"), given):
        raise BenchmarkError(f"These are no settings of a benchmark: {problem}.")
    return _build(fill_defaults(schema("benchmark"), given))


def head_options(plugin: str, overrides: Sequence[str]) -> dict[str, Any]:
    """The options of ``plugin`` that overrides of ``head.*`` give, without a benchmark file.

    Raises:
        BenchmarkError: an override is not of the form ``head.key=value``, or is for another
            plugin.
    """
    document: dict[str, Any] = {"head": {}}
    for override in overrides:
        if not override.strip().startswith("head."):
            raise BenchmarkError(
                f"--set {override!r} is not an option of a head; write --set head.key=value."
            )
        document = _override(document, override)
    for key, value in document["head"].items():
        if isinstance(value, dict) and key != plugin:
            raise BenchmarkError(f"--set head.{key}.* is not for plugin {plugin!r}; leave it out.")
    return _options_for(plugin, document["head"])


def _options_for(plugin: str, head: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in head.items() if not isinstance(value, dict)}
    return plain | dict(head.get(plugin, {}))


def _read(path: Path) -> dict[str, Any]:
    try:
        with open_file(path) as file:
            return tomllib.loads(file.read().decode("utf-8-sig"))
    except (OSError, TrapError) as error:
        said = getattr(error, "strerror", None) or error
        raise BenchmarkError(
            f"Benchmark file {path} cannot be read ({said}); check the path."
        ) from error
    # Not TOML, not UTF-8, a number of thousands of digits, or deeply nested brackets.
    except (ValueError, RecursionError) as error:
        raise BenchmarkError(
            f"Benchmark file {path} is not valid TOML: {error}; correct it there."
        ) from error


def _resolve_paths(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the relative paths of questions, and of an encoder folder, absolute."""
    document = _copy(document)
    data, backbone = document.get("data"), document.get("backbone")
    if isinstance(data, dict) and _has_paths(data):
        for key in ("train", "dev"):
            if isinstance(data.get(key), str) and data[key]:
                data[key] = _placed(folder, data[key])
    if isinstance(backbone, dict) and isinstance(backbone.get("name"), str) and backbone["name"]:
        candidate = _placed(folder, backbone["name"])
        # The name may be too long for a path.
        with suppress(OSError):
            if Path(candidate).is_dir():
                backbone["name"] = candidate
    return document


def _has_paths(data: Mapping[str, Any]) -> bool:
    default = schema("benchmark")["properties"]["data"]["properties"]["source"]["default"]
    name = data.get("source", default)
    return any(one.has_paths for one in SOURCES.values() if one.name == name)


def _copy(document: dict[str, Any]) -> dict[str, Any]:
    try:
        return copy.deepcopy(document)
    except RecursionError:
        raise BenchmarkError(
            "The benchmark is nested too deeply; give the keys of its sections plain values."
        ) from None


def _placed(folder: Path, path: str) -> str:
    """A path of a benchmark file, made absolute."""
    try:
        return str(folder / Path(path).expanduser())
    # ~name of a user who does not exist.
    except RuntimeError as error:
        raise BenchmarkError(
            f"The path {path!r} in the benchmark cannot be expanded ({error}); write it in full."
        ) from error


def _override(document: dict[str, Any], override: str) -> dict[str, Any]:
    key, sign, text = override.partition("=")
    parts = key.strip().split(".")
    if not sign or not all(parts):
        raise BenchmarkError(
            f"--set {override!r} is not of the form section.key=value, "
            f"for example --set training.epochs=2."
        )
    changed = _copy(document)
    table = changed
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise BenchmarkError(f"--set {override!r}: {part!r} is a value, not a section.")
    table[parts[-1]] = _value(text.strip(), parts)
    return changed


def _value(text: str, parts: Sequence[str]) -> object:
    """``text`` as TOML, or as it is where it is not TOML or the schema asks for a string."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    except (ValueError, RecursionError) as error:
        key = ".".join(parts)
        raise BenchmarkError(f"The value of --set {key} cannot be used ({error}).") from error
    rule: Mapping[str, Any] = schema("benchmark")
    for part in parts:
        rule = rule.get("properties", {}).get(part, {})
    return text if rule.get("type") == "string" and not isinstance(value, str) else value


def _build(document: Mapping[str, Any]) -> Benchmark:
    return Benchmark(
        name=document["name"],
        summary=document["summary"],
        note=document["note"],
        data=DataSettings(**document["data"]),
        backbone=BackboneSettings(**document["backbone"]),
        windows=WindowSettings(**document["windows"]),
        training=TrainingSettings(**document["training"]),
        answers=AnswerSettings(**document["answers"]),
        head=document["head"],
    )
