"""run_qa's way from logits to answers: the 20 best starts by the 20 best ends of each feature.

Behaviour of the question-answering example's post-processing with unanswerable questions: for each
question its features are looked up one by one in the data set, every pair of a good start and a
good end is tried, and the n-best list is made of dictionaries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

Logits = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """Answers, null score minus best score, and n-best lists, by question id."""

    answers: dict[str, str]
    null_odds: dict[str, float]
    n_best: dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Rules:
    """Entries of a list, longest answer in tokens, and the threshold on null odds."""

    n_best: int
    max_answer_tokens: int
    null_threshold: float


def postprocess(
    rows: Dataset, features: Dataset, start: Logits, end: Logits, rules: Rules
) -> Found:
    """Answers from the start and end logits (N, L) of all features."""
    place = {id: index for index, id in enumerate(rows["id"])}
    features_of = defaultdict(list)
    for index, feature in enumerate(features):
        features_of[place[feature["example_id"]]].append(index)
    found = Found({}, {}, {})
    for index, row in enumerate(rows):
        candidates: list[dict[str, Any]] = []
        null: dict[str, Any] | None = None
        for at in features_of[index]:
            offsets = features[at]["offset_mapping"]
            score = start[at][0] + end[at][0]
            if null is None or null["score"] > score:
                null = {"offsets": (0, 0), "score": score}
            candidates.extend(_pairs(start[at], end[at], offsets, rules))
        assert null is not None, "every question has a feature"
        _answer(row["id"], row["context"], candidates, null, rules, found)
    return found


def _pairs(
    start: Logits, end: Logits, offsets: Sequence[Any], rules: Rules
) -> list[dict[str, Any]]:
    starts = np.argsort(start)[-1 : -rules.n_best - 1 : -1].tolist()
    ends = np.argsort(end)[-1 : -rules.n_best - 1 : -1].tolist()
    pairs = []
    for first in starts:
        for last in ends:
            if first >= len(offsets) or last >= len(offsets):
                continue
            if not offsets[first] or not offsets[last]:
                continue
            if last < first or last - first + 1 > rules.max_answer_tokens:
                continue
            pairs.append(
                {
                    "offsets": (offsets[first][0], offsets[last][1]),
                    "score": start[first] + end[last],
                    "start_logit": start[first],
                    "end_logit": end[last],
                }
            )
    return pairs


def _answer(
    id: str,
    context: str,
    candidates: list[dict[str, Any]],
    null: dict[str, Any],
    rules: Rules,
    found: Found,
) -> None:
    best = sorted([*candidates, null], key=lambda one: one["score"], reverse=True)[: rules.n_best]
    if all(one["offsets"] != (0, 0) for one in best):
        best.append(null)
    for one in best:
        low, high = one.pop("offsets")
        one["text"] = context[low:high]
    scores = np.array([one["score"] for one in best])
    weights = np.exp(scores - scores.max())
    for one, probability in zip(best, weights / weights.sum(), strict=True):
        one["probability"] = probability
    nothing: dict[str, Any] = {"text": "empty", "score": 0.0}
    answer = next((one for one in best if one["text"]), nothing)
    odds = float(null["score"] - answer["score"])
    found.null_odds[id] = odds
    found.answers[id] = "" if odds > rules.null_threshold else answer["text"]
    found.n_best[id] = [
        {
            key: float(value) if isinstance(value, np.floating) else value
            for key, value in one.items()
        }
        for one in best
    ]
