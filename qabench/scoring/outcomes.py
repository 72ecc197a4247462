"""What a run answered to each question and how that scored: ``questions.parquet``.

The file also holds the questions with contexts and golds, so that comparisons, slices and the
browsable page need only run directories, and every aggregate can be computed again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.base import parquet
from qabench.base.arrays import Bools, Doubles, Ints
from qabench.base.files import write_bytes
from qabench.base.parquet import ParquetError
from qabench.base.terminal import safe
from qabench.base.untrusted import TrapError, refuse_outside
from qabench.data.audit import RawRecord, audit_own
from qabench.data.examples import QAExample
from qabench.errors import DataError, ReportError
from qabench.scoring.obstacles import Obstacle, obstacles
from qabench.scoring.predictions import golds_of
from qabench.scoring.scores import Score
from qabench.scoring.squad import Gold, GoldSet, accepted, normalize_answer, score_questions
from qabench.windows.answers import Answers
from qabench.windows.cutting import Windows

FILE_NAME = "questions.parquet"
FORMAT = "qabench-questions/1"


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Results of one run by question, N of them, in the data's order.

    Attributes:
        examples: the questions.
        tune: (N,) true in the half on which thresholds are chosen; the other is reported on.
        answers: (N,) the best span of each question, whatever the null threshold; "" for none.
        start, end: (N,) code points of that span; (0, 0) where unknown or none.
        null_odds: (N,) evidence for no answer, the higher the more; ``None`` for a foreign system
            without them.
        exact, f1: (N,) scores of those answers, 0 to 1, before the null threshold.
        windows: (N,) windows of each question; ``None`` for a foreign system.
        obstacle: (N,) :class:`~qabench.scoring.obstacles.Obstacle`; ``None`` for a foreign system.
        n_best_exact: (N,) the best EM in the n-best list, 0 or 1, without the null answer; ``None``
            for a foreign system.
    """

    examples: tuple[QAExample, ...]
    tune: Bools
    answers: Sequence[str]
    start: Ints
    end: Ints
    null_odds: Doubles | None
    exact: Doubles
    f1: Doubles
    windows: Ints | None = None
    obstacle: NDArray[np.int8] | None = None
    n_best_exact: Doubles | None = None

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def golds(self) -> GoldSet:
        """The golds of every question, prepared for scoring."""
        return golds_of(self.examples)

    @cached_property
    def has_answer(self) -> Bools:
        """(N,) whether the question has an answer."""
        return np.array([one.is_answerable for one in self.examples], np.bool_)

    @cached_property
    def found_nothing(self) -> Bools:
        """(N,) whether there is no span, whatever the null threshold."""
        return np.fromiter((not text for text in self.answers), np.bool_, len(self))

    def raw(self, score: Score) -> Doubles:
        """(N,) scores of ``answers``, 0 to 1, before the null threshold."""
        found: Doubles = getattr(self, score)
        return found

    def final(self, score: Score, null_threshold: float) -> Doubles:
        """(N,) scores after the threshold, 0 to 1: abstaining is right or wrong."""
        return np.where(self.abstains(null_threshold), ~self.has_answer, self.raw(score))

    def abstains(self, null_threshold: float) -> Bools:
        """(N,) whether the null odds are greater than the threshold."""
        if self.null_odds is None:
            return np.zeros(len(self), np.bool_)
        return self.null_odds > null_threshold

    def final_answers(self, null_threshold: float) -> tuple[str, ...]:
        """(N,) answers after the threshold: "" where the run abstains or found no answer."""
        pairs = zip(self.answers, self.abstains(null_threshold).tolist(), strict=True)
        return tuple("" if null else text for text, null in pairs)

    def in_order(self, order: Sequence[int]) -> Outcomes:
        """The same results with the questions in another order.

        Args:
            order: (N,) where the question is now that comes to each place.
        """
        arrays = {
            one.name: value[order]
            for one in fields(self)
            if isinstance(value := getattr(self, one.name), np.ndarray)
        }
        texts, examples = tuple(self.answers), self.examples
        return replace(
            self,
            examples=tuple(examples[place] for place in order),
            answers=tuple(texts[place] for place in order),
            **arrays,
        )

    def rescored(self) -> Outcomes:
        """The same answers, scored again."""
        exact, f1 = score_answers(self.golds, self.answers)
        return replace(self, exact=exact, f1=f1)


