"""Runs are put together into systems, and systems are found by what a user calls them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from support.made_up import QUESTIONS, made_up, write_run

from qabench.comparison.contests import Contest, gather, of_records, relabelled
from qabench.comparison.differences import Question, differences
from qabench.comparison.notes import notes
from qabench.comparison.verdicts import conclusions
from qabench.errors import ReportError
from qabench.reports import unfinished
from qabench.reports.report import Report
from qabench.scoring import outcomes
from qabench.scoring.records import Record
from qabench.scoring.scores import Score


def contest(*reports: Report) -> Contest:
    (found,) = of_records(
        [Record(report, Path(f"{place}")) for place, report in enumerate(reports)]
    )
    return found


def with_option(plugin: str, value: int) -> Report:
    report = made_up(plugin)
    return dataclasses.replace(
        report, plugin=dataclasses.replace(report.plugin, options={"width": value})
    )


TWINS = (with_option("one", 1), with_option("one", 2), made_up("two"))


def test_a_system_is_found_by_its_label():
    found = contest(*TWINS).find("one (width=2)")
    assert found is not None
    assert found.first.plugin.options == {"width": 2}


def test_a_system_is_found_by_its_heads_name_where_only_one_has_it():
    found = contest(*TWINS).find("two")
    assert found is not None
    assert found.label == "two"


def test_a_name_of_several_systems_is_refused_with_their_labels():
    with pytest.raises(ReportError, match=r"'one' may be any of 'one \(width=1\)', 'one \(width=2"):
        contest(*TWINS).find("one")


def test_a_name_of_no_system_finds_none():
    assert contest(*TWINS).find("three") is None


def with_rates(encoder: float, head: float, given: float | None) -> Report:
    """With the encoder's rate, the head's as it was used, and the head's as it was asked for."""
    report = made_up("one")
    training = {"learning_rate": encoder, "epochs": 2, "head_learning_rate": given}
    return dataclasses.replace(
        report,
        plugin=dataclasses.replace(report.plugin, learning_rate=head),
        settings={**report.settings, "training": training},
    )


@pytest.mark.parametrize(
    ("reports", "labels"),
    [
        (
            [with_rates(1e-3, 1e-2, 1e-2), with_rates(1e-3, 3e-2, 3e-2)],
            ["one (head_learning_rate=0.01)", "one (head_learning_rate=0.03)"],
        ),
        (
            [with_rates(1e-3, 1e-2, None), with_rates(1e-3, 3e-2, 3e-2)],
            ["one (head_learning_rate=0.01)", "one (head_learning_rate=0.03)"],
        ),
        (
            [with_rates(1e-3, 1e-3, None), with_rates(2e-3, 2e-3, None)],
            ["one (training.learning_rate=0.001)", "one (training.learning_rate=0.002)"],
        ),
        (
            [with_rates(1e-3, 1e-2, None), with_rates(1e-3, 1e-2, 1e-2)],
            ["one (training.head_learning_rate=0.01)", "one (training.head_learning_rate=None)"],
        ),
    ],
)
def test_two_recipes_of_a_head_are_labelled_by_what_differs_once(reports, labels):
    assert sorted(one.label for one in contest(*reports).systems) == labels


@pytest.fixture
def twins(tmp_path) -> tuple[Contest, ...]:
    """A head with two recipes in two folders, and another head in the second one."""
    right = np.ones(QUESTIONS, bool)
    for number, name in ((1, "one"), (2, "one"), (2, "two")):
        plain = made_up(name).settings
        settings = {**plain, "training": {**plain["training"], "weight_decay": number}}
        write_run(tmp_path / f"runs-{number}", name, 0, right, settings=settings)
    return gather([tmp_path / "runs-1", tmp_path / "runs-2"])


def test_a_system_is_labelled_by_the_folder_of_its_runs(twins, tmp_path):
    names = [(tmp_path / "runs-1", "narrow"), (tmp_path / "runs-2" / "one", "wide")]
    (found,) = relabelled(twins, names)
    assert sorted(one.label for one in found.systems) == ["narrow", "two", "wide"]


