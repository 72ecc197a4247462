"""What a run answered to each question and how that scored: ``questions.parquet``.

It holds the questions with contexts and golds too, so that comparisons, slices and the browsable
page need nothing but run directories, and every aggregate can be computed again.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qabench.answers import Answer, Answers
from qabench.errors import ReportError
from qabench.examples import GoldAnswer, QAExample
from qabench.files import write_bytes
from qabench.obstacles import obstacles
from qabench.predictions import golds_of
from qabench.scoring import Gold, normalize_answer, score_questions
from qabench.windows import Windows

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
        obstacle: (N,) :class:`~qabench.obstacles.Obstacle`; ``None`` for a foreign system.
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
    gold_type = pa.list_(pa.struct([("text", pa.string()), ("answer_start", pa.int32())]))
    columns: dict[str, Any] = {
        "id": [one.id for one in examples],
        "title": [one.title for one in examples],
        "question": [one.question for one in examples],
        "context": [one.context for one in examples],
        "answers": pa.array(golds, gold_type),
        "answer": pa.array(outcomes.answers, pa.string()),
    }
    numbers = ("tune", "start", "end", "exact", "f1", *_OPTIONAL)
    columns |= {
        name: getattr(outcomes, name) for name in numbers if getattr(outcomes, name) is not None
    }
    table = pa.table(columns).replace_schema_metadata({"format": FORMAT})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_bytes(path, buffer.getvalue())


_OPTIONAL = ("null_odds", "windows", "obstacle", "n_best_exact")
_REQUIRED = (
    *("id", "title", "question", "context", "answers", "answer"),
    *("tune", "start", "end", "exact", "f1"),
)


def read(path: Path) -> Outcomes:
    """Read what :func:`write` wrote.

    Raises:
        ReportError: the file is missing, or is none of this format.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise ReportError(
            f"{path} cannot be read ({error}); it is written beside each report: run anew."
        ) from error
    known = (table.schema.metadata or {}).get(b"format") == FORMAT.encode()
    if not known or not set(_REQUIRED) <= set(table.column_names):
        raise ReportError(f"{path} is no {FORMAT} file; run anew with this version of qabench.")

    def texts(name: str) -> list[str]:
        return table.column(name).to_pylist()  # type: ignore[no-any-return]

    def numbers(name: str) -> Any:
        return table.column(name).to_numpy() if name in table.column_names else None

    golds = [
        tuple(GoldAnswer(gold["text"], gold["answer_start"]) for gold in of_one)
        for of_one in table.column("answers").to_pylist()
    ]
    fields = (texts("id"), texts("question"), texts("context"), golds, texts("title"))
    arrays = {name: numbers(name) for name in ("tune", "start", "end", "exact", "f1", *_OPTIONAL)}
    return Outcomes(
        examples=tuple(QAExample(*one) for one in zip(*fields, strict=True)),
        answers=tuple(texts("answer")),
        **arrays,
    )
