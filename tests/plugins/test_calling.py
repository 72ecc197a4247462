"""Hooks beyond heads, through plugins that are really installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.forging import change, edit
from support.people import squad
from support.places import ROOT

from qabench import HOOKSPEC_VERSION
from qabench.benchmarks.catalogue import find
from qabench.cli import main
from qabench.comparison.contests import gather
from qabench.comparison.differences import Differences
from qabench.comparison.leaderboard import Layout, tables
from qabench.comparison.plugin_slices import every_slice
from qabench.comparison.slices import slices
from qabench.data.readers import read_file
from qabench.errors import BenchmarkError, PluginError, ReportError
from qabench.plugins import calling as hooks
from qabench.plugins.discovery import discover
from qabench.reports import report_file
from qabench.reports.report import Report
from qabench.runs.importing import ForeignFiles, import_predictions
from qabench.runs.verify import verify
from qabench.views.page.data import _kinds
from qabench.views.plots import draw

PLUGIN = ROOT / "tests" / "support" / "plugin_with_hooks"
METRIC = "example-hooks/answered"


@pytest.fixture(autouse=True)
def warned_of_nothing() -> None:
    """Each test is a command of its own."""
    hooks._warn.cache_clear()


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The example, installed by pip."""
    folder = tmp_path_factory.mktemp("hooks")
    source = shutil.copytree(PLUGIN, folder / "source")
    words = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation")
    subprocess.run(
        [sys.executable, *words, "--target", str(folder / "site"), str(source)],
        check=True,
        timeout=300,
    )
    return folder / "site"


def forget(module: str) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        del sys.modules[name]


@pytest.fixture
def example(site, monkeypatch):
    monkeypatch.syspath_prepend(site)
    yield
    forget("example_hooks")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin of one module, as pip leaves it: the module and its metadata."""
    names = []

    def make(code: str, name: str = "failing", **files: str) -> Path:
        site = tmp_path / f"site-{name}"
        metadata = site / f"{name}-2.5.dist-info"
        metadata.mkdir(parents=True)
        (site / f"{name}.py").write_text(
            "from pathlib import Path\nfrom qabench import MetricSpec, SliceSpec, hookimpl\n" + code
        )
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.5\n")
        (metadata / "entry_points.txt").write_text(f"[qabench]\n{name} = {name}\n")
        for stem, content in files.items():
            (site / f"{stem}.toml").write_text(content)
        monkeypatch.syspath_prepend(site)
        names.append(name)
        return site

    yield make
    for name in names:
        forget(name)


@pytest.fixture
def qabench(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """The command line in this process: exit code, output, errors."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["qabench", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        output = capsys.readouterr()
        return int(left.value.code or 0), output.out, output.err

    return call


