"""Reports that were edited, and runs that were made up to fit: what is found out, and how."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.forging import change, edit, edit_json, put, rehash, seal

from qabench.benchmarks import settings as benchmark
from qabench.data.examples import fingerprint
from qabench.plugins.discovery import Registry
from qabench.reports import report_file
from qabench.runs import belongings, from_model
from qabench.runs.pipeline import run as run_plan
from qabench.runs.tasks import Plan
from qabench.runs.verify import expected_caveats, verify, verify_all
from qabench.scoring import outcomes
from qabench.scoring.scorecard import report_scores
from qabench.training.model import QAModel

Key = tuple[str | int, ...]
# What nothing else in a run directory knows, not even the model: only the sha256 beside the report
# tells that these were edited.
ONLY_SAID = (
    *("created", "metrics", "environment", "backbone.revision", "train.answerable", "overlap"),
    *("train.skipped", "windows.train", "budget.resumed"),
    *("budget.predict_seconds", "budget.loader_share", "budget.padding_share"),
    *("budget.peak_memory_bytes", "budget.peak_device_memory_bytes"),
)
# What follows only from the model.
ONLY_MODEL = (
    *("weights_sha256", "windows.dev"),
    *("budget.trainable_parameters", "budget.head_parameters"),
)


@pytest.fixture(scope="module")
def true_run(benchmark_file, heads, tmp_path_factory) -> Path:
    """A finished run."""
    runs = tmp_path_factory.mktemp("true")
    settings = benchmark.load(str(benchmark_file), ["training.epochs=3"])
    (record,) = run_plan(Plan(settings, heads[:1], [0], runs), lambda line: None)
    return record.folder


@pytest.fixture
def run(true_run, tmp_path) -> Path:
    """A copy to forge, in the place of a run."""
    return Path(shutil.copytree(true_run, tmp_path / true_run.parent.name / "seed-0"))


def refusals(folder: Path, again: bool = True) -> tuple[str, ...]:
    return verify_all([folder], from_model=again)[0].problems


def values(document: Any, at: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Every value inside a document, containers included, with the keys that lead to it."""
    if at:
        yield at, document
    items = document.items() if isinstance(document, dict) else ()
    if isinstance(document, list):
        items = enumerate(document)
    for key, value in items:
        yield from values(value, (*at, key))


def edited(value: Any, chance: random.Random) -> Any:
    """Another value of the same kind, as somebody may write it."""
    match value:
        case bool():
            return not value
        case int():
            return value + chance.choice([1, 2, 10])
        case float():
            return value + chance.choice([0.01, 1.0]) * max(1.0, abs(value))
        case str() if len(value) == 64:
            return "".join(chance.choice("0123456789abcdef") for _ in value)
        case str():
            return chance.choice([value + "x", "other"])
        case None:
            return chance.choice([0, 1.0, "x"])
        case dict() | list():
            return type(value)()
    raise TypeError(value)


