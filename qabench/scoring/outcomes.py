"""What a run answered to each question and how that scored: ``questions.parquet``.

It holds the questions with contexts and golds too, so that comparisons, slices and the browsable
page need nothing but run directories, and every aggregate can be computed again.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.base import parquet
from qabench.base.files import write_bytes
from qabench.base.parquet import ParquetError
from qabench.base.terminal import safe
from qabench.base.untrusted import TrapError, refuse_outside
from qabench.data.audit import RawRecord, audit
from qabench.data.examples import QAExample
from qabench.errors import DataError, ReportError
from qabench.scoring.obstacles import Obstacle, obstacles
from qabench.scoring.predictions import golds_of
from qabench.scoring.squad import Gold, normalize_answer, score_questions
from qabench.windows.answers import Answer, Answers
from qabench.windows.cutting import Windows

FILE_NAME = "questions.parquet"
FORMAT = "qabench-questions/1"

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Results of one run by question, N of them, in the data's order.

    Attributes:
        examples: the questions.
        tune: (N,) the half in which thresholds are chosen; the other is reported on.
        answers: best span of each question before the null threshold, "" where there is none.
        start, end: (N,) code points of that span; (0, 0) where unknown or none.
        null_odds: (N,) evidence for no answer: the higher, the more; ``None`` for a foreign system
            that gives none.
        exact, f1: (N,) scores of those answers, 0 to 1, before the null threshold.
        windows: (N,) windows of each question; ``None`` for a foreign system.
        obstacle: (N,) :class:`~qabench.scoring.obstacles.Obstacle`; ``None`` for a foreign system.
        n_best_exact: (N,) best exact score in the n-best list, the null answer left out; ``None``
            for a foreign system.
    """

    examples: tuple[QAExample, ...]
    tune: Bools
    answers: tuple[str, ...]
    start: Ints
    end: Ints
    null_odds: Floats | None
    exact: Floats
    f1: Floats
    windows: Ints | None = None
    obstacle: NDArray[np.int8] | None = None
    n_best_exact: Floats | None = None

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def has_answer(self) -> Bools:
        """(N,) whether the question has an answer."""
        return np.array([one.is_answerable for one in self.examples], np.bool_)

    def abstains(self, null_threshold: float) -> Bools:
        """(N,) whether the answer is "" because the null odds are greater."""
        if self.null_odds is None:
            return np.zeros(len(self), np.bool_)
        return self.null_odds > null_threshold

    def final(self, scores: Floats, null_threshold: float) -> Floats:
        """(N,) ``exact`` or ``f1`` after the threshold: abstaining is right or wrong, 1 or 0."""
        return np.where(self.abstains(null_threshold), ~self.has_answer, scores)


def of_run(answers: Answers, windows: Windows, max_answer_tokens: int, tune: Bools) -> Outcomes:
    """The results of a run."""
    best, examples = answers.best, answers.best.examples
    golds = golds_of(examples)
    texts = best.text_by_id()
    scores = score_questions(golds, texts)
    return Outcomes(
        examples=tuple(examples),
        tune=tune,
        answers=tuple(texts.values()),
        start=best.start,
        end=best.end,
        null_odds=best.null_odds,
        exact=np.array([one.exact for one in scores], np.float64),
        f1=np.array([one.f1 for one in scores], np.float64),
        windows=np.bincount(windows.example, minlength=len(examples)).astype(np.int32),
        obstacle=obstacles(examples, windows, max_answer_tokens),
        n_best_exact=np.array([_best_exact(*pair) for pair in zip(golds, answers, strict=True)]),
    )


def _best_exact(gold: Gold, answer: Answer) -> float:
    """The best exact score in the n-best list, the null answer left out."""
    accepted = {text for text in map(normalize_answer, gold.answers) if text} or {""}
    texts = {one.text for one in answer.n_best if one.end > 0} or {""}
    return float(not accepted.isdisjoint(map(normalize_answer, texts)))