@pytest.fixture
def imported(tmp_path) -> Callable[[], Path]:
    """Import the predictions of a system that answers all but every third question."""
    document = squad(18, seed=2, filler=3)
    asked = [qa for part in document["data"][0]["paragraphs"] for qa in part["qas"]]
    texts = {qa["id"]: "Rome" if place % 3 else "" for place, qa in enumerate(asked)}
    for name, content in (("dev", document), ("predictions", texts)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    files = ForeignFiles("someone", tmp_path / "dev.json", tmp_path / "predictions.json")
    return lambda: import_predictions(files, tmp_path / "runs")


def read(folder: Path) -> Report:
    return report_file.read(folder / report_file.FILE_NAME)


def hook(name: str, body: str, arguments: str = "") -> str:
    return f"@hookimpl\ndef {name}({arguments}):\n    {body}\n"


METRIC_OF = "return [MetricSpec('bad', 'a summary', {})]".format
SLICES_OF = "return [SliceSpec({}, {})]".format


def test_the_guide_shows_the_plugin_that_is_tested():
    guide = (ROOT / "docs" / "howto" / "hooks.md").read_text("utf-8")
    for path in (PLUGIN / "pyproject.toml", PLUGIN / "example_hooks" / "__init__.py"):
        assert path.read_text("utf-8") in guide


def test_a_plugin_without_a_head_is_listed_with_its_hooks(example, qabench):
    _, output, _ = qabench("plugins")
    (line,) = (line for line in output.splitlines() if line.startswith("example_hooks"))
    assert "no head; qabench_benchmarks, qabench_metrics, qabench_run_finished" in line
    with pytest.raises(PluginError, match=r"from example-hooks 0\.3 has no head of that name"):
        discover().head("example_hooks")


def test_a_run_on_a_plugins_benchmark_from_beginning_to_end(example, heads, qabench, tmp_path):
    _, listed, _ = qabench("benchmarks")
    assert "example_short  example-hooks   the quickstart, shortened to seconds" in listed
    runs = tmp_path / "runs"
    command = ("run", "--plugin", heads[0], "--benchmark", "example_short", "--runs-dir", runs)
    code, _, errors = qabench(*command)
    assert code == 0
    assert "Hook" not in errors
    folder = runs / "example_short" / heads[0] / "seed-0"
    report = read(folder)
    finals = json.loads((folder / "predictions.json").read_text())
    metric = report.metrics[METRIC]
    assert metric.value == pytest.approx(100 * sum(map(bool, finals.values())) / len(finals))
    assert (metric.distribution, metric.version) == ("example-hooks", "0.3")
    line = f"seed 0: EM {report.scores.official['exact']:.2f}\n"
    assert (folder.parent / "finished.txt").read_text() == line
    code, said, _ = qabench("verify", folder)
    assert code == 0
    assert said.startswith(f"{folder / report_file.FILE_NAME}: verified\n")
    # A run that is finished already does not finish again.
    assert qabench(*command)[0] == 0
    assert (folder.parent / "finished.txt").read_text() == line


def test_slices_of_a_plugin_stand_wherever_those_of_qabench_do(example, imported):
    folder = imported()
    (contest,) = gather([folder])
    examples = contest.systems[0].records[0].outcomes.examples
    own = [one for one in every_slice(examples) if one.group == "words shared with context"]
    assert {one.name for one in own} == {"none", "one"}
    assert sum(len(one) for one in own) == len(examples)
    kinds = {one["group"]: set(one["names"]) for one in _kinds(examples, contest.slices)}
    assert kinds["words shared with context"] == {"none", "one"}
    (picture,) = (one for one in draw(contest, Differences()) if one.name == "slices")
    titles = [axes.get_title(loc="left") for axes in picture.figure.axes]
    assert "words shared with context" in titles


def test_compare_shows_slices_of_a_plugin(example, imported, qabench, tmp_path):
    one = imported()
    files = ForeignFiles("other", tmp_path / "dev.json", tmp_path / "predictions.json")
    other = import_predictions(files, tmp_path / "runs")
    _, output, _ = qabench("compare", one, other, "--slices", 30)
    assert "words shared with context: none" in output


def test_a_metric_is_a_column_of_the_leaderboard(example, imported, qabench):
    folder = imported()
    value = read(folder).metrics[METRIC].value
    assert f"  {value:.3f}" in qabench("report", folder, "--columns", f"em,{METRIC}")[1]
    with pytest.raises(ReportError, match=f"There is no column 'x/y'; .*, {METRIC} "):
        tables(gather([folder]), Layout(("em", "x/y")))


def test_a_metric_that_was_changed_by_hand_is_found_out(example, imported):
    folder = imported()
    found = verify(folder)
    assert (found.problems, found.unverified) == ((), ())
    value = read(folder).metrics[METRIC].value
    change(folder, "metrics", METRIC, "value", to=value + 1)
    (problem,) = verify(folder).problems
    assert problem.startswith(f"metrics.{METRIC} is ")
    assert "example-hooks 0.3 computes" in problem


def test_a_metric_whose_plugin_is_gone_is_said_to_be_not_verified(
    site, example, imported, qabench, monkeypatch
):
    folder = imported()
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(site)])
    code, output, _ = qabench("verify", folder)
    assert code == 0
    assert f"Not verified: metric {METRIC} of example-hooks 0.3, because no" in output


