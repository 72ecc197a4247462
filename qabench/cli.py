"""The command line: parse, call one function, print; nothing else.

Exit codes: 0 done; 1 unexpected error; 2 wrong usage; 3 benchmark; 4 data; 5 plugin; 6 backbone;
7 run; 8 report (see :mod:`qabench.errors`).
"""

from __future__ import annotations

import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from qabench import __version__
from qabench.errors import QABenchError

app = typer.Typer(
    name="qabench",
    help="Trustworthy comparison of extractive question-answering heads.",
    epilog="Exit codes: 0 done, 1 unexpected, 2 usage, 3 benchmark, 4 data, 5 plugin, "
    "6 backbone, 7 run, 8 report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


DEFAULT_BENCHMARK = "quickstart"


class TableFormat(StrEnum):
    """Formats of ``qabench report``."""

    plain = "plain"
    github = "github"
    latex = "latex"
    html = "html"
    csv = "csv"
    json = "json"


class ScoreFormat(StrEnum):
    """Formats of ``qabench score``."""

    plain = "plain"
    json = "json"


class BadRecords(StrEnum):
    """What to do with a record that fails the audit."""

    fail = "fail"
    skip = "skip"


def main() -> None:
    """Entry point: an error of the user's is one sentence on stderr and its exit code."""
    try:
        app()
    except QABenchError as error:
        typer.echo(f"qabench: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("qabench: interrupted; run the same command to go on.", err=True)
        sys.exit(130)


@app.command(
    short_help="Fine-tune and score heads.",
    epilog="Example: qabench run --plugin spanbert_linear --plugin spanbert_crf --seed 0 --seed 1 "
    "--benchmark squad_v2 --set training.epochs=2",
)
def run(
    plugin: Annotated[
        list[str], typer.Option(metavar="NAME", help="Head to run; give it again for more.")
    ],
    benchmark: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Name of a benchmark, or path of a .toml file.")
    ] = DEFAULT_BENCHMARK,
    seed: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Seed; again for more.  [default: 0]")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override a benchmark value."),
    ] = None,
    max_train_questions: Annotated[
        int | None, typer.Option(min=1, help="Train on a seeded random subset of so many.")
    ] = None,
    on_bad_record: Annotated[
        BadRecords | None, typer.Option(help="Stop at records that fail the audit, or skip them.")
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder of the run directories.")] = Path("runs"),
    force: Annotated[bool, typer.Option(help="Overwrite what these runs made before.")] = False,
) -> None:
    """Fine-tune and score heads on a benchmark; ends with the comparison table.

    Every plugin runs with every seed. A finished run is reused, an interrupted one goes on.
    """
    from qabench.benchmark import load

    overrides = list(set_ or [])
    if max_train_questions is not None:
        overrides.append(f"data.max_train_questions={max_train_questions}")
    if on_bad_record is not None:
        overrides.append(f"data.on_bad_record={on_bad_record}")
    settings = load(benchmark, overrides)

    from qabench.contests import of_records
    from qabench.hints import next_steps
    from qabench.leaderboard import tables
    from qabench.plugins import discover
    from qabench.run import Plan, is_main_process
    from qabench.run import run as run_plan
    from qabench.tables import render

    def say(line: str) -> None:
        if is_main_process():
            typer.echo(line)

    records = run_plan(Plan(settings, plugin, seed or [0], runs_dir, force), say)
    say("\n" + render(tables(of_records(records)), "plain"))
    installed = [head.name for head in discover().heads]
    named = "" if benchmark == DEFAULT_BENCHMARK else benchmark
    say("\n".join(["Next:", *next_steps(settings, named, plugin, installed, runs_dir)]))


@app.command(
    short_help="Score a predictions file of any tool.",
    epilog="Example: qabench score dev-v2.0.json predictions.json --null-odds null_odds.json",
)
def score(
    data: Annotated[Path, typer.Argument(help="Data with golds: JSON, JSONL or Parquet.")],
    predictions: Annotated[Path, typer.Argument(help="JSON object: question id to answer text.")],
    null_odds: Annotated[
        Path | None,
        typer.Option(help="JSON object: question id to evidence for no answer."),
    ] = None,
    null_threshold: Annotated[
        float, typer.Option(help="Null odds greater than this count as no answer.")
    ] = 1.0,
    allow_missing: Annotated[
        bool, typer.Option(help='Score missing ids as "", ignore extra ones, and count both.')
    ] = False,
    format: Annotated[ScoreFormat, typer.Option(help="Output format.")] = ScoreFormat.plain,
) -> None:
    """Score a predictions file of any tool as the official SQuAD v2.0 script does."""
    from qabench.predictions import score_files
    from qabench.readers import read_file

    if not math.isfinite(null_threshold):
        raise typer.BadParameter("--null-threshold must be a finite number")
    result = score_files(
        read_file(data), predictions, null_odds, null_threshold, allow_missing=allow_missing
    )
    if format is ScoreFormat.json:
        typer.echo(json.dumps(result.as_dict(), indent=2))
        return
    from tabulate import tabulate

    null = result.always_null.as_dict()
    rows = [
        [key, *(f"{one:.2f}" if isinstance(one, float) else one for one in (value, null.get(key)))]
        for key, value in result.official.as_dict().items()
    ]
    headers = ("official score", "value", "always null")
    typer.echo(tabulate(rows, headers, disable_numparse=True, colalign=("left", "right", "right")))
    if result.missing or result.extra:
        typer.echo(f"{result.missing} ids missing, {result.extra} ids extra")