def score_answers(golds: Sequence[Gold], answers: Sequence[str]) -> tuple[Doubles, Doubles]:
    """(N,) EM and (N,) F1, 0 to 1, of an answer to each question, before any null threshold."""
    by_id = {gold.id: text for gold, text in zip(golds, answers, strict=True)}
    scores = score_questions(golds, by_id)
    exact, f1 = (np.array([getattr(one, score) for one in scores], np.float64) for score in Score)
    return exact, f1


def of_run(answers: Answers, windows: Windows, max_answer_tokens: int, tune: Bools) -> Outcomes:
    """The results of a run."""
    best, examples = answers.best, tuple(answers.best.examples)
    golds = golds_of(examples)
    texts = tuple(best.text_by_id().values())
    exact, f1 = score_answers(golds, texts)
    return Outcomes(
        examples=examples,
        tune=tune,
        answers=texts,
        start=best.start,
        end=best.end,
        null_odds=best.null_odds,
        exact=exact,
        f1=f1,
        windows=np.bincount(windows.example, minlength=len(examples)).astype(np.int32),
        obstacle=obstacles(examples, windows, max_answer_tokens),
        n_best_exact=best_exact(golds, _listed_texts(answers), texts),
    )


def _listed_texts(answers: Answers) -> Iterator[set[str]]:
    """The texts of each question's n-best list, without the null answer."""
    spans = zip(answers.start.tolist(), answers.end.tolist(), strict=True)
    lengths = np.diff(answers.bounds).tolist()
    for example, length in zip(answers.best.examples, lengths, strict=True):
        yield {example.context[start:end] for start, end in islice(spans, length) if end > 0}


def best_exact(
    golds: Sequence[Gold], listed: Iterable[AbstractSet[str]], answers: Sequence[str]
) -> Doubles:
    """(N,) the best EM, 0 or 1, in each n-best list without the null answer.

    Args:
        golds: of the N questions.
        listed: the texts of each list, without the null answer.
        answers: what is scored where a list is empty.
    """
    rows = zip(golds, listed, answers, strict=True)
    found = [
        not accepted(gold.answers).isdisjoint(map(normalize_answer, texts or {answer}))
        for gold, texts, answer in rows
    ]
    return np.array(found, np.float64)


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
        "answer": pa.array(list(outcomes.answers), pa.string()),
    }
    columns |= {
        name: getattr(outcomes, name)
        for name in ("tune", *_NUMBERS)
        if getattr(outcomes, name) is not None
    }
    table = pa.table(columns)
    buffer = io.BytesIO()
    # Arrow's own schema, which says how a column was held in memory, is not part of the format.
    with pq.ParquetWriter(buffer, table.schema, compression="zstd", store_schema=False) as file:
        file.write_table(table)
        file.add_key_value_metadata({"format": FORMAT})
    write_bytes(path, buffer.getvalue())


def _once(texts: Sequence[str]) -> Any:
    """A column that holds each distinct text once: many questions may share one long context."""
    import pyarrow as pa

    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    indices = pa.array([place[text] for text in texts], pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(place, pa.large_string()))


_READS = count(1)
_OPTIONAL = ("null_odds", "windows", "obstacle", "n_best_exact")
_REQUIRED = (
    *("id", "title", "question", "context", "answers", "answer"),
    *("tune", "start", "end", "exact", "f1"),
)
_NUMBERS = ("start", "end", "exact", "f1", *_OPTIONAL)


def read(path: Path) -> Outcomes:
    """Read what :func:`write` wrote.

    Raises:
        ReportError: the file is missing, is a link out of its folder, is not of this format, or
            holds what no run can have answered.
    """
    refuse_outside(path)
    try:
        with path.open("rb") as file:
            given = parquet.schema(file)
            _check_columns(path, given)
            names = [name for name in _types() if name in given.names]
            batches = list(parquet.batches(file, names))
        found = _outcomes(_examples(_Questions.of(path, batches)), batches)
        del batches
        # Each time would take longer than reading does.
        if next(_READS) % 8 == 0:
            parquet.release()
    except (OSError, TrapError, ParquetError) as error:
        raise ReportError(_unreadable(path, error)) from error
    if problem := _impossible(found):
        raise ReportError(f"{path}, {problem}, which no run writes; run again.")
    return found


