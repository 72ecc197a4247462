"""What the page's script needs to know about a contest: columns, and each text once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.base.arrays import Doubles, Longs
from qabench.comparison.contests import Contest
from qabench.comparison.slices import Slice
from qabench.data.examples import QAExample
from qabench.scoring.losses import Fault, faults
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.records import Record
from qabench.scoring.scores import Score
from qabench.views.page.spans import Contexts, Spans

Order = slice | NDArray[np.intp]


def contest_data(contest: Contest) -> dict[str, Any]:
    """The N questions of a contest with every run's answers: JSON types and (N,) columns.

    Raises:
        ReportError: results by question are missing.
    """
    examples = contest.outcomes.examples
    contexts = Contexts.of(examples)
    names = [(system.label, one) for system in contest.systems for one in system.records]
    records = [one for _, one in names]
    orders = [_order(one.outcomes.examples, examples) for one in records]
    spans, of_runs = _answers(records, orders)
    return {
        "contexts": contexts.texts,
        "questions": {
            "id": [one.id for one in examples],
            "text": [one.question for one in examples],
            "context": contexts.of_question,
            "golds": _golds(examples).columns(contexts),
            "unplaced": _unplaced(examples),
        },
        "kinds": _kinds(examples, contest.slices),
        "faults": [str(fault) for fault in Fault],
        "spans": spans.columns(contexts),
        "runs": [
            {"system": label, "seed": record.seed, "span": of_run, **_run(record, order)}
            for (label, record), order, of_run in zip(names, orders, of_runs, strict=True)
        ],
    }


def _order(own: Sequence[QAExample], examples: Sequence[QAExample]) -> Order:
    """Where each of the contest's questions stands among a run's own, which may be in another
    order.
    """
    if own is examples:
        return slice(None)
    places = {one.id: place for place, one in enumerate(examples)}
    return np.argsort([places[one.id] for one in own])


def _golds(examples: Sequence[QAExample]) -> Spans:
    golds = [
        (place, gold.start, gold.start + len(gold.text))
        for place, one in enumerate(examples)
        for gold in one.placed
    ]
    return Spans.distinct(*np.array(golds, np.int64).reshape(-1, 3).T)[0]


def _unplaced(examples: Sequence[QAExample]) -> dict[int, list[str]]:
    """The texts of golds whose place is not known, by the question's place."""
    return {
        place: [gold.text for gold in one.answers if gold not in one.placed]
        for place, one in enumerate(examples)
        if len(one.placed) < len(one.answers)
    }


def _answers(records: Sequence[Record], orders: Sequence[Order]) -> tuple[Spans, Longs]:
    """The spans that any of R runs found, and (R, N) which of its question's each run found."""
    runs = list(zip(records, orders, strict=True))
    start = np.stack([one.outcomes.start[order] for one, order in runs], axis=1)
    end = np.stack([one.outcomes.end[order] for one, order in runs], axis=1)
    question = np.repeat(np.arange(len(start)), len(runs))
    spans, place = Spans.distinct(question, start.ravel(), end.ravel())
    within = place - spans.first(len(start))[question]
    return spans, within.reshape(start.shape).T


def _kinds(examples: Sequence[QAExample], slices: Sequence[Slice]) -> list[dict[str, Any]]:
    """By group: the names of its kinds, and the kind of each question, -1 for none."""
    groups: dict[str, dict[str, Any]] = {}
    for one in slices:
        group = groups.setdefault(one.group, {"names": [], "of": np.full(len(examples), -1)})
        group["of"][one.mask] = len(group["names"])
        group["names"].append(one.name)
    titles = sorted({one.title for one in examples} - {""})
    index = {title: place for place, title in enumerate(titles)}
    of = np.array([index.get(one.title, -1) for one in examples])
    return [
        *({"group": name, **group} for name, group in groups.items()),
        {"group": "article", "names": titles, "of": of},
    ]


def _run(record: Record, order: Order) -> dict[str, Any]:
    """What a run answered, in the contest's order."""
    odds = record.outcomes.null_odds
    return {
        "text": _texts_without_span(record.outcomes, order),
        "state": _state(record)[order],
        "f1": np.rint(100 * record.final(Score.F1)[order]).astype(np.int64),
        "odds": None if odds is None else _odds(odds[order]),
    }


def _state(record: Record) -> Longs:
    """(N,) bits: 1 abstains, 2 is right, from 4 on the place in ``Fault``, counted from 1."""
    right = record.final(Score.EM) == 1
    state: Longs = record.outcomes.abstains(record.null_threshold) + 2 * right
    by_fault = faults(record.outcomes, record.null_threshold)
    for number, fault in enumerate(Fault, start=1):
        state[by_fault[fault]] |= 4 * number
    return state


def _odds(values: Doubles) -> dict[str, Any]:
    """Null odds in whole hundredths, as the page shows them, where these fit in 32 bits."""
    if np.abs(values).max(initial=0) < np.iinfo(np.int32).max / 100:
        return {"values": np.rint(100 * values).astype(np.int64), "per": 100}
    return {"values": values, "per": 1}


def _texts_without_span(found: Outcomes, order: Order) -> dict[int, str]:
    """By question, the answers that differ from the text of their span."""
    spans = zip(found.start.tolist(), found.end.tolist(), strict=True)
    rows = zip(found.answers, found.examples, spans, strict=True)
    differs = np.array([text != one.context[start:end] for text, one, (start, end) in rows])
    own = np.arange(len(found))[order]
    return {
        place: found.answers[int(own[place])] for place in np.flatnonzero(differs[order]).tolist()
    }
