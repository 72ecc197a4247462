"""What the page's script needs to know about a contest: columns, each text once, UTF-16 offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.base.arrays import Doubles, Longs
from qabench.comparison.contests import Contest
from qabench.comparison.plugin_slices import every_slice
from qabench.data.examples import QAExample
from qabench.scoring.losses import Fault, faults
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.records import Record
from qabench.scoring.scores import Score


def contest_data(contest: Contest) -> dict[str, Any]:
    """The questions of a contest with every run's answers, as JSON types.

    Raises:
        ReportError: results by question are missing.
    """
    examples = contest.outcomes.examples
    contexts = _Contexts.of(examples)
    places = {one.id: place for place, one in enumerate(examples)}
    return {
        "contexts": list(contexts.texts),
        "questions": {
            "id": [one.id for one in examples],
            "text": [one.question for one in examples],
            "context": list(contexts.of_question),
            "golds": [contexts.golds(place, one) for place, one in enumerate(examples)],
        },
        "kinds": _kinds(examples, contest.outcomes.windows),
        "faults": [str(fault) for fault in Fault],
        "runs": [
            {"system": system.label, "seed": record.seed, **_run(record, places, contexts)}
            for system in contest.systems
            for record in system.records
        ],
    }


@dataclass(frozen=True, slots=True)
class _Contexts:
    """Distinct contexts, and where they need it the UTF-16 offset of each code point."""

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
    """Where each code point starts, and the end; ``None``: each code point is one unit."""
    if not text or max(text) <= "\uffff":
        return None
    return tuple(accumulate((2 if one > "\uffff" else 1 for one in text), initial=0))


def _kinds(examples: Sequence[QAExample], windows: Any) -> dict[str, Any]:
    """By group: the names of its kinds, and the kind of each question, -1 for none."""
    groups: dict[str, Any] = {}
    for one in every_slice(examples, windows):
        group = groups.setdefault(one.group, {"names": [], "of": np.full(len(examples), -1)})
        group["of"][one.mask] = len(group["names"])
        group["names"].append(one.name)
    kinds = {name: {**group, "of": group["of"].tolist()} for name, group in groups.items()}
    titles = sorted({one.title for one in examples} - {""})
    index = {title: place for place, title in enumerate(titles)}
    return kinds | {
        "article": {"names": titles, "of": [index.get(one.title, -1) for one in examples]}
    }


def _run(record: Record, places: dict[str, int], contexts: _Contexts) -> dict[str, Any]:
    """Columns of a run by question, in the contest's order."""
    found = record.outcomes
    # A run may have the questions in another order: its place of each of the contest's questions.
    order = np.argsort([places[one.id] for one in found.examples])
    spans = [
        contexts.utf16(question, int(found.start[place]), int(found.end[place]))
        for question, place in enumerate(order)
    ]
    return {
        "start": [start for start, _ in spans],
        "end": [end for _, end in spans],
        "text": _texts_without_span(found, order),
        "abstains": found.abstains(record.null_threshold)[order].astype(int).tolist(),
        "exact": record.final(Score.EM)[order].astype(int).tolist(),
        "f1": _short(record.final(Score.F1)[order]),
        "odds": None if found.null_odds is None else _short(found.null_odds[order]),
        "fault": _fault(record)[order].tolist(),
    }


def _fault(record: Record) -> Longs:
    """(N,) the place in ``Fault`` of each question's fault, -1 for none."""
    found = np.full(len(record.outcomes), -1)
    by_fault = faults(record.outcomes, record.null_threshold)
    for number, name in enumerate(Fault):
        found[by_fault[name]] = number
    return found


def _texts_without_span(found: Outcomes, order: NDArray[np.intp]) -> dict[int, str]:
    """By question, the answers that differ from the text of their span."""
    return {
        question: found.answers[place]
        for question, place in enumerate(order)
        if found.answers[place]
        != found.examples[place].context[found.start[place] : found.end[place]]
    }


def _short(values: Doubles) -> list[float]:
    """Values with the decimals that the page shows, so that nothing is rounded twice."""
    return values.round(2).tolist()  # type: ignore[no-any-return]