def write(outcomes: Outcomes, path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        RunError: the folder cannot be written or the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    examples = outcomes.examples
    golds = [
        [{"text": gold.text, "answer_start": gold.start} for gold in one.answers]
        for one in examples
    ]
    columns: dict[str, Any] = {
        "id": [one.id for one in examples],
        "title": [one.title for one in examples],
        "question": [one.question for one in examples],
        "context": _once([one.context for one in examples]),
        "answers": pa.array(golds, _types()["answers"]),
        "answer": pa.array(outcomes.answers, pa.string()),
    }
    columns |= {
        name: getattr(outcomes, name)
        for name in ("tune", *_NUMBERS)
        if getattr(outcomes, name) is not None
    }
    table = pa.table(columns)
    buffer = io.BytesIO()
    # Arrow's own schema, which tells how a column was held here, is no part of the format.
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", store_schema=False) as file:
        file.write_table(table)
        file.add_key_value_metadata({"format": FORMAT})
    write_bytes(path, buffer.getvalue())


def _once(texts: Sequence[str]) -> Any:
    """The column of texts, each distinct one once: many questions may have one long context."""
    import pyarrow as pa

    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    indices = pa.array([place[text] for text in texts], pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(place, pa.large_string()))


_OPTIONAL = ("null_odds", "windows", "obstacle", "n_best_exact")
_REQUIRED = (
    *("id", "title", "question", "context", "answers", "answer"),
    *("tune", "start", "end", "exact", "f1"),
)
_NUMBERS = ("start", "end", "exact", "f1", *_OPTIONAL)


def read(path: Path) -> Outcomes:
    """Read what :func:`write` wrote.

    Raises:
        ReportError: the file is missing, is a link out of its folder, is none of this format, or
            holds what no run can have answered.
    """
    refuse_outside(path)
    try:
        with path.open("rb") as file:
            given = parquet.schema(file)
            _check_columns(path, given)
            names = [name for name in _types() if name in given.names]
            batches = list(parquet.batches(file, names))
        found = _outcomes(_examples(path, batches), batches)
    except (OSError, TrapError, ParquetError) as error:
        reason = safe(str(error))[:_REASON]
        raise ReportError(
            f"{path} cannot be read ({reason}); it is written beside each report: run anew."
        ) from error
    if problem := _impossible(found):
        raise ReportError(f"{path}, {problem}, which no run writes; run anew.")
    return found


# Characters of a library's message: some print a whole table.
_REASON = 200


def _check_columns(path: Path, given: Any) -> None:
    known = (given.metadata or {}).get(b"format") == FORMAT.encode()
    if not known or not set(_REQUIRED) <= set(given.names):
        raise ReportError(f"{path} is no {FORMAT} file; run anew with this version of qabench.")
    for name, type in _types().items():
        if given.names.count(name) > 1:
            raise ReportError(f"{path} has the column {name!r} twice; run anew.")
        if name in given.names and not given.field(name).type.equals(type):
            wrong = safe(str(given.field(name).type))[:_REASON]
            raise ReportError(f"{path}, column {name!r}: is {wrong}, not {type}; run anew.")


def _types() -> dict[str, Any]:
    import pyarrow as pa

    gold = pa.struct([("text", pa.string()), ("answer_start", pa.int32())])
    return {
        **dict.fromkeys(("id", "title", "question", "context", "answer"), pa.string()),
        **dict.fromkeys(("exact", "f1", "null_odds", "n_best_exact"), pa.float64()),
        **dict.fromkeys(("start", "end", "windows"), pa.int32()),
        "answers": pa.list_(gold),
        "tune": pa.bool_(),
        "obstacle": pa.int8(),
    }


def _examples(path: Path, batches: Sequence[Any]) -> tuple[QAExample, ...]:
    """The questions, held to the rules of data files."""
    columns = ["id", "title", "question", "context", "answers"]
    rows = (row for batch in batches for row in parquet.rows(batch.select(columns)))
    records = (RawRecord(f"row {number}", row) for number, row in enumerate(rows, start=1))
    try:
        data = audit(records, str(path), "skip")
    except DataError as error:
        raise ReportError(f"{error}; run anew.") from error
    if data.skipped:
        raise ReportError(f"{data.skipped[0]}; run anew.")
    return data.examples


def _outcomes(examples: tuple[QAExample, ...], batches: list[Any]) -> Outcomes:
    import pyarrow as pa

    table = pa.Table.from_batches(batches)
    names = [name for name in ("answer", "tune", *_NUMBERS) if name in table.column_names]
    for name in names:
        if table.column(name).null_count:
            raise ParquetError(f"column {name!r} has nulls")
    return Outcomes(
        examples=examples,
        answers=tuple(chain.from_iterable(parquet.values(one.column("answer")) for one in batches)),
        **{"null_odds": None} | {name: table.column(name).to_numpy() for name in names[1:]},
    )


def _impossible(found: Outcomes) -> str | None:
    """The first value that is out of its range, and whose."""
    ends = np.array([len(one.context) for one in found.examples])
    rules = {
        "start": (found.start >= 0) & (found.start <= found.end),
        "end": found.end <= ends,
        "exact": _is_share(found.exact),
        "f1": _is_share(found.f1),
        "null_odds": None if found.null_odds is None else np.isfinite(found.null_odds),
        "windows": None if found.windows is None else found.windows >= 0,
        "obstacle": None if found.obstacle is None else np.isin(found.obstacle, list(Obstacle)),
        "n_best_exact": None if found.n_best_exact is None else _is_share(found.n_best_exact),
    }
    for name, holds in rules.items():
        if holds is not None and not holds.all():
            first = int(holds.argmin())
            return f"question {found.examples[first].id!r}: {name} is {getattr(found, name)[first]}"
    return None


def _is_share(values: Floats) -> Bools:
    return (values >= 0) & (values <= 1)
