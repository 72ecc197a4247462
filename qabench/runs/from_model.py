"""The answers of a run, predicted again from its saved model: who answered, not only what scores.

The questions are read without golds, so no head can know them while it predicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from qabench.base.json_files import JSONError, read_own_json
from qabench.base.terminal import safe, shortened
from qabench.base.untrusted import inside, refuse_outside
from qabench.benchmarks.settings import BackboneSettings, Benchmark, of_dict
from qabench.data.examples import QAExample
from qabench.errors import PluginError, ReportError
from qabench.plugins.discovery import InstalledHead, discover
from qabench.plugins.source import source_hash
from qabench.reports.report import Report
from qabench.runs import belongings
from qabench.scoring import outcomes
from qabench.scoring.outcomes import Outcomes
from qabench.training.backbone import TokenizerFacts, load_encoder, load_tokenizer, weights_hash
from qabench.training.fit import fitted
from qabench.training.hardware import parameter_count
from qabench.training.model import QAModel
from qabench.training.prediction import load_head, predict
from qabench.windows.answers import Answers, are_possible, merge_windows
from qabench.windows.cutting import Windows, make_windows

# Largest difference of null odds and scores: sums are taken in another order on another machine.
TOLERANCE = {"fp32": 1e-4}
_HALF_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """What the saved model of a run answers.

    Attributes:
        benchmark: the settings that the model was saved with.
        tokenizer: that was saved with it.
        answers: to the questions of the run.
        weights_sha256: of encoder and head.
        trainable_parameters: of encoder and head.
        head_parameters: of the head only.
        doubts: what could not be compared, a sentence each.
    """

    benchmark: Benchmark
    tokenizer: TokenizerFacts
    answers: Answers
    weights_sha256: str
    trainable_parameters: int
    head_parameters: int
    doubts: tuple[str, ...]


def predict_again(report: Report, folder: Path) -> Again:
    """Answer the questions of a run directory with its saved model and the installed head.

    Raises:
        QABenchError: the model is missing or damaged, its head is not installed, or the machine
            cannot compute as the run did.
    """
    device, precision = _hardware(report)
    if report.backbone is None:
        raise ReportError("it names no encoder.")
    identity = _identity(folder)
    benchmark = of_dict(identity["benchmark"])
    head = discover().head(identity["plugin"]["name"])
    if head.distribution != report.plugin.distribution:
        raise ReportError(
            f"plugin.distribution is {report.plugin.distribution!r}, but {head.name} is installed "
            f"from {head.distribution!r}."
        )
    place = _model_place(folder, benchmark)
    encoder = load_encoder(place)
    tokenizer, _ = fitted(load_tokenizer(place), encoder, place.name)
    built = head.build(encoder.hidden_size, head.options(identity["plugin"]["options"]))
    load_head(built, folder / belongings.MODEL / "head.safetensors")
    rules = benchmark.answers
    model = QAModel(encoder.model, built, rules.n_best, rules.max_answer_tokens, str(head))
    weights_sha256 = weights_hash(model.state_dict())
    if benchmark.training.threads is not None:
        torch.set_num_threads(benchmark.training.threads)
    examples = outcomes.read_questions(folder / outcomes.FILE_NAME)
    windows = _windows(examples, tokenizer, benchmark)
    spans = predict(model, windows, benchmark.training.eval_batch_size, device, precision)
    if not are_possible(spans, windows):
        raise PluginError(f"{head} returned spans outside their contexts.")
    return Again(
        benchmark=benchmark,
        tokenizer=tokenizer,
        answers=merge_windows(examples, windows, spans, rules),
        weights_sha256=weights_sha256,
        trainable_parameters=parameter_count(model),
        head_parameters=parameter_count(built),
        doubts=tuple(_other_code(report, head)),
    )


def _hardware(report: Report) -> tuple[str, str]:
    """Device and precision of the prediction; half precision only means the same on one device."""
    if report.budget is None or report.environment is None:
        raise ReportError("it is an import, and has no model to predict from.")
    device, precision = report.environment.device, report.environment.precision
    found = torch.accelerator.current_accelerator()
    here = {"cpu"} | ({found.type} if found is not None else set())
    if device in here:
        return device, precision
    if precision != "fp32":
        raise ReportError(
            f"it was predicted on {device} in {precision}, which only {device} repeats; verify it "
            f"on such a machine."
        )
    return "cpu", precision


_SCHEMA = {
    "type": "object",
    "required": ["benchmark", "plugin"],
    "properties": {
        "benchmark": {"type": "object"},
        "plugin": {
            "type": "object",
            "required": ["name", "options"],
            "properties": {"name": {"type": "string"}, "options": {"type": "object"}},
        },
    },
}


def _identity(folder: Path) -> dict[str, Any]:
    for path in (folder / belongings.MODEL).rglob("*"):
        inside(folder, path.relative_to(folder).as_posix())
    path = folder / belongings.MODEL_IDENTITY
    refuse_outside(path)
    try:
        found: dict[str, Any] = read_own_json(path, _SCHEMA)
    except JSONError as error:
        raise ReportError(f"{error}; the model of a run is needed.") from error
    return found


def _model_place(folder: Path, benchmark: Benchmark) -> BackboneSettings:
    return BackboneSettings(
        name=str((folder / belongings.MODEL).resolve()), lowercase=benchmark.backbone.lowercase
    )


def _windows(
    examples: tuple[QAExample, ...], tokenizer: TokenizerFacts, benchmark: Benchmark
) -> Windows:
    return make_windows(examples, tokenizer.encoder, tokenizer.template, benchmark.windows)


def _other_code(report: Report, head: InstalledHead) -> Iterator[str]:
    if source_hash(head) != report.plugin.source_sha256:
        yield (
            f"Not verified: the code of {head.name}, because that of the run "
            f"({report.plugin.version}) is not the installed one ({head.version})."
        )


def differences(again: Again, report: Report, found: Outcomes) -> Iterator[str]:
    """A sentence for each thing in which a run is not what its model answers.

    Args:
        again: what the model answers.
        report: of the run.
        found: what its ``questions.parquet`` says.
    """
    assert report.budget is not None
    assert report.backbone is not None
    for name, said, is_ in (
        ("weights_sha256", report.weights_sha256, again.weights_sha256),
        (
            "backbone.tokenizer_sha256",
            report.backbone.tokenizer_sha256,
            again.tokenizer.fingerprint,
        ),
        (
            "budget.trainable_parameters",
            report.budget.trainable_parameters,
            again.trainable_parameters,
        ),
        ("budget.head_parameters", report.budget.head_parameters, again.head_parameters),
    ):
        if said != is_:
            yield f"{name} is {said}, but that of model/ is {is_}."
    yield from _answers(again, report, found)
    yield from _of_windows(again, report, found)


def _answers(again: Again, report: Report, found: Outcomes) -> Iterator[str]:
    best = again.answers.best
    assert report.environment is not None
    tolerance = TOLERANCE.get(report.environment.precision, _HALF_TOLERANCE)
    other = [
        index
        for index in np.flatnonzero((best.start != found.start) | (best.end != found.end)).tolist()
        if not _ties(again.answers, index, (found.start[index], found.end[index]), tolerance)
    ]
    texts = [one.context[start:end] for one, start, end in _spans(found)]
    other += [index for index, text in enumerate(texts) if text != found.answers[index]]
    if other:
        first = other[0]
        said, is_ = found.answers[first], list(best.text_by_id().values())[first]
        id = found.examples[first].id
        yield (
            f"{len(set(other))} of {len(found)} answers are not the model's (first: {id!r} is "
            f"{_shown(said)}, the model answers {_shown(is_)})."
        )
    if found.null_odds is None:
        yield f"{outcomes.FILE_NAME} has no null odds, but the model gives some."
        return
    far = np.abs(best.null_odds - found.null_odds)
    wrong = ~(far <= tolerance)
    if wrong.any():
        yield (
            f"The null odds of {int(wrong.sum())} of {len(found)} questions are not the model's; "
            f"they differ by up to {far.max():.3g}."
        )


def _spans(found: Outcomes) -> Iterator[tuple[QAExample, int, int]]:
    return zip(found.examples, found.start.tolist(), found.end.tolist(), strict=True)


def _ties(answers: Answers, question: int, span: tuple[int, int], tolerance: float) -> bool:
    """Whether a span scores as well as the best one: another machine may have it first."""
    low, high = answers.bounds[question : question + 2]
    scores = answers.score[low:high]
    same = (answers.start[low:high] == span[0]) & (answers.end[low:high] == span[1])
    return bool((answers.best.score[question] - scores[same] <= tolerance).any())


def _of_windows(again: Again, report: Report, found: Outcomes) -> Iterator[str]:
    """What depends on windows and golds; the golds are known by now."""
    windows = _windows(found.examples, again.tokenizer, again.benchmark)
    for name, count in asdict(windows.counts).items():
        said = report.windows.get("dev", {}).get(name)
        if said != count:
            yield f"windows.dev.{name} is {said}, but the questions give {count}."
    limit = again.benchmark.answers.max_answer_tokens
    best = replace(again.answers.best, examples=found.examples)
    answers = replace(again.answers, best=best)
    expected = outcomes.of_run(answers, windows, limit, found.tune)
    for name in ("windows", "obstacle", "n_best_exact"):
        said, is_ = getattr(found, name), getattr(expected, name)
        if said is None or not np.array_equal(said, is_):
            yield f"Column {name!r} of {outcomes.FILE_NAME} is not what the model gives."


def _shown(text: str) -> str:
    return shortened(safe(repr(text)), 40)
