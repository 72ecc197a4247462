"""Metrics of plugins, computed from the results by question."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Real

from qabench.base.terminal import safe
from qabench.plugins.calling import Contribution, HookFailure, attempt, contributions
from qabench.plugins.discovery import NAME
from qabench.plugins.hookspecs import MetricSpec, ScoredQuestion
from qabench.reports.report import MetricFacts
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.scores import Score

HOOK = "qabench_metrics"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the metrics of installed plugins give.

    Attributes:
        values: by distribution and name, as ``distribution/name``.
        failures: one for each metric that has no value, and for each hook.
    """

    values: Mapping[str, MetricFacts]
    failures: tuple[HookFailure, ...]


def measure(found: Outcomes, null_threshold: float) -> Measured:
    """Compute the metrics of all installed plugins from results by question."""
    questions = _questions(found, null_threshold)
    values: dict[str, MetricFacts] = {}
    failures: list[HookFailure] = []
    for one in contributions(HOOK, MetricSpec):
        if isinstance(one, HookFailure):
            failures.append(one)
            continue
        key = f"{one.plugin.distribution}/{one.value.name}"
        if key in values:
            failures.append(HookFailure(one.plugin, HOOK, f"{key}: it has this name twice"))
            continue
        facts = attempt(one.plugin, HOOK, partial(_facts, one, questions), f"{key}: ")
        if isinstance(facts, HookFailure):
            failures.append(facts)
        else:
            values[key] = facts
    return Measured(values, tuple(failures))


def _questions(found: Outcomes, null_threshold: float) -> tuple[ScoredQuestion, ...]:
    size = len(found)
    odds = [None] * size if found.null_odds is None else found.null_odds.tolist()
    finals = found.final_answers(null_threshold)
    scores = (found.final(score, null_threshold).tolist() for score in Score)
    columns = (found.examples, finals, found.answers, odds, *scores)
    return tuple(ScoredQuestion(*row) for row in zip(*columns, strict=True))


def _facts(one: Contribution[MetricSpec], questions: tuple[ScoredQuestion, ...]) -> MetricFacts:
    spec = one.value
    if not isinstance(spec.name, str) or not NAME.fullmatch(spec.name):
        raise ValueError("its name is not made of letters, digits, '_' and '-'")
    value = spec.compute(questions)
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"it is {value!r}, not a finite number")
    summary = safe(str(spec.summary))
    return MetricFacts(float(value), summary, one.plugin.distribution, one.plugin.version)
