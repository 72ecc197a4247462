"""A made-up report, valid by the schema."""

from __future__ import annotations

import dataclasses

from qabench import reports
from qabench.losses import Owner
from qabench.reports import Report

HASH = "0" * 64
COUNTS = dict.fromkeys(
    (
        "windows",
        "tokens",
        "questions_with_overflow",
        "clipped_questions",
        "questions_without_window",
        "golds_outside_windows",
        "golds_not_on_token_borders",
    ),
    1,
)


def made_up(plugin="one", seed=0, exact=60.0, data=HASH, **changed) -> Report:
    facts = reports.DataFacts("dev.json", 4, 4, 2, 4, 0, data)
    official = {"exact": exact, "f1": exact, "total": 4, "HasAns_exact": 20.0, "HasAns_f1": 20.0}
    null = {"exact": 50.0, "f1": 50.0, "total": 4, "HasAns_exact": 0.0, "HasAns_f1": 0.0}
    random = {**null, "exact": 1.0, "f1": 5.0}
    losses = dict.fromkeys(map(str, Owner), 0.0) | {str(Owner.SEARCH): 100.0 - exact}
    report = Report(
        format=reports.FORMAT,
        created="2026-01-01T00:00:00Z",
        benchmark="tiny",
        settings={
            "training": {"learning_rate": 1e-3, "epochs": 2},
            "windows": {"max_length": 48, "overlap": 8, "max_question_tokens": 16},
        },
        seed=seed,
        train=dataclasses.replace(facts, scored=None),
        dev=facts,
        plugin=reports.PluginFacts(plugin, f"dist-{plugin}", "1", {}, 1e-3),
        backbone=reports.BackboneFacts("folder", None, HASH, HASH),
        windows={"train": COUNTS, "dev": COUNTS},
        budget=reports.Budget(
            2, 3, 4, 5, 6, 2, False, 7.5, 1.0, 0.5, 0.7, 2.3, 0.001, 0.1, 10, None
        ),
        environment=reports.Environment("3.11", "Linux", {}, "cpu", "x", "fp32", 1, 1, None),
        training_log=(),
        scores=reports.ReportScores(official, 0.0, 2, None, null, random, None, losses, None),
        weights_sha256=HASH,
        files={"predictions.json": f"{exact:.0f}".zfill(64)},
        warnings=(),
    )
    return dataclasses.replace(report, **changed)
