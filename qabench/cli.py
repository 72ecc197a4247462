"""The command line: each command parses, calls one function and prints.

Exit codes are those of :mod:`qabench.errors`. What a command needs is imported inside it, so that
``--help`` stays quick.
"""

from __future__ import annotations

import json
import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qabench import __version__
from qabench.base.gpus import show_only
from qabench.base.terminal import echo, is_lost, prepare_output, unwritten
from qabench.errors import OutputError, QABenchError, RunError
from qabench.scoring.scores import NULL_THRESHOLD

if TYPE_CHECKING:
    from qabench.benchmarks.settings import Benchmark
    from qabench.views.hints import Given

DEFAULT_BENCHMARK = "quickstart"
_PATH = click.Path(path_type=Path)


def main() -> None:
    """Entry point: a :class:`QABenchError` is printed as one sentence, and gives the exit code."""
    # pyarrow's own pools keep a third more than many runs need.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        prepare_output()
        _refuse_lost_folder()
        sys.exit(app.main(prog_name="qabench", standalone_mode=False))
    except QABenchError as error:
        _end(str(error), error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _end("interrupted; run the same command again.", 130)
    except OSError as error:
        # Help is printed by click.
        if not is_lost(error):
            raise
        _end(str(unwritten(error)), OutputError.exit_code)


def _end(message: str, code: int) -> None:
    """Say why the command ends; a closed pipe needs no words, and stderr may be lost too."""
    if message:
        with suppress(QABenchError):
            echo(f"qabench: {message}", error=True)
    sys.exit(code)


def _refuse_lost_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise RunError("The current folder was deleted; go to one that exists.") from error


@click.group(
    epilog="Exit codes: 0 done, 1 unexpected, 2 usage, 3 benchmark, 4 data, 5 plugin, "
    "6 backbone, 7 run, 8 report, 9 output, 130 interrupted, 143 terminated.",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, message="qabench %(version)s")
def app() -> None:
    """Trustworthy comparison of extractive question-answering heads."""


def _finite(context: click.Context, parameter: click.Parameter, value: float) -> float:
    if not math.isfinite(value):
        raise click.BadParameter("must be a finite number")
    return value


class _Count(click.ParamType[int | None]):
    """A number from 0, or ``all``, which is None."""

    name = "count"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if value == "all":
            return None
        try:
            number = int(str(value))
        except ValueError:
            number = -1
        if number < 0:
            self.fail(f"{value!r} is neither a number from 0 nor 'all'", param, ctx)
        return number


# Options of several commands.
_MARGIN = click.option(
    "--margin",
    type=click.FloatRange(min=0, max=100, min_open=True),
    default=1.0,
    help="Systems this many points apart at most are called equal.",
)
_RUNS_DIR = click.option(
    "--runs-dir", type=_PATH, default=Path("runs"), help="Folder of the run directories."
)
_NULL_THRESHOLD = click.option(
    "--null-threshold",
    type=float,
    default=NULL_THRESHOLD,
    callback=_finite,
    help="Null odds greater than this count as no answer.",
)


@app.command(
    short_help="Fine-tune and score heads.",
    epilog="Example: qabench run --plugin spanbert_linear --plugin spanbert_crf --seed 0 --seed 1 "
    "--benchmark squad_v2 --set training.epochs=2",
)
@click.option(
    "--plugin",
    "plugins",
    metavar="NAME",
    required=True,
    multiple=True,
    help="Head to run; may be repeated.",
)
@click.option(
    "--benchmark",
    metavar="NAME|FILE",
    default=DEFAULT_BENCHMARK,
    help="Name of a benchmark, or path of a .toml file.",
)
@click.option(
    "--seed",
    "seeds",
    metavar="N",
    # numpy takes no others.
    type=click.IntRange(0, 2**32 - 1),
    multiple=True,
    default=[0],
    help="May be repeated.",
)
@click.option(
    "--set",
    "overrides",
    metavar="SECTION.KEY=VALUE",
    multiple=True,
    help="Override a setting; may be repeated.",
)
@click.option(
    "--max-train-questions",
    type=click.IntRange(min=1),
    help="Train on so many questions, drawn at random by the seed.",
)
@click.option(
    "--on-bad-record",
    type=click.Choice(["fail", "skip"]),
    help="What to do with a record that fails the audit.",
)
@_RUNS_DIR
@click.option("--force", is_flag=True, help="Run again and overwrite what these runs made before.")
@click.option(
    "--allow-overlap",
    is_flag=True,
    help="Run even if the training and the dev questions are the same.",
)
@click.option(
    "--accept-versions",
    is_flag=True,
    help="Also use and resume runs of other versions of qabench, torch and transformers.",
)
def run(
    plugins: tuple[str, ...],
    benchmark: str,
    seeds: tuple[int, ...],
    overrides: tuple[str, ...],
    max_train_questions: int | None,
    on_bad_record: str | None,
    runs_dir: Path,
    force: bool,
    allow_overlap: bool,
    accept_versions: bool,
) -> None:
    """Fine-tune and score heads on a benchmark, and print the comparison table.

    Every plugin runs with every seed. A finished run is reused, an interrupted one is resumed, if
    settings, data, code of the head, weights of the encoder and versions are the same.
    """
    from qabench.benchmarks.settings import load
    from qabench.views.hints import Given

    changed = list(overrides)
    if max_train_questions is not None:
        changed.append(f"data.max_train_questions={max_train_questions}")
    if on_bad_record is not None:
        changed.append(f"data.on_bad_record={on_bad_record}")
    settings = load(benchmark, changed)
    named = "" if benchmark == DEFAULT_BENCHMARK else benchmark
    given = Given(
        named, seeds, overrides, max_train_questions, on_bad_record, runs_dir, allow_overlap
    )
    _run_and_rank(settings, given, plugins, force, accept_versions)


def _run_and_rank(
    settings: Benchmark,
    given: Given,
    plugins: tuple[str, ...],
    force: bool,
    accept_versions: bool,
) -> None:
    """Run, print the table and what to do next.

    A function of its own, because its imports take seconds and a wrong setting is known before.
    """
    show_only(settings.training.device)

    from qabench.comparison.contests import of_records
    from qabench.comparison.leaderboard import tables
    from qabench.plugins.discovery import discover
    from qabench.runs.pipeline import run as run_plan
    from qabench.runs.tasks import Plan
    from qabench.training.hardware import is_main_process
    from qabench.views.hints import next_steps
    from qabench.views.tables import render

    def say(line: str) -> None:
        if is_main_process():
            echo(line)

    plan = Plan(
        settings,
        plugins,
        given.seeds,
        given.runs_dir,
        force,
        accept_versions,
        given.allow_overlap,
    )
    records = run_plan(plan, say)
    say("\n" + render(tables(of_records(records)), "plain"))
    say("\n".join(["Next:", *next_steps(settings, given, plugins, discover().heads)]))


@app.command(
    short_help="Score a predictions file of any tool.",
    epilog="Example: qabench score dev-v2.0.json predictions.json --null-odds null_odds.json",
)
@click.argument("data", type=_PATH)
@click.argument("predictions", type=_PATH)
@click.option(
    "--null-odds",
    type=_PATH,
    help="JSON object: question id to evidence that there is no answer.",
)
@_NULL_THRESHOLD
@click.option(
    "--allow-missing",
    is_flag=True,
    help='Score a missing id as "", ignore an extra one, and print how many there are.',
)
@click.option(
    "--format", type=click.Choice(["plain", "json"]), default="plain", help="Output format."
)
def score(
    data: Path,
    predictions: Path,
    null_odds: Path | None,
    null_threshold: float,
    allow_missing: bool,
    format: str,
) -> None:
    """Score a predictions file of any tool as the official SQuAD v2.0 script does.

    DATA has the gold answers, in any format that qabench reads. PREDICTIONS is a JSON object that
    maps each question id to an answer, or a list or lines of objects with id and prediction_text.
    Records that fail the audit are scored by the texts of their answers, counted and named.
    """
    from qabench.data.readers import read_file
    from qabench.scoring.predictions import score_files

    result = score_files(
        read_file(data, "score"),
        predictions,
        null_odds,
        null_threshold,
        allow_missing=allow_missing,
    )
    if format == "json":
        echo(json.dumps(result.as_dict(), indent=2))
        return
    from qabench.views.tables import score_table

    echo(score_table(result))


@app.command(
    short_help="Print a leaderboard of runs.",
    epilog="Example: qabench report runs/ --columns em,f1,train_s --format github > table.md",
)
@click.argument("runs", type=_PATH, nargs=-1, required=True)
@click.option(
    "--format",
    type=click.Choice(["plain", "github", "latex", "html", "csv", "json"]),
    default="plain",
    help="Output format.",
)
@click.option(
    "--columns", metavar="NAME,NAME", help="Columns to show; a wrong name lists them all."
)
@click.option("--sort", metavar="NAME", default="em", help="Column to rank by.")
@click.option(
    "--allow-unequal-budgets",
    is_flag=True,
    help="Rank and compare systems even if their training budgets differ.",
)
@click.option("--baseline", metavar="SYSTEM", help="Compare only with this system.")
@click.option(
    "--label",
    "labels",
    type=(_PATH, str),
    metavar="FOLDER NAME",
    multiple=True,
    help="Call the system whose runs are in FOLDER NAME; may be repeated.",
)
@click.option(
    "--statistics/--no-statistics",
    default=True,
    help="Say under each table what the differences show.",
)
@_MARGIN
@click.option(
    "--plots", "folder", type=_PATH, metavar="FOLDER", help="Also draw figures, as PNG and SVG."
)
@click.option(
    "--html", "page", type=_PATH, metavar="FILE", help="Also write a browsable page with figures."
)
def report(
    runs: tuple[Path, ...],
    format: str,
    columns: str | None,
    sort: str,
    allow_unequal_budgets: bool,
    baseline: str | None,
    labels: tuple[tuple[Path, str], ...],
    statistics: bool,
    margin: float,
    folder: Path | None,
    page: Path | None,
) -> None:
    """Print a leaderboard of RUNS: report files, run directories, or folders of them.

    Prints one table for each set of questions. Systems are compared question by question: which is
    better, which are equal within the margin, and what is undecided.
    """
    from qabench.comparison.columns import DEFAULT_COLUMNS
    from qabench.comparison.contests import gather, relabelled
    from qabench.comparison.leaderboard import Layout, tables
    from qabench.views.tables import render

    shown = tuple(columns.split(",")) if columns else DEFAULT_COLUMNS
    layout = Layout(shown, sort, allow_unequal_budgets, baseline, statistics, margin)
    contests = relabelled(gather(runs), labels)
    shown_tables = tables(contests, layout)
    echo(render(shown_tables, format), end="")
    if folder is not None or page is not None:
        from qabench.views.illustrate import illustrate

        illustrate(contests, shown_tables, folder, page)


@app.command(
    short_help="Compare two systems question by question.",
    epilog="Example: qabench compare runs/quickstart/spanbert_linear runs/quickstart/spanbert_crf",
)
@click.argument("a", type=_PATH)
@click.argument("b", type=_PATH)
@click.option("--slices", type=click.IntRange(min=0), default=8, help="Slices to print.")
@click.option(
    "--flips",
    type=_Count(),
    metavar="N|all",
    default="5",
    help="Questions to print that only one of them answers right.",
)
@_MARGIN
@click.option(
    "--format",
    type=click.Choice(["plain", "github", "json"]),
    default="plain",
    help="Output format.",
)
def compare(a: Path, b: Path, slices: int, flips: int | None, margin: float, format: str) -> None:
    """Compare the system whose runs are in A with the one whose runs are in B.

    Prints differences with intervals, kinds of error, slices, and questions that only one answers
    right. All seeds that are found in A or B belong to its system.
    """
    from qabench.comparison.contests import opponents
    from qabench.comparison.side_by_side import side_by_side

    contest, left, right = opponents(a, b)
    found = side_by_side(left, right, margin)
    if format == "json":
        from qabench.views.documents import side_by_side_document

        echo(json.dumps(side_by_side_document(found, contest, None, flips), indent=2))
        return
    from qabench.views.compare_text import render

    echo(render(found, contest, slices, flips, format), end="")


@app.command(
    short_help="Check a report against its files.",
    epilog="Example: qabench verify runs/",
)
@click.argument("reports", type=_PATH, nargs=-1, required=True)
@click.option(
    "--from-model",
    is_flag=True,
    help="Also predict every answer again from model/, without golds; needs the plugin.",
)
def verify(reports: tuple[Path, ...], from_model: bool) -> None:
    """Check REPORTS against the files beside them, and against each other.

    REPORTS are report files, run directories, or folders of them.

    Every score is computed again from the answers, every hash from its file, and everything else is
    compared with the files that know it. Only --from-model checks who answered. Prints what does
    not match, and what cannot be checked here. The exit code is 8 if anything does not match.
    """
    from qabench.errors import ReportError
    from qabench.reports.report_file import places
    from qabench.runs.verify import verify_all

    found = verify_all(places(reports), from_model)
    for one in found:
        echo(f"{one.path}: {one.verdict}")
        for line in (*one.problems, *one.unverified):
            echo(f"  {line}")
    if not from_model and any(one.trained for one in found):
        echo(
            "Not checked: whether the models gave these answers; --from-model predicts them again."
        )
    wrong = sum(bool(one.problems) for one in found)
    if wrong:
        raise ReportError(f"{wrong} of {len(found)} reports do not match their files.")


@app.command(
    short_help="Make a report from another tool's predictions.",
    epilog="Example: qabench import-predictions --name deberta dev-v2.0.json predictions.json",
)
@click.argument("data", type=_PATH)
@click.argument("predictions", type=_PATH)
@click.argument("null_odds", type=_PATH, required=False)
@click.option("--name", required=True, help="What the leaderboard calls the system.")
@_NULL_THRESHOLD
@_RUNS_DIR
@click.option("--force", is_flag=True, help="Overwrite an earlier import of the same name.")
def import_predictions(
    data: Path,
    predictions: Path,
    null_odds: Path | None,
    name: str,
    null_threshold: float,
    runs_dir: Path,
    force: bool,
) -> None:
    """Make a report from the predictions of any tool, for the leaderboard and comparisons.

    DATA and PREDICTIONS are those of "qabench score"; NULL_ODDS is a JSON object that maps each
    question id to its evidence for no answer. The system is in every table on the same questions.
    DATA may also be the questions.parquet of a run directory.
    """
    from qabench.runs.importing import ForeignFiles
    from qabench.runs.importing import import_predictions as make_report

    files = ForeignFiles(name, data, predictions, null_odds, null_threshold)
    folder = make_report(files, runs_dir, force, lambda line: echo(line, error=True))
    echo(f"{folder}")


@app.command(
    short_help="Check a data file.",
    epilog="Example: qabench audit train.json --fix-offsets fixed.jsonl",
)
@click.argument("data", type=_PATH)
@click.option(
    "--fix-offsets",
    "out",
    metavar="FILE",
    type=_PATH,
    help="Write the valid records, and those whose answers have one possible place, to a new file.",
)
def audit(data: Path, out: Path | None) -> None:
    """Check every record of DATA, and print each kind of problem with the first record that has it.

    The exit code is 4 if bad records are left.
    """
    from qabench.data.inspection import inspect, write_examples
    from qabench.errors import DataError

    found = inspect(data)
    echo("\n".join(found.lines()))
    left = len(found.bad)
    if out is not None:
        write_examples(found.examples, out)
        left = found.unplaced
        echo(f"{out}: {len(found.examples)} records, {left} left out")
    if left:
        raise DataError(f"{left} of {found.total} records are bad; correct them in {found.name}.")


@app.command(short_help="List the installed heads.", epilog="Example: qabench plugins")
def plugins() -> None:
    """List the installed heads, plugins without a head, and broken plugins and why."""
    from tabulate import tabulate

    from qabench.plugins.discovery import discover

    rows = discover().rows()
    if rows:
        echo(tabulate(rows, ("plugin", "distribution", "version", "summary")))
    else:
        echo("No plugin is installed; for example: pip install ./plugins/spanbert_linear")


@app.command(
    short_help="Check that a head keeps its contract.",
    epilog="Example: qabench check spanbert_crf --set head.objective=bio",
)
@click.argument("plugin")
@click.option(
    "--set",
    "overrides",
    metavar="head.KEY=VALUE",
    multiple=True,
    help="Option of the head; may be repeated.",
)
def check(plugin: str, overrides: tuple[str, ...]) -> None:
    """Check that the installed head PLUGIN does what every head must do.

    Takes seconds on one CPU thread and needs neither data nor encoder. For each failed check it
    prints what broke, why it matters and how to fix it; the exit code is then 5.
    """
    from qabench.benchmarks.settings import head_options

    options = head_options(plugin, overrides)

    from qabench.testing.examination import examine

    examine(plugin, options, echo)


@app.command(
    short_help="Write a new plugin.", epilog="Example: qabench new-plugin my-head plugins/my-head"
)
@click.argument("name")
@click.argument("folder", metavar="[DIR]", type=_PATH, required=False)
def new_plugin(name: str, folder: Path | None) -> None:
    """Write a plugin with a small head called NAME and its tests into DIR, by default ./NAME."""
    from qabench.plugins.scaffold import next_steps, write_plugin

    folder = folder or Path(name)
    write_plugin(name, folder)
    echo("\n".join([f"The plugin is in {folder}. Next:", *next_steps(name, folder)]))


@app.command(
    short_help="Write a benchmark of your own data.",
    epilog="Example: qabench new-benchmark mills --train train.json --dev dev.json "
    "--encoder path/to/encoder",
)
@click.argument("name")
@click.option("--train", type=_PATH, required=True, help="Questions to train on.")
@click.option("--dev", type=_PATH, required=True, help="Questions to score.")
@click.option(
    "--encoder",
    metavar="FOLDER|MODEL",
    required=True,
    help="Folder of an encoder, or a model of the hub.",
)
def new_benchmark(name: str, train: Path, dev: Path, encoder: str) -> None:
    """Write the benchmark file NAME.toml for your own data and encoder.

    Both files are audited first. All other settings have their defaults; edit the file to change
    them.
    """
    from qabench.benchmarks.own import write_benchmark

    echo("\n".join(write_benchmark(name, train, dev, encoder)))


@app.command(short_help="List the benchmarks.", epilog="Example: qabench benchmarks")
def benchmarks() -> None:
    """List the benchmarks that come with qabench and with plugins."""
    from tabulate import tabulate

    from qabench.benchmarks.settings import summaries

    echo(tabulate(summaries(), ("benchmark", "distribution", "summary")))


@app.command("help", epilog="Example: qabench help run")
@click.argument("command", required=False)
@click.pass_context
def help_(context: click.Context, command: str | None) -> None:
    """Print the help of qabench, or of one command."""
    if command is None:
        named: click.Command = app
    elif command in app.commands:
        named = app.commands[command]
    else:
        raise click.UsageError(f"No such command {command!r}.", context)
    parent = context.parent or context
    echo(named.get_help(parent if command is None else click.Context(named, parent, command)))


@app.command(epilog="Example: qabench version")
def version() -> None:
    """Print the version."""
    echo(f"qabench {__version__}")