@pytest.mark.parametrize(
    ("folder", "name", "said"),
    [
        ("runs-2", "x", r"are: 'one \(training.weight_decay=2\)', 'two'; name the folder of one"),
        ("nowhere", "x", "are: none; name"),
        ("runs-1", " ", "must give a name"),
        ("runs-1", "two", "two systems would be called 'two'"),
    ],
)
def test_a_label_for_no_system_or_several_is_refused(twins, tmp_path, folder, name, said):
    with pytest.raises(ReportError, match=said):
        relabelled(twins, [(tmp_path / folder, name)])


def test_a_folder_in_which_every_run_failed_names_them(tmp_path):
    for seed in (0, 1):
        folder = tmp_path / "one" / f"seed-{seed}"
        folder.mkdir(parents=True)
        begun = {
            "benchmark": {"name": "tiny"},
            "plugin": {"name": "one"},
            "seed": seed,
            "data": {"dev": "abc"},
        }
        (folder / "run.json").write_text(json.dumps(begun))
    unfinished.mark(tmp_path / "one" / "seed-1", "the loss is nan")
    said = r"No run in .* is finished: one seed 0: left out, because it is not finished .*; "
    with pytest.raises(ReportError, match=said + "one seed 1: left out, because it diverged: the"):
        gather([tmp_path])


def test_questions_that_runs_share_are_read_once(tmp_path):
    right = np.arange(120) % 3 == 0
    for seed in range(3):
        write_run(tmp_path, "one", seed, right)
    (contest,) = gather([tmp_path])
    first, *others = (one.outcomes for one in contest.systems[0].records)
    assert all(other.examples is first.examples for other in others)


def test_systems_are_listed_best_em_first_and_then_by_label():
    reports = (made_up("low", exact=50.0), made_up("b", exact=60.0), made_up("a", exact=60.0))
    assert [one.label for one in contest(*reports).systems] == ["a", "b", "low"]


def test_a_systems_rank_is_its_mean_over_seeds():
    steady = [made_up("steady", seed=seed, exact=60.0) for seed in (0, 1)]
    shaky = [made_up("shaky", seed=seed, exact=exact) for seed, exact in enumerate((40.0, 70.0))]
    found = contest(*shaky, *steady)
    assert [one.label for one in found.systems] == ["steady", "shaky"]
    assert found.systems[1].values("exact") == [40.0, 70.0]
    assert found.systems[1].values("NoAns_exact") == []


def test_a_label_names_the_options_that_differ_once():
    reports = [
        dataclasses.replace(one, settings={**one.settings, "head": dict(one.plugin.options)})
        for one in (with_option("one", 1), with_option("one", 2))
    ]
    labels = {one.label for one in contest(*reports).systems}
    assert labels == {"one (width=1)", "one (width=2)"}


def test_settings_in_another_order_are_the_same_settings():
    one = made_up("one")
    turned = {name: dict(reversed(values.items())) for name, values in one.settings.items()}
    other = made_up("one", seed=1, settings=dict(reversed(turned.items())))
    (system,) = contest(one, other).systems
    assert system.seeds == (0, 1)


def test_runs_that_have_their_questions_in_another_order_are_compared_by_question(tmp_path):
    right = np.arange(QUESTIONS) % 3 == 0
    for name in ("one", "two"):
        folder = write_run(tmp_path, name, 0, right)
    path = folder / outcomes.FILE_NAME
    shuffled = np.random.default_rng(0).permutation(QUESTIONS).tolist()
    outcomes.write(outcomes.read(path).in_order(shuffled), path)
    (contest,) = gather([tmp_path])
    one, two = (system.records[0] for system in contest.systems)
    assert [each.id for each in two.outcomes.examples] == [
        each.id for each in one.outcomes.examples
    ]
    assert two.final(Score.EM).tolist() == one.final(Score.EM).tolist()
    assert conclusions(differences(contest, Question()))[0].endswith(
        "have the same EM on every question."
    )


def test_one_run_under_several_seeds_is_named_below_the_table():
    honest = [made_up(seed=seed, exact=60.0 + seed) for seed in range(3)]
    weights = honest[0].weights_sha256
    copied = [dataclasses.replace(one, weights_sha256=weights) for one in honest]
    assert not any("one training" in line for line in notes(contest(*honest), False))
    found = [line for line in notes(contest(*copied), False) if "one training" in line]
    assert [line.partition(":")[0] for line in found] == [
        "! one seed 1 and one seed 0 are one training",
        "! one seed 2 and one seed 0 are one training",
    ]
