"""What is measured on: questions, tokenizer, encoder, and how much of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_letters, ascii_lowercase
from typing import Any

from qabench.benchmarks.settings import AnswerSettings, BackboneSettings, WindowSettings, load
from qabench.data.examples import QAExample, sample
from qabench.data.readers import read_file
from qabench.quickstart.corpus import read_generated
from qabench.training.backbone import TokenizerFacts, load_tokenizer

QUICKSTART = "qabench:quickstart"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured.

    Attributes:
        questions: at most so many.
        repeats: turns of each comparison.
        steps: training batches.
        batch_size: windows in each.
        crf: batch sizes and length of the CRF comparisons.
        doublings: sizes in each growth curve.
        files: prediction files scored against the same golds.
        windows: at most so many in the check of a fine-tuned CRF.
        dev_set: questions of a longer file to score, as many as SQuAD v2's.
        load: training questions that pass through all phases, as many as SQuAD v2's.
    """

    questions: int
    repeats: int
    steps: int
    batch_size: int
    crf: tuple[tuple[int, int], ...]
    doublings: int
    files: int
    windows: int
    dev_set: int
    load: int


FULL = Scale(12_000, 5, 3, 8, ((8, 384), (32, 384)), 4, 10, 256, 11_873, 130_319)
SMALL = Scale(60, 1, 2, 4, ((2, 48),), 2, 2, 16, 120, 140)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Everything that the stages work on.

    Attributes:
        examples: questions without white space around them, since run_qa strips only their left.
        source: what the questions are, in words.
        run: directory of a fine-tuned CRF, if there is one.
        folder: for files of our own, gone afterwards.
    """

    examples: tuple[QAExample, ...]
    source: str
    backbone: BackboneSettings
    tokenizer: TokenizerFacts
    windows: WindowSettings
    answers: AnswerSettings
    scale: Scale
    run: Path | None
    folder: Path

    def rows(self) -> dict[str, list[Any]]:
        """The questions as columns of run_qa's data set."""
        return {
            "id": [one.id for one in self.examples],
            "question": [one.question for one in self.examples],
            "context": [one.context for one in self.examples],
            "answers": [
                {
                    "text": [gold.text for gold in one.answers],
                    "answer_start": [gold.start for gold in one.answers],
                }
                for one in self.examples
            ],
        }


def gather(
    data: Path | None, encoder: Path | None, run: Path | None, scale: Scale, folder: Path
) -> Material:
    """Read questions and tokenizer; without ``data`` and ``encoder`` the quickstart's.

    Raises:
        QABenchError: a file or folder cannot be used.
    """
    quickstart = load("quickstart")
    if data is None:
        read = (*read_generated("dev").examples, *read_generated("train").examples)
        source = "the quickstart's generated questions"
    else:
        read, source = read_file(data).examples, data.name
    examples = sample(read, scale.questions, seed=0)
    backbone = BackboneSettings(QUICKSTART if encoder is None else str(encoder))
    tokenizer = load_tokenizer(backbone)
    size = quickstart.windows if encoder is None else WindowSettings(384, 128, 64)
    # The longest question that leaves room: nothing is clipped, as nothing is by run_qa.
    room = size.max_length - size.overlap - tokenizer.template.special_tokens - 1
    return Material(
        examples=tuple(replace(one, question=one.question.strip()) for one in examples),
        source=f"{len(examples)} questions of {source}",
        backbone=backbone,
        tokenizer=tokenizer,
        windows=replace(size, max_question_tokens=room),
        answers=quickstart.answers,
        scale=scale,
        run=run,
        folder=folder,
    )


def write_squad(examples: Sequence[QAExample], path: Path) -> None:
    """Questions as SQuAD v2 JSON, those of one context together."""
    questions: dict[str, list[dict[str, Any]]] = {}
    for one in examples:
        questions.setdefault(one.context, []).append(
            {
                "id": one.id,
                "question": one.question,
                "is_impossible": not one.answers,
                "answers": [
                    {"text": gold.text, "answer_start": gold.start} for gold in one.answers
                ],
            }
        )
    paragraphs = [{"context": context, "qas": asked} for context, asked in questions.items()]
    document = {"version": "v2.0", "data": [{"title": "all", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(document), "utf-8")


def turned(examples: Sequence[QAExample], copies: int) -> list[QAExample]:
    """So many copies of the questions, no two with the same texts: in the n-th, every letter
    stands for the n-th behind it in the alphabet. Lengths and places stay.
    """
    found = []
    for n in range(copies):
        letters = ascii_lowercase[n:] + ascii_lowercase[:n]
        turn = str.maketrans(ascii_letters, letters + letters.upper())
        found += [
            replace(
                one,
                id=f"{one.id}-{n}",
                question=one.question.translate(turn),
                context=one.context.translate(turn),
                answers=tuple(
                    replace(gold, text=gold.text.translate(turn)) for gold in one.answers
                ),
            )
            for one in examples
        ]
    return found