@app.command(
    short_help="Print a leaderboard of runs.",
    epilog="Example: qabench report runs/ --columns em,f1,train_s --format github > table.md",
)
def report(
    runs: Annotated[list[Path], typer.Argument(help="Report files, run directories, folders.")],
    format: Annotated[TableFormat, typer.Option(help="Output format.")] = TableFormat.plain,
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAME,NAME", help="Columns to show; a wrong name lists them."),
    ] = None,
    sort: Annotated[str, typer.Option(metavar="NAME", help="Column to rank by.")] = "em",
    allow_unequal_budgets: Annotated[
        bool, typer.Option(help="Rank systems that were trained on different budgets.")
    ] = False,
) -> None:
    """Print a leaderboard of runs, one table for each data they were scored on."""
    from qabench.contests import gather
    from qabench.leaderboard import DEFAULT_COLUMNS, Layout, tables
    from qabench.tables import render

    shown = tuple(columns.split(",")) if columns else DEFAULT_COLUMNS
    layout = Layout(shown, sort, allow_unequal_budgets)
    typer.echo(render(tables(gather(runs), layout), format.value), nl=False)


@app.command(
    short_help="Check a report against its files.",
    epilog="Example: qabench verify runs/quickstart/spanbert_crf/seed-0",
)
def verify(
    reports: Annotated[list[Path], typer.Argument(help="Report files or run directories.")],
) -> None:
    """Compute every score again from the results by question, and check all hashes.

    Names each thing that does not match; exit code 8 if there is any.
    """
    from qabench.errors import ReportError
    from qabench.verify import verify as problems_of

    wrong = 0
    for path in reports:
        problems = problems_of(path)
        wrong += bool(problems)
        typer.echo(f"{path}: " + ("does not match its files" if problems else "verified"))
        for problem in problems:
            typer.echo(f"  {problem}")
    if wrong:
        raise ReportError(f"{wrong} of {len(reports)} reports do not match their files.")


@app.command(
    "import-predictions",
    short_help="Make a report of another tool's predictions.",
    epilog="Example: qabench import-predictions --name deberta dev-v2.0.json predictions.json",
)
def import_predictions(
    data: Annotated[Path, typer.Argument(help="Data with golds: JSON, JSONL or Parquet.")],
    predictions: Annotated[Path, typer.Argument(help="JSON object: question id to answer text.")],
    null_odds: Annotated[
        Path | None,
        typer.Argument(help="JSON object: question id to evidence for no answer."),
    ] = None,
    *,
    name: Annotated[str, typer.Option(help="What the leaderboard calls the system.")],
    null_threshold: Annotated[
        float, typer.Option(help="Null odds greater than this count as no answer.")
    ] = 1.0,
    runs_dir: Annotated[Path, typer.Option(help="Folder of the run directories.")] = Path("runs"),
    force: Annotated[bool, typer.Option(help="Overwrite an earlier import.")] = False,
) -> None:
    """Make a report of the predictions of any tool, for the leaderboard and comparisons.

    It joins every table on the same questions. The questions.parquet of a run directory is data,
    too.
    """
    from qabench.foreign import ForeignFiles
    from qabench.foreign import import_predictions as make_report

    if not math.isfinite(null_threshold):
        raise typer.BadParameter("--null-threshold must be a finite number")
    files = ForeignFiles(name, data, predictions, null_odds, null_threshold)
    typer.echo(f"{make_report(files, runs_dir, force)}")


@app.command(short_help="List the installed heads.", epilog="Example: qabench plugins")
def plugins() -> None:
    """List the installed heads, and broken plugins with their reason."""
    from tabulate import tabulate

    from qabench.plugins import discover

    registry = discover()
    rows = [
        (
            head.name,
            head.distribution,
            head.version,
            "CONFLICT: another plugin has this name"
            if head.name in registry.duplicates
            else head.spec.summary,
        )
        for head in registry.heads
    ]
    rows += [
        (one.name, one.distribution, one.version, f"BROKEN: {one.reason}")
        for one in registry.broken
    ]
    if rows:
        typer.echo(tabulate(rows, ("plugin", "distribution", "version", "summary")))
    else:
        typer.echo("No plugin is installed; for example: pip install ./plugins/spanbert_linear")


@app.command(short_help="List the benchmarks.", epilog="Example: qabench benchmarks")
def benchmarks() -> None:
    """List the benchmarks that come with qabench."""
    from tabulate import tabulate

    from qabench.benchmark import available, load

    rows = [(name, load(name).summary) for name in available()]
    typer.echo(tabulate(rows, ("benchmark", "summary")))


@app.command(epilog="Example: qabench version")
def version() -> None:
    """Print the version."""
    typer.echo(f"qabench {__version__}")
