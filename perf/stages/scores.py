"""Answers to scores, beside the official script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from commands import python, qabench
from material import Material, turned, write_squad
from measuring import Bench, DisagreementError, Finding, doublings
from peers import official

from qabench.data.examples import QAExample
from qabench.scoring.predictions import golds_of
from qabench.scoring.squad import Gold, GoldSet, official_scores

PEER = "evaluate-v2.0"


@dataclass(frozen=True, slots=True)
class File:
    """Predictions and null odds of one model."""

    answers: Mapping[str, str]
    null_odds: Mapping[str, float]


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    bench = Bench("scores", material.scale.repeats)
    examples = material.examples
    texts = _texts(examples)
    files = [_file(examples, seed) for seed in range(material.scale.files)]
    size = (len(examples), "questions")
    yield bench.compare(
        "one prediction file",
        PEER,
        lambda: _ours(golds_of(examples), files[:1]),
        partial(_theirs, texts, files[:1]),
        _same,
        size,
    )
    more = len(files) - 1
    yield bench.compare(
        f"{more} further files, the golds made ready",
        PEER,
        _further(examples, files, calls=1 + bench.repeats),
        partial(_theirs, texts, files[1:]),
        _same,
        (more * len(examples), "questions"),
    )
    yield _command(bench, "the whole command", examples, material.folder)
    longer = turned(examples, -(-material.scale.dev_set // len(examples)))
    many = longer[: material.scale.dev_set]
    yield _command(bench, "the whole command, as many questions as SQuAD's", many, material.folder)
    yield bench.growth(
        "number of questions",
        "questions",
        doublings(len(examples), material.scale.doublings),
        partial(_score_first, examples),
    )


def _score_first(examples: Sequence[QAExample], n: int) -> Callable[[], object]:
    some = examples[:n]
    files = [_file(some, 0)]
    return lambda: _ours(golds_of(some), files)


def _texts(examples: Sequence[QAExample]) -> dict[str, list[str]]:
    return {one.id: [gold.text for gold in one.answers] for one in examples}


def _ours(golds: Sequence[Gold], files: Sequence[File]) -> list[dict[str, float]]:
    return [official_scores(golds, one.answers, one.null_odds).as_dict() for one in files]


def _theirs(golds: Mapping[str, Sequence[str]], files: Sequence[File]) -> list[official.Scores]:
    return [official.evaluate(golds, one.answers, one.null_odds) for one in files]


def _further(
    examples: Sequence[QAExample], files: Sequence[File], calls: int
) -> Callable[[], list[dict[str, float]]]:
    """Scores all files but the first with golds that have scored the first, new ones in each call:
    what was learned of the files in one call is not known in the next.
    """

    def ready() -> GoldSet:
        made = GoldSet(golds_of(examples))
        _ours(made, files[:1])
        return made

    waiting = [ready() for _ in range(calls)]
    return lambda: _ours(waiting.pop(), files[1:])


def _command(bench: Bench, name: str, examples: Sequence[QAExample], folder: Path) -> Finding:
    file = _file(examples, 0)
    paths = [folder / name for name in ("data.json", "answers.json", "odds.json")]
    write_squad(examples, paths[0])
    for path, content in zip(paths[1:], (file.answers, file.null_odds), strict=True):
        path.write_text(json.dumps(content), "utf-8")
    data, answers, odds = map(str, paths)
    ours = qabench(["score", data, answers, "--null-odds", odds, "--format", "json"])
    theirs = python(str(Path(official.__file__)), data, answers, odds)
    return bench.compare(
        name,
        PEER,
        lambda: [json.loads(ours())["official"]],
        lambda: [json.loads(theirs())],
        _same,
        (len(examples), "questions"),
    )


def _file(examples: Sequence[QAExample], seed: int) -> File:
    """A model that often finds a gold, sometimes part of it, sometimes words elsewhere."""
    chance = Random(seed)
    answers, odds = {}, {}
    for one in examples:
        gold = one.answers[0].text if one.answers else ""
        start = chance.randrange(len(one.context))
        elsewhere = one.context[start : start + chance.randrange(1, 30)]
        part = gold[: chance.randrange(1, len(gold) + 1)] if gold else elsewhere
        answers[one.id] = chance.choice([gold, gold, part, elsewhere]) or elsewhere
        odds[one.id] = chance.gauss(-2.0 if gold else 2.0, 3.0)
    return File(answers, odds)


def _same(ours: Sequence[dict[str, float]], theirs: Sequence[official.Scores]) -> str:
    """Equal to the last digit, in the same order of keys."""
    for mine, other in zip(ours, theirs, strict=True):
        if json.dumps(mine) != json.dumps(other):
            keys = [key for key in other if mine.get(key) != other[key]]
            raise DisagreementError(f"scores differ: {', '.join(keys) or 'order of keys'}")
    return f"{len(theirs[0])} scores equal to the last digit"
