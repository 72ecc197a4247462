"""Tables of reports: runs on the same data side by side, the always-null line beside them."""

from __future__ import annotations

import csv
import html
import io
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from qabench.reports import Report

Format = Literal["plain", "github", "latex", "html", "csv"]
FORMATS: tuple[str, ...] = get_args(Format)
_TABULATE = {"plain": "simple", "github": "github", "latex": "latex", "html": "html"}
_SCORES = {
    "EM": "exact",
    "F1": "f1",
    "HasAns EM": "HasAns_exact",
    "HasAns F1": "HasAns_f1",
    "NoAns EM": "NoAns_exact",
    "best EM*": "best_exact",
    "best F1*": "best_f1",
}
HEADERS = ("head", "seeds", *_SCORES, "train s")
FOOTNOTE = "* at the threshold tuned on the scored questions themselves: optimistic"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of runs that were scored on the same questions.

    Attributes:
        title: benchmark, questions and data fingerprint.
        rows: cells as text, one row for each head and setting, best EM first, then always-null.
        notes: what a reader must know of these runs.
    """

    title: str
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def tables(reports: Iterable[Report]) -> list[Table]:
    """Group by benchmark and scored data, so that scores on different data never meet."""
    groups: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        groups.setdefault((report.benchmark, report.dev.fingerprint), []).append(report)
    return [_table(group) for _, group in sorted(groups.items())]


def render(tables_: Sequence[Table], format: Format) -> str:
    """All tables as text in one format; CSV has the table's title as its first column."""
    if format == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("data", *HEADERS))
        writer.writerows((table.title, *row) for table in tables_ for row in table.rows)
        return out.getvalue()
    return "\n".join(_render(table, format) for table in tables_)


def _render(table: Table, format: Format) -> str:
    from tabulate import tabulate

    body = tabulate(table.rows, HEADERS, tablefmt=_TABULATE[format], disable_numparse=True)
    notes = [*table.notes, FOOTNOTE]
    if format == "html":
        listed = "".join(f"<p>{html.escape(note)}</p>\n" for note in notes)
        return f"<h2>{html.escape(table.title)}</h2>\n{body}\n{listed}"
    if format == "latex":
        comments = "".join(f"% {note}\n" for note in notes)
        return f"% {table.title}\n{body}\n{comments}"
    listed = "".join(f"{note}\n" for note in notes)
    blank = "\n" if format == "github" else ""
    return f"{table.title}\n{blank}{body}\n{blank}{listed}"


def _table(group: Sequence[Report]) -> Table:
    rows: dict[str, list[Report]] = {}
    for report in group:
        rows.setdefault(_setting(report), []).append(report)
    names = [runs[0].plugin.name for runs in rows.values()]
    ranked = sorted(rows.values(), key=lambda runs: (-_mean(runs, "exact"), runs[0].plugin.name))
    cells = [_row(_label(runs[0], names), runs) for runs in ranked]
    first = group[0]
    return Table(
        title=f"{first.benchmark}: {first.dev.questions} questions "
        f"({first.dev.questions - first.dev.answerable} without answer), "
        f"data {first.dev.fingerprint[:12]}",
        rows=(*cells, _null_row(first)),
        notes=tuple(_notes(group)),
    )


def _setting(report: Report) -> str:
    """What runs must share, the seed apart, for their scores to be averaged."""
    return json.dumps([report.settings, report.plugin.name, report.plugin.options], sort_keys=True)


def _label(report: Report, names: Sequence[str]) -> str:
    """The head's name, with its options and recipe where several rows share the name."""
    if names.count(report.plugin.name) == 1:
        return report.plugin.name
    training = report.settings["training"]
    options = "".join(f", {key}={value}" for key, value in report.plugin.options.items())
    return (
        f"{report.plugin.name} (lr {training['learning_rate']:g}, {training['epochs']} epochs, "
        f"{report.train.questions} training questions{options})"
    )


def _values(runs: Sequence[Report], key: str) -> list[float]:
    return [run.scores.official[key] for run in runs if key in run.scores.official]


def _mean(runs: Sequence[Report], key: str) -> float:
    return statistics.fmean(_values(runs, key))


def _row(label: str, runs: Sequence[Report]) -> tuple[str, ...]:
    seeds = ",".join(str(run.seed) for run in sorted(runs, key=lambda run: run.seed))
    seconds = statistics.fmean(run.budget.train_seconds for run in runs)
    scores = (_spread(_values(runs, key)) for key in _SCORES.values())
    return (label, seeds, *scores, f"{seconds:.0f}")


def _spread(values: Sequence[float]) -> str:
    """Mean, and standard deviation over seeds where there are several."""
    if not values:
        return "–"
    mean = f"{statistics.fmean(values):.2f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.2f}"


def _null_row(report: Report) -> tuple[str, ...]:
    null = report.scores.always_null
    scores = (f"{null[key]:.2f}" if key in null else "–" for key in _SCORES.values())
    return ("always null", "–", *scores, "–")


def _notes(group: Sequence[Report]) -> list[str]:
    warnings = {
        f"! {report.plugin.name} seed {report.seed}: {warning}"
        for report in group
        for warning in report.warnings
    }
    benchmark = {str(report.settings.get("note", "")) for report in group} - {""}
    return [*sorted(warnings), *sorted(benchmark)]
