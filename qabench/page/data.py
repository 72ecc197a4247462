"""What the page's script needs of a contest: columns, texts once, offsets in UTF-16 units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from qabench.contests import Contest, Record
from qabench.examples import QAExample
from qabench.losses import faults
from qabench.slices import slices


def contest_data(contest: Contest) -> dict[str, Any]:
    """The questions of a contest with every run's answers, as JSON types.

    Raises:
        ReportError: results by question are missing.
    """
    first = contest.systems[0].records[0].outcomes
    examples = first.examples
    contexts = _Contexts.of(examples)
    places = {one.id: place for place, one in enumerate(examples)}
    return {
        "contexts": list(contexts.texts),
        "questions": {
            "id": [one.id for one in examples],
            "article": [one.title for one in examples],
            "text": [one.question for one in examples],
            "context": list(contexts.of_question),
            "golds": [contexts.golds(place, one) for place, one in enumerate(examples)],
        },
        "slices": _slice_columns(examples, first.windows),
        "runs": [
            _run(f"{system.label} seed {record.seed}", record, places, contexts)
            for system in contest.systems
            for record in system.records
        ],
    }


@dataclass(frozen=True, slots=True)
class _Contexts:
    """Distinct contexts, and for those that need it the UTF-16 offset of each code point."""

    texts: tuple[str, ...]
    of_question: tuple[int, ...]
    offsets: tuple[tuple[int, ...] | None, ...]

    @classmethod
    def of(cls, examples: Sequence[QAExample]) -> _Contexts:
        index: dict[str, int] = {}
        of_question = tuple(index.setdefault(one.context, len(index)) for one in examples)
        return cls(tuple(index), of_question, tuple(_utf16_offsets(text) for text in index))

    def utf16(self, question: int, start: int, end: int) -> list[int]:
        """A span of the question's context as JavaScript counts it."""
        offsets = self.offsets[self.of_question[question]]
        return [start, end] if offsets is None else [offsets[start], offsets[end]]

    def golds(self, question: int, example: QAExample) -> list[list[int]]:
        """The distinct gold spans of a question."""
        spans = {(gold.start, gold.start + len(gold.text)) for gold in example.answers}
        return [self.utf16(question, *span) for span in sorted(spans)]


def _utf16_offsets(text: str) -> tuple[int, ...] | None:
    """Where each code point begins, and the end; ``None``: every one is one unit."""
    if not text or max(text) <= "\uffff":
        return None
    return tuple(accumulate((2 if one > "\uffff" else 1 for one in text), initial=0))


def _slice_columns(examples: Sequence[QAExample], windows: Any) -> dict[str, Any]:
    """By group: the slices' names, and for each question which of them it is in, -1 for none."""
    columns: dict[str, Any] = {}
    for one in slices(examples, windows):
        column = columns.setdefault(one.group, {"names": [], "of": np.full(len(examples), -1)})
        column["of"][one.mask] = len(column["names"])
        column["names"].append(one.name)
    return {
        group: {"names": column["names"], "of": column["of"].tolist()}
        for group, column in columns.items()
    }


def _run(label: str, record: Record, places: dict[str, int], contexts: _Contexts) -> dict[str, Any]:
    found, threshold = record.outcomes, record.report.scores.null_threshold
    order = [places[one.id] for one in found.examples]
    fault = np.full(len(found), -1)
    names: list[str] = []
    for name, mask in faults(found, threshold).items():
        fault[mask] = len(names)
        names.append(str(name))
    spans = zip(order, found.start.tolist(), found.end.tolist(), strict=True)
    odds = None if found.null_odds is None else [_short(one) for one in found.null_odds.tolist()]
    columns = {
        "span": [contexts.utf16(*span) for span in spans],
        # Where the span is unknown the text has to do.
        "text": [
            "" if end > start else text
            for text, start, end in zip(found.answers, found.start, found.end, strict=True)
        ],
        "abstains": found.abstains(threshold).astype(int).tolist(),
        "exact": found.final(found.exact, threshold).astype(int).tolist(),
        "f1": [_short(one) for one in found.final(found.f1, threshold).tolist()],
        "odds": odds,
        "fault": fault.tolist(),
    }
    inverse = np.argsort(order)
    sorted_columns = {
        name: None if column is None else [column[place] for place in inverse]
        for name, column in columns.items()
    }
    return {"label": label, "faults": names, **sorted_columns}


def _short(value: float) -> float:
    return round(value, 3)
