"""Compute a report's numbers again from the files beside it, and name what does not match."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qabench.base.files import sha256
from qabench.base.json_files import JSONError, read_own_json
from qabench.base.terminal import safe
from qabench.base.untrusted import inside
from qabench.base.validation import dotted
from qabench.data.examples import ExampleSet, fingerprint
from qabench.data.halves import split_questions
from qabench.data.overlap import Overlap
from qabench.errors import QABenchError, ReportError
from qabench.plugins.discovery import discover
from qabench.reports import report_file
from qabench.reports.report import Report, ReportScores
from qabench.runs import belongings
from qabench.runs.caveats import caveats
from qabench.runs.crosscheck import contradictions
from qabench.scoring import outcomes
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.plugin_metrics import Measured, measure
from qabench.scoring.scorecard import report_scores
from qabench.scoring.scores import Score

if TYPE_CHECKING:
    from qabench.runs.from_model import Again

# Sums differ in their last digits between versions of Python.
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of checking a report.

    Attributes:
        path: of the report, as it was given.
        verdict: in a few words.
        problems: a sentence for each thing that its files contradict; empty if it is true.
        unverified: a sentence for each thing that cannot be checked here.
        trained: whether it is of a run, whose model can predict again.
    """

    path: Path
    verdict: str
    problems: tuple[str, ...]
    unverified: tuple[str, ...] = ()
    trained: bool = False


def verify(path: Path) -> Verification:
    """:func:`verify_all` for one report, without its model."""
    return verify_all([path])[0]


