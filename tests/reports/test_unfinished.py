"""Runs that never finished are named beside those that did."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from support.made_up import HASH, made_up

from qabench.comparison.contests import gather
from qabench.comparison.leaderboard import Layout, tables
from qabench.errors import ReportError
from qabench.reports import report_file, unfinished


def begun(folder, seed=0, benchmark="tiny", data=HASH, plugin="one"):
    """A run directory without a report."""
    folder.mkdir(parents=True)
    run = {"benchmark": {"name": benchmark}, "plugin": {"name": plugin}, "seed": seed}
    (folder / "run.json").write_text(json.dumps(run | {"data": {"dev": data}}))
    return folder


def finished(folder, **changed):
    begun(folder)
    report_file.write(made_up(**changed), folder)
    return folder


@pytest.fixture
def runs(tmp_path):
    finished(tmp_path / "one" / "seed-0")
    return tmp_path


def notes(*paths):
    (table,) = tables(gather(paths), Layout(statistics=False))
    return [note for note in table.notes if "left out" in note]


def test_a_seed_that_diverged_is_named_under_the_table_with_its_problem(runs):
    folder = begun(runs / "one" / "seed-1", seed=1)
    unfinished.mark(folder, "The loss is nan at step 3")
    why = "it diverged: The loss is nan at step 3"
    assert notes(runs) == [f"! one seed 1: left out, because {why} ({folder})"]


def test_a_run_that_goes_on_is_only_unfinished(runs):
    folder = begun(runs / "one" / "seed-1", seed=1)
    unfinished.mark(folder, "The loss is nan at step 3")
    unfinished.unmark(folder)
    unfinished.unmark(folder)
    assert notes(runs) == [f"! one seed 1: left out, because it is not finished ({folder})"]


def test_a_run_is_named_once_and_only_where_its_folder_is_asked_for(runs):
    begun(runs / "one" / "seed-1", seed=1)
    assert len(notes(runs, runs / "one")) == 1
    assert notes(runs / "one" / "seed-0") == []
    assert notes(runs / "one" / "seed-0" / "report.json") == []


@pytest.mark.parametrize("other", [{"benchmark": "large"}, {"data": "1" * 64}])
def test_a_run_on_other_questions_is_not_named(runs, other):
    begun(runs / "other" / "seed-1", seed=1, **other)
    assert notes(runs) == []


def test_what_a_stranger_calls_a_run_cannot_reach_the_terminal(runs):
    folder = begun(runs / "one" / "seed-1", plugin="\x1b[31mred")
    unfinished.mark(folder, "\x1b[2J\u202ebad")
    (note,) = notes(runs)
    assert "\x1b" not in note
    assert "\u202e" not in note


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", "{"),
        ("run.json", "[]"),
        ("run.json", "[" * 100_000),
        ("run.json", '{"seed": 0, "seed": 1}'),
        ("run.json", '{"benchmark": {"name": "tiny"}}'),
        ("diverged.json", '{"problem": 1}'),
        ("diverged.json", "\udcff"),
    ],
)
def test_a_spoilt_file_is_one_sentence_that_names_it(runs, name, content):
    folder = begun(runs / "one" / "seed-1")
    (folder / name).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ReportError, match=rf"seed-1/{name}[,:] .*; run it again"):
        gather([runs])


def test_a_link_out_of_the_run_directory_is_not_followed(runs):
    elsewhere = runs / "elsewhere.json"
    elsewhere.write_text('{"problem": "secret"}')
    folder = begun(runs / "one" / "seed-1")
    (folder / "diverged.json").symlink_to(elsewhere)
    with pytest.raises(ReportError, match="leads out of the run directory"):
        gather([runs])


def test_a_linked_run_is_named_because_it_is_not_followed(runs, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    finished(elsewhere / "seed-1", seed=1)
    (runs / "one" / "seed-1").symlink_to(elsewhere / "seed-1")
    assert notes(runs) == [
        f"! {runs}/one/seed-1: left out, because it was not looked into (it is a link)"
    ]


def test_a_link_to_a_run_that_is_counted_anyway_is_not_named(runs):
    (runs / "latest").symlink_to(runs / "one" / "seed-0")
    assert notes(runs) == []


def test_a_run_that_may_not_be_read_is_named(runs, monkeypatch):
    closed = runs / "one" / "seed-1"
    finished(closed, seed=1)
    scandir = os.scandir

    def refused(path):
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return scandir(path)

    # The superuser may read everything.
    monkeypatch.setattr(os, "scandir", refused)
    assert notes(runs) == [
        f"! {closed}: left out, because it was not looked into (Permission denied)"
    ]


def test_what_a_killed_deletion_left_is_neither_counted_nor_named(runs):
    draft = runs / "one" / ".seed-1.4711.old.part"
    finished(draft, seed=1)
    ((contest),) = gather([runs])
    assert contest.systems[0].seeds == (0,)
    assert notes(runs) == []


def test_two_copies_of_one_run_are_one_run(runs):
    shutil.copytree(runs / "one" / "seed-0", runs / "backup" / "seed-0")
    ((contest),) = gather([runs])
    assert contest.systems[0].seeds == (0,)
    assert notes(runs) == []
