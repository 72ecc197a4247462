"""Figures show the numbers of the runs, whole and readable, and the same numbers the same bytes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.text import Text
from support.made_up import QUESTIONS, write_run

from qabench.comparison.contests import gather
from qabench.comparison.differences import Question, differences
from qabench.comparison.leaderboard import Layout, tables
from qabench.comparison.measures import FINAL
from qabench.errors import RunError
from qabench.reports import report_file
from qabench.scoring.scores import Score
from qabench.views.plots import as_svg, draw, save

LOG = tuple(
    {
        "step": step,
        "epoch": step / 4,
        "train_loss": 3 / step,
        "learning_rate": 1e-3,
        "gradient_norm": 1.0,
        "validation_loss": 2 / step if step % 4 == 0 else None,
        "exact": 10.0 * step if step % 4 == 0 else None,
        "f1": 10.0 * step if step % 4 == 0 else None,
    }
    for step in range(1, 9)
)


def drawn_of(contest):
    return draw(contest, differences(contest, Question()))


def contest_of(folder, names, seeds=(0, 1)):
    for place, name in enumerate(names):
        for seed in seeds:
            right = (np.arange(QUESTIONS) + seed) % (place + 2) > 0
            write_run(folder, name, seed, right, training_log=LOG)
    (contest,) = gather([folder])
    return contest


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    return contest_of(tmp_path_factory.mktemp("runs"), ["one", "two"])


@pytest.fixture(scope="module")
def pictures(contest):
    return {one.name: one for one in drawn_of(contest)}


def texts(figure) -> list[str]:
    return [one.get_text() for one in figure.findobj(Text) if one.get_text()]


def assert_whole(figure) -> None:
    """Every text lies within the figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    # Matplotlib keeps labels of ticks beyond the ends of an axis, and does not draw them.
    outside = [
        label
        for axes in figure.axes
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim()))
        for tick in axis.get_major_ticks()
        if not min(low, high) <= tick.get_loc() <= max(low, high)
        for label in (tick.label1, tick.label2)
    ]
    for one in figure.findobj(Text):
        if one.get_text().strip() and one.get_visible() and one not in outside:
            box = one.get_window_extent(renderer)
            assert box.x0 >= -1, one
            assert box.y0 >= -1, one
            assert box.x1 <= width + 1, one
            assert box.y1 <= height + 1, one


def test_a_contest_has_every_figure(pictures):
    assert list(pictures) == [
        *("scores", "differences", "learning", "losses", "threshold"),
        *("precision_recall", "risk_coverage", "slices", "cost"),
    ]


def test_every_figure_says_on_what_it_was_measured_and_is_whole(pictures, contest):
    for one in pictures.values():
        assert any(contest.title[:30] in text for text in texts(one.figure)), one.name
        assert_whole(one.figure)


def test_bars_have_the_mean_scores_and_stand_against_always_null(pictures, contest):
    axes = pictures["scores"].figure.axes[0]
    bars = sorted(bar.get_width() for bar in axes.patches)
    means = sorted(100 * float(system.final(Score.EM).mean()) for system in contest.systems)
    assert bars == pytest.approx(means)
    null = contest.first.scores.always_null["exact"]
    assert any(list(line.get_xdata()) == [null, null] for line in axes.lines)


def test_the_forest_has_each_pairs_interval(pictures, contest):
    (pair,) = differences(contest, Question()).on(FINAL[Score.EM])
    lines = pictures["differences"].figure.axes[0].lines
    drawn = [list(line.get_xdata()) for line in lines if len(line.get_xdata()) == 2]
    expected = [100 * end for end in pair.interval]
    assert any(ends == pytest.approx(expected) for ends in drawn)


def test_curves_have_one_line_for_each_run_and_kind(pictures, contest):
    loss, exact = pictures["learning"].figure.axes
    runs = sum(len(system.records) for system in contest.systems)
    assert len(loss.lines) == 2 * runs
    assert len(exact.lines) == runs + 1
    assert list(exact.lines[0].get_ydata()) == [40.0, 80.0]


def test_a_log_without_numbers_and_a_contest_of_one_leave_figures_out(tmp_path):
    write_run(tmp_path, "alone", 0, np.arange(QUESTIONS) % 2 == 0)
    (contest,) = gather([tmp_path])
    names = {one.name for one in drawn_of(contest)}
    assert "learning" not in names
    assert "differences" not in names
    assert "scores" in names


def test_a_foreign_system_without_null_odds_is_left_out_of_what_needs_them(tmp_path):
    from qabench.scoring import outcomes

    folder = write_run(tmp_path, "foreign", 0, np.arange(QUESTIONS) % 2 == 0)
    path = folder / outcomes.FILE_NAME
    outcomes.write(dataclasses.replace(outcomes.read(path), null_odds=None), path)
    report = report_file.read(folder / report_file.FILE_NAME)
    unknown = dict.fromkeys(("train", "backbone", "budget", "environment", "weights_sha256"))
    report_file.write(dataclasses.replace(report, **unknown, windows={}), folder)
    (contest,) = gather([tmp_path])
    names = {one.name for one in drawn_of(contest)}
    assert names == {"scores", "losses", "slices"}


def test_twelve_systems_with_long_names_and_extreme_scores_fit(tmp_path):
    for place in range(12):
        name = f"a_head_with_a_name_that_goes_on_and_on_{place}"
        write_run(tmp_path, name, 0, np.full(QUESTIONS, place % 2 == 0), training_log=LOG)
    (contest,) = gather([tmp_path])
    for one in drawn_of(contest):
        assert_whole(one.figure)


def test_the_same_numbers_are_the_same_bytes(contest, tmp_path):
    for name in ("a", "b"):
        save(drawn_of(contest), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 18
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_dollar_sign_in_a_name_starts_no_formula(tmp_path):
    contest = contest_of(tmp_path, ["cheap"], seeds=(0,))
    # As a formula it would be an error.
    system = dataclasses.replace(contest.systems[0], label=r"$\frac$ & <b>")
    for one in drawn_of(dataclasses.replace(contest, systems=(system,))):
        assert as_svg(one).startswith("<svg")


def test_figures_of_one_seed_say_which(tmp_path):
    contest = contest_of(tmp_path, ["one", "two"], seeds=(5, 3))
    drawn = {one.name: texts(one.figure) for one in drawn_of(contest)}
    for name in ("threshold", "precision_recall", "risk_coverage"):
        assert {"one, seed 3", "two, seed 3"} <= set(drawn[name]), name
    for name in ("scores", "losses", "slices", "cost"):
        assert "one" in drawn[name], name


def test_a_system_with_a_single_seed_is_named_with_it_in_every_figure(tmp_path):
    contest = contest_of(tmp_path, ["one", "two"], seeds=(4,))
    for one in drawn_of(contest):
        assert any("one, seed 4" in text for text in texts(one.figure)), one.name


def test_numbers_in_figures_are_those_of_the_table(pictures, contest):
    (table,) = tables([contest], Layout(columns=("em",), statistics=False))
    shown = [str(row.cells[0]).split(" ± ")[0] for row in table.rows[: len(contest.systems)]]
    beside = [text for text in texts(pictures["losses"].figure) if text.startswith("EM ")]
    assert beside == [f"EM {number}" for number in shown]


def test_a_folder_that_cannot_be_made_is_one_sentence(pictures, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be made"):
        save(list(pictures.values())[:1], tmp_path / "file" / "folder")