def test_a_metric_that_fails_when_verified_is_said_to_be_not_verified(install, imported, tmp_path):
    stop = tmp_path / "stop"
    body = METRIC_OF(f"lambda questions: len(questions) / (not Path({str(stop)!r}).exists())")
    install(hook("qabench_metrics", body))
    folder = imported()
    assert read(folder).metrics["failing/bad"].value == 18
    stop.touch()
    assert verify(folder).problems == ()
    (sentence,) = verify(folder).unverified
    assert sentence.startswith("Not verified: metric failing/bad of failing 2.5, because Hook")
    assert sentence.endswith("failing/bad: ZeroDivisionError: division by zero.")


SCORES_AS_METRICS = """
def mean(name):
    return lambda questions: 100 * sum(getattr(one, name) for one in questions) / len(questions)

def abstained(questions):
    for one in questions:
        assert one.best_answer == "Rome"
        assert one.answer == ("" if one.null_odds > 4 else "Rome")
    return sum(one.null_odds > 4 for one in questions)

METRICS = {"exact": mean("exact"), "f1": mean("f1"), "abstained": abstained}
"""


def test_a_metric_sees_what_the_official_scores_are_made_of(install, data_files, tmp_path):
    listed = "return [MetricSpec(name, '', METRICS[name]) for name in METRICS]"
    install(SCORES_AS_METRICS + hook("qabench_metrics", listed))
    ids = [one.id for one in read_file(data_files[1]).examples]
    for name, content in (
        ("texts", dict.fromkeys(ids, "Rome")),
        ("odds", {id: float(place % 7) for place, id in enumerate(ids)}),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    texts, odds = tmp_path / "texts.json", tmp_path / "odds.json"
    files = ForeignFiles("rome", data_files[1], texts, odds, 4.0)
    report = read(import_predictions(files, tmp_path / "runs"))
    metrics = {key.split("/")[1]: one.value for key, one in report.metrics.items()}
    official = report.scores.official
    assert metrics == {
        "exact": pytest.approx(official["exact"]),
        "f1": pytest.approx(official["f1"]),
        "abstained": report.scores.abstained,
    }
    assert 0 < official["exact"] < 100


def test_a_report_of_before_there_were_metrics_is_valid(imported):
    folder = imported()
    assert read(folder).metrics == {}
    edit(folder, lambda document: document.pop("metrics"))
    assert read(folder).metrics == {}
    found = verify(folder)
    assert (found.problems, found.unverified) == ((), ())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise RuntimeError('no disk')", "RuntimeError: no disk"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("return None", "returned NoneType, not a list of MetricSpec"),
        ("return ['words']", "a str in its list of MetricSpec"),
        (METRIC_OF("lambda questions: 1 / 0"), "failing/bad: ZeroDivisionError: division by zero"),
        (METRIC_OF("lambda questions: exit('bye')"), "failing/bad: SystemExit: bye"),
        (METRIC_OF("lambda questions: float('nan')"), "it is nan, not a finite number"),
        (METRIC_OF("lambda questions: '7'"), "it is '7', not a finite number"),
        ("return [MetricSpec('a b', '', len)]", "its name is not made of letters"),
        ("return 2 * [MetricSpec('bad', '', len)]", "it has this name twice"),
    ],
)
def test_a_metric_that_fails_is_named_in_the_report_and_no_other_is_lost(
    example, install, imported, body, reason
):
    install(hook("qabench_metrics", body))
    report = read(imported())
    assert METRIC in report.metrics
    (warning,) = [one for one in report.warnings if one.startswith("Hook ")]
    assert warning.startswith("Hook qabench_metrics of failing 2.5 failed: ")
    assert reason in warning


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        (SLICES_OF("'mine'", "lambda one: 1 / 0"), "group 'mine': ZeroDivisionError"),
        (SLICES_OF("'mine'", "lambda one: 7"), "kind 7 of question 's2-0' is not one line"),
        (SLICES_OF("'mine'", "lambda one: 'a\\nb'"), "is not one line of at most 60 characters"),
        (SLICES_OF("'<b>'", "lambda one: None"), "group '<b>' is not made of letters"),
        (SLICES_OF("'windows'", "lambda one: 'x'"), "'windows' is qabench's own"),
        (SLICES_OF("'article'", "lambda one: 'x'"), "'article' is qabench's own"),
        (
            SLICES_OF("'words shared with context'", "lambda one: 'x'"),
            "is also one of example-hooks 0.3; uninstall one of them",
        ),
    ],
)
def test_slices_that_fail_are_left_out_with_a_warning(
    example, install, data_files, caplog, body, reason
):
    install(hook("qabench_slices", body))
    examples = read_file(data_files[1]).examples
    for _ in range(2):
        found = every_slice(examples)
    groups = {one.group for one in found}
    assert groups == {one.group for one in slices(examples)} | {"words shared with context"}
    (message,) = caplog.messages
    assert message.startswith("Hook qabench_slices of failing 2.5 failed: ")
    assert reason in message


