"""Questions with their gold answers, and the fingerprint of a set of them."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

OnBadRecord = Literal["fail", "skip", "score"]
# The start of an answer of which only the text can be used.
UNPLACED = -1


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """One annotated answer.

    Attributes:
        text: The answer, equal to ``context[start : start + len(text)]``.
        start: Offset of its first character in the context, in code points. ``UNPLACED`` in data
            that was read only to score it: the place is unknown, and the text may be empty.
    """

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class QAExample:
    """One question about one context; without answers it is unanswerable.

    Attributes:
        id: Unique in its set.
        question: Not empty.
        context: The text that answers are taken from.
        answers: The gold answers, in the order of the source.
        title: Title of the article that the context is from; empty where it is not known.
    """

    id: str
    question: str
    context: str
    answers: tuple[GoldAnswer, ...]
    title: str = ""

    @property
    def is_answerable(self) -> bool:
        """Whether the context holds an answer."""
        return bool(self.answers)

    @property
    def placed(self) -> tuple[GoldAnswer, ...]:
        """The answers whose place in the context is known."""
        return tuple([one for one in self.answers if one.start != UNPLACED])


@dataclass(frozen=True, slots=True)
class BadRecord:
    """The first problem found in a record.

    Attributes:
        file: The file, or the Hub data set with revision and split.
        id: The record's id; empty where it has no usable one.
        field: The field at fault, for example ``answers[0].answer_start``.
        problem: What is wrong with it, and where the record is in the file.
        kind: The same without what differs from record to record.
    """

    file: str
    id: str
    field: str
    problem: str
    kind: str = ""

    def __str__(self) -> str:
        question = f"question {self.id!r}" if self.id else "a question without an id"
        return f"{self.file}, {question}, field {self.field!r}: {self.problem}"


@dataclass(frozen=True)
class ExampleSet:
    """The valid examples of one source.

    Attributes:
        examples: In the order of the source; their ids are unique.
        source: The file or Hub data set that they come from.
        skipped: The records left out, one problem each.
        unplaced: The bad records that were kept to score them, one problem each.
        notes: What was read other than it is written, a phrase each.
    """

    examples: tuple[QAExample, ...]
    source: str
    skipped: tuple[BadRecord, ...]
    unplaced: tuple[BadRecord, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the examples, whatever their format or order."""
        return fingerprint(self.examples)

    @cached_property
    def answerable(self) -> int:
        """How many questions have an answer."""
        return sum(example.is_answerable for example in self.examples)

    @property
    def unanswerable(self) -> int:
        """How many questions have no answer."""
        return len(self) - self.answerable

    @property
    def has_unanswerable(self) -> bool:
        """Whether any question has no answer: a fact of the data, never a setting."""
        return self.unanswerable > 0


def sample(examples: Sequence[QAExample], n: int, seed: int) -> tuple[QAExample, ...]:
    """Draw ``n`` examples at random, the same for the same seed, in their original order.

    Files are grouped by article, so the first ``n`` would be about few topics.

    Raises:
        ValueError: ``n`` is negative.
    """
    if n >= len(examples):
        return tuple(examples)
    chosen = random.Random(seed).sample(range(len(examples)), n)
    return tuple(examples[index] for index in sorted(chosen))


def subset(data: ExampleSet, n: int, seed: int) -> ExampleSet:
    """The set of :func:`sample`'s examples; ``data`` itself where it has no more than ``n``."""
    if n >= len(data):
        return data
    return replace(data, examples=sample(data.examples, n, seed))


def fingerprint(examples: Iterable[QAExample]) -> str:
    """SHA-256 of a set of examples, as 64 hex digits.

    The order of the records and the file format do not change it; titles are not part of it.
    """
    digest, contexts = hashlib.sha256(), _Quoted()
    for example in sorted(examples, key=lambda example: example.id):
        digest.update(f"{_canonical(example, contexts)}\n".encode("ascii"))
    return digest.hexdigest()


def order_fingerprint(examples: Iterable[QAExample]) -> str:
    """SHA-256 of the examples' ids in their order, as 64 hex digits.

    Training draws windows by their place, so the same questions in another order give another
    model.
    """
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{json.dumps(example.id)}\n".encode("ascii"))
    return digest.hexdigest()


class _Quoted(dict[str, str]):
    """Texts as JSON strings; each distinct text is escaped once."""

    def __missing__(self, text: str) -> str:
        quoted = self[text] = json.dumps(text)
        return quoted


def _canonical(example: QAExample, contexts: _Quoted) -> str:
    """JSON in ASCII, keys sorted, no spaces; made by hand because ``json`` takes twice as long."""
    answers = ",".join([f"[{json.dumps(one.text)},{one.start}]" for one in example.answers])
    return (
        f'{{"answers":[{answers}],"context":{contexts[example.context]},'
        f'"id":{json.dumps(example.id)},"question":{json.dumps(example.question)}}}'
    )