def single_edits(report: Any, number: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Reports with one other value, each with the dotted name of the value."""
    chance = random.Random(seed)
    places = list(values(report))
    while number:
        key, value = chance.choice(places)
        other = edited(value, chance)
        if other != value:
            number -= 1
            copy = json.loads(json.dumps(report))
            put(copy, key, other)
            yield ".".join(map(str, key)), copy


def inside(name: str, places: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in places)


def tried(run: Path, number: int, again: bool, resealed: bool) -> list[str]:
    """The names of single edits that verification does not notice."""
    path, passed = run / report_file.FILE_NAME, []
    for name, document in single_edits(json.loads(path.read_text()), number, seed=17):
        path.write_text(json.dumps(document))
        if resealed:
            seal(run)
        if not refusals(run, again):
            passed.append(name)
    return passed


def count(request: pytest.FixtureRequest) -> int:
    return 500 if request.config.getoption("--slow") else 40


def test_a_true_run_is_verified_with_and_without_its_model(true_run):
    assert refusals(true_run, again=False) == ()
    assert refusals(true_run) == ()
    (found,) = verify_all([true_run], from_model=True)
    assert (found.verdict, found.unverified) == ("verified, with the answers of its model", ())


def test_no_edit_by_hand_of_one_value_goes_unnoticed(run, request):
    assert tried(run, count(request), again=False, resealed=False) == []


@pytest.mark.parametrize("again", [False, True])
def test_an_edit_with_a_new_sha256_goes_unnoticed_only_where_no_file_knows(
    run, request, again, capsys
):
    number = count(request)
    passed = tried(run, number, again, resealed=True)
    with capsys.disabled():
        print(f"\n{number - len(passed)} of {number} edits noticed{' with the model' * again}")
    unknown = ONLY_SAID if again else ONLY_SAID + ONLY_MODEL
    assert [name for name in passed if not inside(name, unknown)] == []


# Composed forgeries: each makes hashes, and as many other files as it can, fit.


def identities(folder: Path, change_one) -> None:
    """Change what the run was begun with, wherever that is written down."""
    for name in ("run.json", belongings.MODEL_IDENTITY):
        edit_json(folder / name, change_one)


def with_outcomes(folder: Path, forged: outcomes.Outcomes, threshold: float | None = None) -> None:
    """Write other results, and make predictions, scores, log and warnings fit them."""
    outcomes.write(forged, folder / outcomes.FILE_NAME)
    ids = [one.id for one in forged.examples]
    report = report_file.read(folder / report_file.FILE_NAME)
    limit = report.scores.null_threshold if threshold is None else threshold
    for name, column in (
        ("predictions.json", forged.final_answers(limit)),
        ("raw_predictions.json", forged.answers),
        ("null_odds.json", forged.null_odds.tolist()),
    ):
        (folder / name).write_text(json.dumps(dict(zip(ids, column, strict=True))))
    scores = report_scores(forged, limit)
    warnings = expected_caveats(report, scores, forged)
    report_file.write(replace(report, scores=scores, warnings=tuple(warnings)), folder)
    last = {key: scores.official[key] for key in ("exact", "f1")}
    in_log(folder, last)
    rehash(folder)


def in_log(folder: Path, last: dict[str, float]) -> None:
    path = folder / belongings.LOG
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[-1] |= last
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    edit(folder, lambda report: report.update(training_log=lines))


def golds_for_answers(folder: Path, chance: random.Random) -> None:
    """All answers are replaced by golds, and null odds are those of somebody who knows."""
    share = chance.uniform(0.3, 1)
    found = outcomes.read(folder / outcomes.FILE_NAME)
    told = [chance.random() < share for _ in found.examples]
    answers, starts, ends, odds = list(found.answers), found.start.copy(), found.end.copy(), []
    for place, (one, known) in enumerate(zip(found.examples, told, strict=True)):
        if known and one.answers:
            gold = one.answers[0]
            answers[place] = gold.text
            starts[place], ends[place] = gold.start, gold.start + len(gold.text)
        odds.append(-1.0 if one.answers else 1.0)
    forged = replace(
        found, answers=tuple(answers), start=starts, end=ends, null_odds=np.array(odds)
    ).rescored()
    forged = replace(forged, n_best_exact=np.maximum(forged.n_best_exact, forged.exact))
    n_best = json.loads((folder / "nbest_predictions.json").read_text())
    for one, text, start, end in zip(found.examples, answers, starts, ends, strict=True):
        best = {"text": text, "start": int(start), "end": int(end), "score": 9.0, "probability": 1}
        n_best[one.id].insert(0, best)
    (folder / "nbest_predictions.json").write_text(json.dumps(n_best))
    with_outcomes(folder, forged)


def tuned_threshold(folder: Path, chance: random.Random) -> None:
    """The threshold that is best on dev, sold as the benchmark's."""
    found = outcomes.read(folder / outcomes.FILE_NAME)
    threshold = float(chance.choice(found.null_odds.tolist()))
    with_outcomes(folder, found, threshold)


def other_seed(folder: Path, chance: random.Random) -> None:
    change(folder, "seed", to=chance.randint(1, 99))


def other_plugin(folder: Path, chance: random.Random) -> None:
    name = chance.choice(["my_new_head", "state_of_the_art"])
    change(folder, "plugin", "name", to=name)
    identities(folder, lambda known: put(known, ("plugin", "name"), name))
    rehash(folder)


def other_budget(folder: Path, chance: random.Random) -> None:
    """Half of the epochs, wherever budget and settings say it."""

    def halve(report: Any) -> None:
        for key in ("epochs", "windows_seen", "tokens_seen", "steps"):
            report["budget"][key] //= 3
        report["settings"]["training"]["epochs"] //= 3

    edit(folder, halve)


def smaller_head(folder: Path, chance: random.Random) -> None:
    less = chance.randint(1, 9)

    def lower(report: Any) -> None:
        report["budget"]["head_parameters"] -= less
        report["budget"]["trainable_parameters"] -= less

    edit(folder, lower)


def emptied(folder: Path, chance: random.Random) -> None:
    key, empty = chance.choice([("settings", {}), ("files", {}), ("training_log", [])])
    change(folder, key, to=empty)


def no_warnings(folder: Path, chance: random.Random) -> None:
    """A report that must have warnings, and has none or others."""
    change(folder, "warnings", to=chance.choice([[], ["all is well"]]))


def other_weights(folder: Path, chance: random.Random) -> None:
    """Another head in model/, with the hashes to fit."""
    from safetensors.torch import load_file, save_file

    path = folder / belongings.MODEL / "head.safetensors"
    weights = {name: one + chance.uniform(0.5, 1) for name, one in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})
    rehash(folder)