def test_a_group_has_not_as_many_kinds_as_questions(install, data_files, caplog):
    install(hook("qabench_slices", SLICES_OF("'id'", "lambda one: one.id")))
    train = read_file(data_files[0]).examples
    assert "id" in {one.group for one in every_slice(train)}
    many = [*train, *read_file(data_files[1]).examples]
    assert "id" not in {one.group for one in every_slice(many)}
    assert "more than 50 kinds" in caplog.text


def test_a_benchmark_hook_that_fails_leaves_the_others(example, install, qabench, caplog):
    install(hook("qabench_benchmarks", "raise OSError('no folder')"))
    code, output, _ = qabench("benchmarks")
    assert code == 0
    assert "example_short" in output
    assert "Hook qabench_benchmarks of failing 2.5 failed: OSError: no folder" in caplog.text


def test_a_broken_benchmark_file_is_named_and_the_others_go_on(example, install, qabench, caplog):
    body = "return [Path(__file__).with_name(one) for one in ('rough.toml', 'gone.toml', 'a.txt')]"
    install(hook("qabench_benchmarks", body), rough="name = ")
    code, output, _ = qabench("benchmarks")
    assert code == 0
    rows = {line.split()[0]: line for line in output.splitlines()}
    assert rows["rough"].split()[1:3] == ["failing", "BROKEN:"]
    assert "is not valid TOML" in rows["rough"]
    assert "cannot be read" in rows["gone"]
    assert "shortened to seconds" in rows["example_short"]
    assert "a.txt' is not called NAME.toml" in caplog.text


@pytest.mark.parametrize(
    ("name", "owner"), [("example_short", "example-hooks 0.3"), ("squad_v2", "qabench 0.1.0")]
)
def test_two_benchmarks_of_one_name_are_refused_with_both_owners(
    example, install, qabench, name, owner
):
    body = f"return [Path(__file__).with_name('{name}.toml')]"
    site = install(hook("qabench_benchmarks", body), **{name: "name = 'x'"})
    with pytest.raises(BenchmarkError, match=f"from {owner} and failing 2.5; uninstall one"):
        find(name)
    assert find(str(site / f"{name}.toml")) == site / f"{name}.toml"
    assert qabench("benchmarks")[1].count("CONFLICT: another benchmark") == 2


