"""As many questions as SQuAD v2 has, through every phase but training: time and memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from commands import python
from material import Material, write_squad
from measuring import Finding, Growth, Memory, Timing, doublings
from synthetic import DEV, TRAIN, questions

from qabench.benchmarks.settings import load
from qabench.training.backbone import load_tokenizer

STAGE = "load"
PHASES = Path(__file__).parents[1] / "phases.py"


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    words = _words()
    sizes = doublings(material.scale.load, min(3, material.scale.doublings))
    runs = [_phases(size, words, material.folder) for size in sizes]
    for of_each in zip(*runs, strict=True):
        name = of_each[0]["name"]
        counts = tuple(one["questions"] for one in of_each)
        peaks = tuple(one["mebibytes"] for one in of_each)
        timings = tuple(Timing((one["seconds"],)) for one in of_each)
        yield Growth(STAGE, name, "questions", counts, timings)
        yield Memory(STAGE, name, "questions", counts, peaks)


def _words() -> list[str]:
    """The whole words of the quickstart's vocabulary, always in the same order."""
    tokenizer = load_tokenizer(load("quickstart").backbone)
    return sorted(token for token in tokenizer.encoder.get_vocab() if token.isalpha())


def _phases(size: int, words: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """What each phase took with so many training questions and the dev questions for them."""
    few = max(DEV.by_context, DEV.questions * size // TRAIN.questions)
    files = folder / "load-train.json", folder / "load-dev.json"
    for file, side, count, seed in zip(files, (TRAIN, DEV), (size, few), (0, 1), strict=True):
        write_squad(list(questions(replace(side, questions=count), words, seed)), file)
    measured = python(str(PHASES), *map(str, files), str(size), str(few))
    found: list[dict[str, Any]] = json.loads(measured())
    return found