def other_odds(folder: Path, chance: random.Random) -> None:
    """Null odds pushed to the right side for some questions."""
    found = outcomes.read(folder / outcomes.FILE_NAME)
    odds = found.null_odds.copy()
    some = chance.sample(range(len(odds)), 3)
    odds[some] = [-5.0 if found.has_answer[place] else 5.0 for place in some]
    with_outcomes(folder, replace(found, null_odds=odds))


def other_settings(folder: Path, chance: random.Random) -> None:
    """Shorter windows, everywhere but in the predictions."""

    def shorten(known: Any) -> None:
        known["windows"]["max_length"] = 24 + chance.randint(0, 3)

    edit(folder, lambda report: shorten(report["settings"]))
    identities(folder, lambda known: shorten(known["benchmark"]))
    rehash(folder)


FORGERIES = (
    golds_for_answers,
    tuned_threshold,
    other_seed,
    other_plugin,
    other_budget,
    smaller_head,
    emptied,
    no_warnings,
    other_weights,
    other_odds,
    other_settings,
)


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_composed_forgery_does_not_pass_with_the_model(forge, run, true_run, request):
    for number in range(5 if request.config.getoption("--slow") else 1):
        shutil.rmtree(run)
        shutil.copytree(true_run, run)
        forge(run, random.Random(number))
        assert refusals(run), number


@pytest.fixture
def five_seeds(true_run, tmp_path) -> list[Path]:
    """One run as seeds 0 to 4, in everything that says which seed it is."""
    folders = []
    for number in range(5):
        folder = Path(shutil.copytree(true_run, tmp_path / "copies" / f"seed-{number}"))
        change(folder, "seed", to=number)
        identities(folder, lambda known, number=number: put(known, ("seed",), number))
        rehash(folder)
        folders.append(folder)
    return folders


@pytest.mark.parametrize("again", [False, True])
def test_one_run_as_five_seeds_is_found_out_when_they_are_checked_together(five_seeds, again):
    found = verify_all(five_seeds, from_model=again)
    assert all("It is the same training as" in one.problems[0] for one in found)


@pytest.mark.parametrize("key", ["train", "backbone", "environment", "weights_sha256", "budget"])
def test_a_run_without_one_of_its_parts_is_refused(run, key):
    change(run, key, to=None)
    for again in (False, True):
        assert any(key in problem or "import" in problem for problem in refusals(run, again))


def test_golds_that_were_changed_have_another_fingerprint(run):
    found = outcomes.read(run / outcomes.FILE_NAME)
    examples = tuple(replace(one, answers=()) for one in found.examples)
    outcomes.write(replace(found, examples=examples), run / outcomes.FILE_NAME)
    rehash(run)
    assert any(fingerprint(examples) in problem for problem in verify(run).problems)


def test_a_run_whose_head_is_not_installed_is_not_verified_with_its_model(run, monkeypatch):
    monkeypatch.setattr(from_model, "discover", lambda: Registry((), ()))
    (problem,) = refusals(run)
    assert problem.startswith("It cannot be predicted again from model/: There is no plugin")


def test_a_run_without_its_model_is_verified_only_without_it(run):
    shutil.rmtree(run / belongings.MODEL)
    assert refusals(run, again=False) == ()
    (problem,) = refusals(run)
    assert problem.startswith("It cannot be predicted again from model/: ")


def test_golds_are_read_only_after_the_model_has_predicted_without_them(run, monkeypatch):
    read, forward, order = outcomes.read, QAModel.forward, []

    def watched_read(path):
        order.append("read")
        return read(path)

    def watched_forward(self, **batch):
        order.append("golds" if {"start", "end"} & batch.keys() else "predict")
        return forward(self, **batch)

    monkeypatch.setattr(outcomes, "read", watched_read)
    monkeypatch.setattr(QAModel, "forward", watched_forward)
    assert refusals(run) == ()
    assert order == [*["predict"] * (len(order) - 1), "read"]