def read_questions(path: Path) -> tuple[QAExample, ...]:
    """The questions of a file without their golds and results, which are not even read.

    Raises:
        ReportError: as for :func:`read`.
    """
    refuse_outside(path)
    try:
        with path.open("rb") as file:
            _check_columns(path, parquet.schema(file))
            batches = list(parquet.batches(file, ["id", "title", "question", "context"]))
        found = [row for batch in batches for row in parquet.rows(batch)]
    except (OSError, TrapError, ParquetError) as error:
        raise ReportError(_unreadable(path, error)) from error
    if not all(isinstance(value, str) for row in found for value in row.values()):
        raise ReportError(f"{path} has nulls among its questions; run again.")
    return tuple(QAExample(answers=(), **row) for row in found)  # type: ignore[arg-type]


def _unreadable(path: Path, error: Exception) -> str:
    reason = safe(str(error))[:_REASON]
    return f"{path} cannot be read ({reason}); it is written beside each report: run again."


# Characters of a library's message: some print a whole table.
_REASON = 200


def _check_columns(path: Path, given: Any) -> None:
    known = (given.metadata or {}).get(b"format") == FORMAT.encode()
    if not known or not set(_REQUIRED) <= set(given.names):
        raise ReportError(f"{path} is not a {FORMAT} file; run again with this version of qabench.")
    for name, type in _types().items():
        if given.names.count(name) > 1:
            raise ReportError(f"{path} has the column {name!r} twice; run again.")
        if name in given.names and not given.field(name).type.equals(type):
            wrong = safe(str(given.field(name).type))[:_REASON]
            raise ReportError(f"{path}, column {name!r}, is {wrong}, not {type}; run again.")


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


@dataclass(frozen=True, slots=True)
class _Questions:
    """The columns of a file that runs on the same data share; equal where their content is."""

    digest: bytes
    path: Path = field(compare=False)
    batches: Sequence[Any] = field(compare=False)

    @classmethod
    def of(cls, path: Path, batches: Sequence[Any]) -> _Questions:
        import pyarrow as pa

        columns = [
            batch.select(["id", "title", "question", "context", "answers"]) for batch in batches
        ]
        digest = hashlib.sha256()
        for batch in columns:
            stream = pa.BufferOutputStream()
            with pa.ipc.new_stream(stream, batch.schema) as writer:
                writer.write_batch(batch)
            digest.update(stream.getvalue())
        return cls(digest.digest(), path, columns)


# Runs that are compared answered the same questions, which are read and audited once.
@lru_cache(maxsize=2)
def _examples(questions: _Questions) -> tuple[QAExample, ...]:
    """The questions, checked by the rules of data files."""
    rows = (row for batch in questions.batches for row in parquet.rows(batch))
    records = (RawRecord(f"row {number}", row) for number, row in enumerate(rows, start=1))
    try:
        return audit_own(records, str(questions.path)).examples
    except DataError as error:
        raise ReportError(f"{error}; run again.") from error


def _outcomes(examples: tuple[QAExample, ...], batches: list[Any]) -> Outcomes:
    import pyarrow as pa

    table = pa.Table.from_batches(batches)
    names = [name for name in ("answer", "tune", *_NUMBERS) if name in table.column_names]
    for name in names:
        if table.column(name).null_count:
            raise ParquetError(f"column {name!r} has nulls")
    return Outcomes(
        examples=examples,
        answers=parquet.Texts([one.column("answer") for one in batches]),
        **{"null_odds": None} | {name: table.column(name).to_numpy() for name in names[1:]},
    )


def _impossible(found: Outcomes) -> str | None:
    """The first value that is out of its range, and its question."""
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


def _is_share(values: Doubles) -> Bools:
    return (values >= 0) & (values <= 1)
