"""The official SQuAD v2.0 script's way to score, as functions and as a command.

Behaviour of ``evaluate-v2.0.py``: every text is normalized again for each metric and each gold.
As a command: ``official.py data.json predictions.json null_odds.json``.
"""

from __future__ import annotations

import collections
import json
import re
import string
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

# The script imports it whether it plots or not.
import numpy as np  # noqa: F401

Scores = dict[str, float]


def normalize(text: str) -> str:
    """Lower case, no punctuation, no articles, single spaces."""

    def without_articles(text: str) -> str:
        return re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text)

    def without_punctuation(text: str) -> str:
        excluded = set(string.punctuation)
        return "".join(letter for letter in text if letter not in excluded)

    return " ".join(without_articles(without_punctuation(text.lower())).split())


def _words(text: str) -> list[str]:
    return normalize(text).split() if text else []


def _exact(gold: str, answer: str) -> int:
    return int(normalize(gold) == normalize(answer))


def _f1(gold: str, answer: str) -> float:
    golds, answers = _words(gold), _words(answer)
    common = collections.Counter(golds) & collections.Counter(answers)
    same = sum(common.values())
    if not golds or not answers:
        return int(golds == answers)
    if same == 0:
        return 0
    precision = 1.0 * same / len(answers)
    recall = 1.0 * same / len(golds)
    return (2 * precision * recall) / (precision + recall)


def evaluate(
    golds: Mapping[str, Sequence[str]],
    answers: Mapping[str, str],
    null_odds: Mapping[str, float],
    threshold: float = 1.0,
) -> Scores:
    """All scores of one prediction file.

    Args:
        golds: texts of each question, none where it has no answer.
        answers: by question id.
        null_odds: by question id.
        threshold: null odds above it count as no answer.
    """
    exact, f1 = {}, {}
    for id, texts in golds.items():
        accepted = [text for text in texts if normalize(text)] or [""]
        exact[id] = max(_exact(gold, answers[id]) for gold in accepted)
        f1[id] = max(_f1(gold, answers[id]) for gold in accepted)
    has_answer = {id: bool(texts) for id, texts in golds.items()}
    final_exact = _thresholded(exact, null_odds, has_answer, threshold)
    final_f1 = _thresholded(f1, null_odds, has_answer, threshold)
    result = _summary(final_exact, final_f1, list(golds), "")
    for prefix, wanted in (("HasAns_", True), ("NoAns_", False)):
        ids = [id for id, has in has_answer.items() if has == wanted]
        if ids:
            result |= _summary(final_exact, final_f1, ids, prefix)
    for name, scores in (("exact", exact), ("f1", f1)):
        best, at = _best_threshold(answers, scores, null_odds, has_answer)
        result[f"best_{name}"], result[f"best_{name}_thresh"] = best, at
    return result


def _thresholded(
    scores: Mapping[str, float],
    null_odds: Mapping[str, float],
    has_answer: Mapping[str, bool],
    threshold: float,
) -> Scores:
    return {
        id: float(not has_answer[id]) if null_odds[id] > threshold else score
        for id, score in scores.items()
    }


def _summary(exact: Scores, f1: Scores, ids: Sequence[str], prefix: str) -> Scores:
    total = len(ids)
    return {
        f"{prefix}exact": 100.0 * sum(exact[id] for id in ids) / total,
        f"{prefix}f1": 100.0 * sum(f1[id] for id in ids) / total,
        f"{prefix}total": total,
    }


def _best_threshold(
    answers: Mapping[str, str],
    scores: Mapping[str, float],
    null_odds: Mapping[str, float],
    has_answer: Mapping[str, bool],
) -> tuple[float, float]:
    current = best = float(sum(1 for id in has_answer if not has_answer[id]))
    best_threshold = 0.0
    for id in sorted(null_odds, key=lambda one: null_odds[one]):
        if id not in scores:
            continue
        if has_answer[id]:
            current += scores[id]
        else:
            current += -1 if answers[id] else 0
        if current > best:
            best, best_threshold = current, null_odds[id]
    return 100.0 * best / len(scores), best_threshold


def main() -> None:
    """Score the files that the command line names."""
    data, answers, null_odds = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:])
    golds = {
        question["id"]: [gold["text"] for gold in question["answers"]]
        for article in data["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    }
    print(json.dumps(evaluate(golds, answers, null_odds), indent=2))


if __name__ == "__main__":
    main()
