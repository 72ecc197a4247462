"""SQuAD v2 scoring the slow and obvious way, for comparison; it shares no code with qabench."""

from __future__ import annotations

import re
import string
from collections import Counter


def words(text: str) -> list[str]:
    kept = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def exact(gold: str, answer: str) -> int:
    return int(words(gold) == words(answer))


def f1(gold: str, answer: str) -> float:
    golds, answers = words(gold), words(answer)
    if not golds or not answers:
        return int(golds == answers)
    common = sum((Counter(golds) & Counter(answers)).values())
    if common == 0:
        return 0
    precision, recall = 1.0 * common / len(answers), 1.0 * common / len(golds)
    return (2 * precision * recall) / (precision + recall)


def evaluate(golds: dict, answers: dict, odds: dict | None = None, threshold: float = 1.0) -> dict:
    """Golds: id to list of texts, in the order of the data."""
    raw = {"exact": {}, "f1": {}}
    for id, texts in golds.items():
        accepted = [text for text in texts if words(text)] or [""]
        raw["exact"][id] = max(exact(text, answers[id]) for text in accepted)
        raw["f1"][id] = max(f1(text, answers[id]) for text in accepted)
    given = dict.fromkeys(golds, 0.0) if odds is None else odds
    final = {
        name: {
            id: float(not golds[id]) if given[id] > threshold else score
            for id, score in scores.items()
        }
        for name, scores in raw.items()
    }
    result: dict = {}
    parts = {
        "": list(golds),
        "HasAns_": [id for id in golds if golds[id]],
        "NoAns_": [id for id in golds if not golds[id]],
    }
    for prefix, ids in parts.items():
        if ids:
            for name in ("exact", "f1"):
                result[prefix + name] = 100.0 * sum(final[name][id] for id in ids) / len(ids)
            result[prefix + "total"] = len(ids)
    if odds is not None:
        for name in ("exact", "f1"):
            best, at = best_threshold(golds, answers, raw[name], odds)
            result[f"best_{name}"], result[f"best_{name}_thresh"] = best, at
    return result


def average_precisions(golds: dict, answers: dict, odds: dict) -> dict:
    """What the script adds when it draws curves; every id of ``odds`` must be a question."""
    accepted = {id: [one for one in texts if words(one)] or [""] for id, texts in golds.items()}
    raw = {
        "exact": {id: max(exact(one, answers[id]) for one in accepted[id]) for id in golds},
        "f1": {id: max(f1(one, answers[id]) for one in accepted[id]) for id in golds},
        "oracle": {id: float(bool(golds[id])) for id in golds},
    }
    answerable = sum(1 for texts in golds.values() if texts)
    if not answerable:
        return {}
    ids = sorted(odds, key=lambda one: odds[one])
    result = {}
    for name, scores in raw.items():
        right, recall, area = 0.0, 0.0, 0.0
        for number, id in enumerate(ids, start=1):
            if golds[id]:
                right += scores[id]
            if number == len(ids) or odds[id] != odds[ids[number]]:
                area += right / number * (right / answerable - recall)
                recall = right / answerable
        result[f"pr_{name}_ap"] = 100.0 * area
    return result


def best_threshold(golds: dict, answers: dict, scores: dict, odds: dict) -> tuple[float, float]:
    now = sum(1 for texts in golds.values() if not texts)
    best, at = now, 0.0
    for id in sorted(odds, key=lambda one: odds[one]):
        if id not in golds:
            continue
        if golds[id]:
            now += scores[id]
        elif answers[id]:
            now -= 1
        if now > best:
            best, at = now, odds[id]
    return 100.0 * best / len(scores), at