def verify_all(paths: Sequence[Path], from_model: bool = False) -> list[Verification]:
    """Compute what reports say again, and compare them with each other.

    Args:
        paths: report files, or their run directories.
        from_model: whether the answers are predicted again from each ``model/``. That comes
            first, before any golds are read into this process.
    """
    read = [_read(path) for path in paths]
    known = [one for one in read if isinstance(one, _Claim)]
    predicted = {one.file: _predicted(one) for one in known} if from_model else {}
    return [
        _verified(one, known, predicted.get(one.file)) if isinstance(one, _Claim) else one
        for one in read
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Claim:
    """A report to check, where it was asked for, and where it is."""

    path: Path
    file: Path
    report: Report


def _read(path: Path) -> _Claim | Verification:
    file = path / report_file.FILE_NAME if path.is_dir() else path
    try:
        return _Claim(path, file, report_file.read(file))
    except QABenchError as error:
        return Verification(path, "cannot be checked", (str(error),))


def _verified(
    claim: _Claim, known: Sequence[_Claim], predicted: Again | QABenchError | None
) -> Verification:
    problems, unverified = _checked(claim.report, claim.file, predicted)
    problems += _copies(claim, known)
    right = "verified" if predicted is None else "verified, with the answers of its model"
    return Verification(
        path=claim.path,
        verdict="does not match its files" if problems else right,
        problems=tuple(problems),
        unverified=tuple(unverified),
        trained=claim.report.budget is not None,
    )


def _predicted(claim: _Claim) -> Again | QABenchError:
    """What its model answers, or why it cannot answer."""
    # torch takes seconds to import, and only this needs it.
    from qabench.runs.from_model import predict_again

    try:
        return predict_again(claim.report, claim.file.parent)
    except QABenchError as error:
        return error


def _checked(
    report: Report, file: Path, predicted: Again | QABenchError | None
) -> tuple[list[str], list[str]]:
    """Problems, and what cannot be checked here."""
    folder = file.parent
    problems, unverified = [*_seal(file), *_files(report, folder)], list[str]()
    try:
        problems += contradictions(report, folder)
        found = outcomes.read(folder / outcomes.FILE_NAME)
        again = found.rescored()
        measured = _measured(report, again)
        scores = report_scores(again, report.scores.null_threshold)
        unverified += _unverified(report, measured)
        problems += _questions(report, found)
        problems += _by_question(found, again)
        problems += _predictions(report, again, folder)
        problems += _scores(report, scores)
        problems += _caveats(report, scores, again)
        problems += _metrics(report, measured)
        if isinstance(predicted, QABenchError):
            problems.append(f"It cannot be predicted again from model/: {predicted}")
        elif predicted is not None:
            from qabench.runs.from_model import differences

            problems += differences(predicted, report, found)
            unverified += predicted.doubts
    except QABenchError as error:
        problems.append(str(error))
    return problems, unverified


def _copies(claim: _Claim, known: Sequence[_Claim]) -> Iterator[str]:
    """Other reports of the same training that name another seed or head."""
    report = claim.report
    for one in known:
        other = one.report
        differs = (other.seed, other.plugin.name) != (report.seed, report.plugin.name)
        if differs and report.is_training_of(other):
            yield (
                f"It is the same training as {one.path}, which is called {other.plugin.name} seed "
                f"{other.seed}: one of them is a copy."
            )


def _seal(file: Path) -> Iterator[str]:
    if problem := report_file.broken_seal(file):
        yield problem


def _measured(report: Report, found: Outcomes) -> Measured:
    if not report.metrics:
        return Measured({}, ())
    return measure(found, report.scores.null_threshold)


def _unverified(report: Report, measured: Measured) -> Iterator[str]:
    if report.metrics.keys() <= measured.values.keys():
        return
    reasons = {one.distribution: f"its plugin is broken: {one.reason}" for one in discover().broken}
    reasons |= {one.plugin.distribution: str(one) for one in measured.failures}
    unknown = "no installed plugin computes it; install that distribution"
    for key, one in report.metrics.items():
        if key not in measured.values:
            yield safe(
                f"Not verified: metric {key} of {one.distribution} {one.version}, because "
                f"{reasons.get(one.distribution, unknown)}."
            )


def _files(report: Report, folder: Path) -> Iterator[str]:
    for name, digest in report.files.items():
        try:
            path = inside(folder, name)
        except ReportError as error:
            yield str(error)
            continue
        if not path.is_file():
            # A model may be deleted to save space: no score needs it.
            if not name.startswith("model/"):
                yield f"{name} is missing."
        elif sha256(path) != digest:
            yield f"{name} is not the file that the report was made from: its sha256 differs."
    for name in sorted(belongings.required(report, folder) - report.files.keys()):
        yield safe(f"The report has no sha256 of {name}.")


def _questions(report: Report, found: Outcomes) -> Iterator[str]:
    dev = report.dev
    facts = {
        "dev.fingerprint": (dev.fingerprint, fingerprint(found.examples)),
        "dev.questions": (dev.questions, len(found)),
        "dev.scored": (dev.scored, len(found)),
        "dev.answerable": (dev.answerable, int(found.has_answer.sum())),
    }
    for name, (said, is_) in facts.items():
        if said != is_:
            yield f"{name} is {said}, but the questions give {is_}."
    seed = report.settings.get("data", {}).get("split_seed", 0)
    if not np.array_equal(found.tune, split_questions(found.examples, seed)):
        yield f"The tune half is not that of split_seed {seed}."


def _by_question(found: Outcomes, again: Outcomes) -> Iterator[str]:
    for score in Score:
        stored, computed = found.raw(score), again.raw(score)
        wrong = np.flatnonzero(~np.isclose(stored, computed, rtol=_RELATIVE, atol=0))
        if len(wrong):
            first = int(wrong[0])
            yield (
                f"{score} of {len(wrong)} questions is not what their answers score (first: "
                f"{found.examples[first].id!r} is {stored[first]:g}, scores {computed[first]:g})."
            )


def _predictions(report: Report, found: Outcomes, folder: Path) -> Iterator[str]:
    ids = [one.id for one in found.examples]
    odds = None if found.null_odds is None else found.null_odds.tolist()
    for name, expected in (
        ("predictions.json", found.final_answers(report.scores.null_threshold)),
        ("raw_predictions.json", found.answers),
        ("null_odds.json", odds),
    ):
        if name in report.files and expected is not None:
            stored = _object(inside(folder, name))
            if stored != dict(zip(ids, expected, strict=True)):
                yield f"{name} does not agree with {outcomes.FILE_NAME}."
    if "nbest_predictions.json" in report.files and found.n_best_exact is not None:
        lists = _object(inside(folder, "nbest_predictions.json"))
        listed = [_listed_texts(lists.get(one.id)) for one in found.examples]
        best = outcomes.best_exact(found.golds, listed, found.answers)
        if not np.array_equal(found.n_best_exact, best):
            yield f"nbest_predictions.json does not agree with {outcomes.FILE_NAME}."


def _object(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = read_own_json(path, {"type": "object"})
    except JSONError:
        return {}
    return found


def _listed_texts(candidates: object) -> set[str]:
    """The texts of an n-best list, without the null answer and without entries that are invalid."""
    rows = candidates if isinstance(candidates, list) else []
    spans = [(one.get("text"), one.get("end")) for one in rows if isinstance(one, dict)]
    return {
        text for text, end in spans if isinstance(text, str) and isinstance(end, int) and end > 0
    }


def _scores(report: Report, scores: ReportScores) -> Iterator[str]:
    said, computed = dotted(asdict(report.scores)), dotted(asdict(scores))
    for key in sorted(said.keys() | computed.keys()):
        a, b = said.get(key), computed.get(key)
        if not _same(a, b):
            yield f"scores.{key} is {a}, but the results by question give {b}."


def _caveats(report: Report, scores: ReportScores, found: Outcomes) -> Iterator[str]:
    # What a plugin failed in is known only to the run.
    said = [one for one in report.warnings if not one.startswith("Hook ")]
    expected = expected_caveats(report, scores, found)
    for one in expected:
        if one not in said:
            yield safe(f"warnings lack {one!r}.")
    for one in said:
        if one not in expected:
            yield safe(f"warnings have {one!r}, which is not so.")


def expected_caveats(report: Report, scores: ReportScores, found: Outcomes) -> list[str]:
    """The warnings that follow from a report, these scores and these questions."""
    skipped = report.dev.skipped + (0 if report.train is None else report.train.skipped)
    outside = report.windows.get("dev", {}).get("golds_outside_windows", 0)
    data = ExampleSet(found.examples, report.dev.source, ())
    shared = None if report.overlap is None else Overlap(**report.overlap)
    return caveats(scores, data, skipped, outside, shared)


def _metrics(report: Report, measured: Measured) -> Iterator[str]:
    computed = measured.values
    for key in sorted(report.metrics.keys() & computed.keys()):
        said, is_ = report.metrics[key], computed[key]
        if not _same(said.value, is_.value):
            yield safe(
                f"metrics.{key} is {said.value} by {said.distribution} {said.version}, but "
                f"{is_.distribution} {is_.version} computes {is_.value}."
            )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=_RELATIVE, abs_tol=1e-12)
    return bool(a == b)