@pytest.mark.parametrize("body", ["raise RuntimeError('no net')", "raise SystemExit('no net')"])
def test_a_hook_that_fails_after_a_run_is_a_warning_and_the_run_stays_finished(
    example, install, heads, qabench, tmp_path, caplog, body
):
    install(hook("qabench_run_finished", body, "folder"))
    runs = tmp_path / "runs"
    words = ("--benchmark", "example_short", "--set", "data.max_train_questions=16")
    code, output, _ = qabench("run", "--plugin", heads[0], *words, "--runs-dir", runs)
    assert code == 0
    assert "Next:" in output
    (message,) = (one for one in caplog.messages if "Hook" in one)
    assert message.startswith("Hook qabench_run_finished of failing 2.5 failed: ")
    folder = runs / "example_short" / heads[0]
    assert verify(folder / "seed-0").problems == ()
    assert (folder / "finished.txt").is_file()


def test_a_warning_is_one_line_on_stderr(install, tmp_path):
    site = install(hook("qabench_benchmarks", "raise OSError('x' * 1000 + '\\x1b[31m')"))
    done = subprocess.run(
        [sys.executable, "-m", "qabench", "run", "--plugin", "x", "--benchmark", "gone"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [site, *sys.path[1:]]))},
        capture_output=True,
        text=True,
        timeout=300,
    )
    warning, error = done.stderr.splitlines()
    assert warning.startswith("Hook qabench_benchmarks of failing 2.5 failed: OSError: xxx")
    assert len(warning) < 400
    assert error.startswith("qabench: There is no benchmark 'gone'")


MAJOR, MINOR = HOOKSPEC_VERSION


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ((MAJOR + 1, 0), f"version {MAJOR + 1}.0 of the plugin hooks and this qabench has"),
        ((MAJOR + 1, 0), ": upgrade qabench"),
        ((MAJOR, MINOR + 1), ": upgrade qabench"),
        ((MAJOR - 1, 9), ": upgrade failing"),
        ("1.0", f"its QABENCH_HOOKSPEC is '1.0', not a pair such as {HOOKSPEC_VERSION}"),
    ],
)
def test_a_plugin_that_asks_for_other_hooks_is_broken_with_what_to_upgrade(
    example, install, qabench, asked, reason
):
    body = hook("qabench_metrics", "return []")
    # A hook of the future is no reason to say less clearly what is wrong.
    install(f"QABENCH_HOOKSPEC = {asked!r}\n" + body + hook("qabench_of_the_future", "return []"))
    (line,) = (one for one in qabench("plugins")[1].splitlines() if one.startswith("failing"))
    assert "BROKEN" in line
    assert reason in line
    assert [one.name for one in discover().plugins if one.name == "example_hooks"]


def test_what_a_broken_plugin_would_have_brought_is_said_to_be_lost(install, imported):
    site = install(hook("qabench_metrics", METRIC_OF("len")))
    folder = imported()
    forget("failing")
    (site / "failing.py").write_text("raise RuntimeError('too new')")
    (sentence,) = verify(folder).unverified
    assert sentence.endswith("because its plugin is broken: RuntimeError: too new.")
    with pytest.raises(BenchmarkError, match=r"\(broken, see qabench plugins: failing 2\.5\)"):
        find("gone")


def test_a_report_of_a_stranger_cannot_write_to_the_terminal(imported):
    folder = imported()
    path = folder / report_file.FILE_NAME
    document = json.loads(path.read_text())
    metric = {"value": 1.0, "summary": "", "distribution": "x\x1b[2J", "version": "\u202e1"}
    document["metrics"] = {"x\x1b[2J/words": metric}
    path.write_text(json.dumps(document))
    (sentence,) = verify(folder).unverified
    assert sentence.isprintable()


@pytest.mark.parametrize("asked", [None, (MAJOR, MINOR), (MAJOR, 0)])
def test_a_plugin_that_asks_for_these_hooks_or_none_is_usable(install, asked):
    install(f"QABENCH_HOOKSPEC = {asked!r}\n" + hook("qabench_metrics", "return []"))
    assert "failing" in {one.name for one in discover().plugins}
