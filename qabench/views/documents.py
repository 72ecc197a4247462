"""Comparisons as JSON documents: every number unrounded, in points where scores are in percent."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qabench.comparison.contests import Contest
from qabench.comparison.differences import Differences
from qabench.comparison.paired import Comparison
from qabench.comparison.side_by_side import Difference, Flip, SideBySide

_POINTS = ("margin", "difference", "interval", "own_interval", "standard_error", "detectable")


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """All that is known of one comparison."""
    document = asdict(comparison)
    for name in _POINTS:
        document[name] = _points(document[name])
    return document


def _points(value: float | tuple[float, float] | None) -> float | list[float] | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return [100 * one for one in value]
    return 100 * value


def differences_document(found: Differences) -> dict[str, Any]:
    """Every comparison of a contest, by measure."""
    measures = [
        {
            "measure": one.measure.key,
            "asked": one.measure.asked,
            "label": one.measure.label,
            "comparisons": [comparison_document(each) for each in one.comparisons],
        }
        for one in found.measured
    ]
    return {"problem": found.problem or None, "measures": measures}


def side_by_side_document(
    found: SideBySide, contest: Contest, slices: int | None, flips: int | None
) -> dict[str, Any]:
    """Two systems of a contest, with so many slices and flipped questions; ``None``: all."""
    return {
        "title": contest.title,
        "a": {"label": found.a.label, "seeds": found.a.seeds},
        "b": {"label": found.b.label, "seeds": found.b.seeds},
        "equal_budgets": found.equal_budgets,
        "unfinished": [one.note for one in contest.unfinished],
        "differences": differences_document(found.differences),
        "overall": [_difference(one) for one in found.overall],
        "by_seed": [{"seed": seed, **asdict(test)} for seed, test in found.by_seed],
        "faults": [_pair(one) for one in found.faults],
        "losses": [_pair(one) for one in found.losses],
        "ceilings": [_pair(one) for one in found.ceilings],
        "slices": [_difference(one) for one in found.by_slice[:slices]],
        "flips": [_flip(one) for one in found.flips[:flips]],
    }


def _pair(one: tuple[str, float, float]) -> dict[str, Any]:
    return {"name": one[0], "a": one[1], "b": one[2]}


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "name": one.name,
        "questions": one.questions,
        "a": one.a,
        "b": one.b,
        "comparison": comparison_document(one.comparison),
    }


def _flip(one: Flip) -> dict[str, Any]:
    return {
        "id": one.example.id,
        "title": one.example.title,
        "question": one.example.question,
        "golds": [gold.text for gold in one.example.answers],
        "right_a": one.a,
        "right_b": one.b,
        "answer_a": one.answer_a,
        "answer_b": one.answer_b,
    }
