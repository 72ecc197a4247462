"""The questions of the quickstart benchmark, generated from a seed, the same on every machine.

Names are invented. Names in the dev questions occur neither in the training questions nor in the
pretraining of the encoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from qabench.data.audit import RawRecord, audit
from qabench.data.examples import ExampleSet, OnBadRecord
from qabench.errors import DataError
from qabench.quickstart.chance import Chance
from qabench.quickstart.domains import QUICKSTART
from qabench.quickstart.paragraphs import Paragraph, Question, Shape, at_most, paragraphs
from qabench.quickstart.values import Pool, Values

# Seed, pool of names, questions.
SPLITS = {"train": (11, Pool.TRAIN, 4500), "dev": (12, Pool.DEV, 1000)}


def read_generated(split: str, on_bad_record: OnBadRecord = "fail") -> ExampleSet:
    """The examples of ``train`` or ``dev``, audited like those of any file.

    Raises:
        DataError: there is no such split.
    """
    if split not in SPLITS:
        raise DataError(
            f"the generated questions have no split {split!r}; use {' or '.join(map(repr, SPLITS))}"
        )
    return audit(records(split_paragraphs(split), split), f"generated:{split}", on_bad_record)


def split_paragraphs(split: str, seed: int | None = None) -> Iterator[Paragraph]:
    """The paragraphs of a split; with another seed, others with as many questions."""
    own_seed, pool, wanted = SPLITS[split]
    values = Values(Chance(own_seed if seed is None else seed), pool)
    for made in paragraphs(QUICKSTART, values, Shape()):
        yield at_most(made, wanted)
        wanted -= len(made.questions)
        if wanted <= 0:
            return


def records(made: Iterable[Paragraph], prefix: str) -> Iterator[RawRecord]:
    """Questions as SQuAD v2.0 records, with ids ``prefix-paragraph-question``."""
    for i, paragraph in enumerate(made):
        for j, question in enumerate(paragraph.questions):
            fields = _fields(paragraph, question) | {"id": f"{prefix}-{i}-{j}"}
            yield RawRecord(f"paragraph {i}, question {j}", fields)


def _fields(paragraph: Paragraph, question: Question) -> dict[str, Any]:
    return {
        "title": paragraph.title,
        "context": paragraph.context,
        "question": question.text,
        "answers": [{"text": text, "answer_start": start} for text, start in question.golds],
        "is_impossible": not question.golds,
        "plausible_answers": [
            {"text": text, "answer_start": start} for text, start in question.plausible
        ],
    }
