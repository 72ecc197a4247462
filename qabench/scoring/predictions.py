"""Scores of prediction and null-odds files of any tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qabench.base.garbage import no_collection
from qabench.data.examples import ExampleSet, QAExample
from qabench.errors import DataError
from qabench.scoring.data_doubts import remarks
from qabench.scoring.prediction_files import by_id, is_finite, odds_in, read_answers, short
from qabench.scoring.scores import NULL_THRESHOLD
from qabench.scoring.squad import (
    AveragePrecisions,
    Gold,
    GoldSet,
    OfficialScores,
    always_null,
    average_precisions,
    official_scores,
    score_questions,
)


@dataclass(frozen=True, slots=True)
class FileScores:
    """Scores of a predictions file beside those of always answering "".

    Attributes:
        official: of the file.
        always_null: of always answering "".
        missing: ids that the files lack, scored as "" (or null odds 0).
        extra: ids in the files that no question has, ignored.
        unplaced: questions that failed the audit and are scored by the texts of their golds.
        average_precisions: of the null odds; ``None`` without them, or where no question has an
            answer.
        remarks: what a reader must know of these scores, a sentence each.
    """

    official: OfficialScores
    always_null: OfficialScores
    missing: int
    extra: int
    average_precisions: AveragePrecisions | None = None
    remarks: tuple[str, ...] = ()
    unplaced: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types, without what is ``None``."""
        found = {
            "official": self.official.as_dict(),
            "always_null": self.always_null.as_dict(),
            "missing": self.missing,
            "extra": self.extra,
        }
        if self.average_precisions is not None:
            found["average_precisions"] = asdict(self.average_precisions)
        if self.unplaced:
            found["failed_audit"] = self.unplaced
        if self.remarks:
            found["remarks"] = list(self.remarks)
        return found


def golds_of(examples: Sequence[QAExample]) -> GoldSet:
    """The golds of every question, in the data's order."""
    return GoldSet(Gold(one.id, tuple([gold.text for gold in one.answers])) for one in examples)


@no_collection()
def score_files(
    data: ExampleSet,
    predictions: Path,
    null_odds: Path | None = None,
    null_threshold: float = NULL_THRESHOLD,
    *,
    allow_missing: bool = False,
) -> FileScores:
    """Score a predictions file against the golds of ``data``.

    Raises:
        DataError: a file cannot be read, a value has a wrong type, or ids are missing or extra
            and ``allow_missing`` is not set.
    """
    golds = golds_of(data.examples)
    given = read_answers(predictions)
    texts = _Fitted.of(golds, predictions, given.texts, "")
    odds = None
    if null_odds is not None or given.null_odds is not None:
        values = given.null_odds if null_odds is None else read_null_odds(null_odds)
        odds = _Fitted.of(golds, null_odds or predictions, values or {}, 0.0)
    files = [texts] if odds is None else [texts, odds]
    if not allow_missing:
        for file in files:
            file.refuse(
                "score the file that belongs to this data, or allow missing and extra ids with "
                "--allow-missing."
            )
    evidence = None if odds is None else odds.values
    precisions = None
    if evidence is not None:
        precisions = average_precisions(score_questions(golds, texts.values), evidence)
    return FileScores(
        official=official_scores(golds, texts.values, evidence, null_threshold),
        always_null=always_null(golds),
        missing=sum(len(file.missing) for file in files),
        extra=sum(len(file.extra) for file in files),
        average_precisions=precisions,
        unplaced=len(data.unplaced),
        remarks=(*remarks(data), *given.notes),
    )


def refuse_misfits(golds: Sequence[Gold], path: Path, given: Mapping[str, Any]) -> None:
    """Refuse a file that does not have exactly the questions of the data.

    Raises:
        DataError: it lacks questions, or has others.
    """
    _Fitted.of(golds, path, given, None).refuse("use the file that belongs to this data.")


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A file's values for exactly the questions of the data, and the ids that did not fit."""

    path: Path
    values: dict[str, Any]
    missing: list[str]
    extra: list[str]

    @classmethod
    def of(
        cls, golds: Sequence[Gold], path: Path, given: Mapping[str, Any], default: object
    ) -> _Fitted:
        wanted = {gold.id for gold in golds}
        missing = [gold.id for gold in golds if gold.id not in given]
        # The file's own order is kept: the official best_* depend on it where null odds tie.
        values = {id: value for id, value in given.items() if id in wanted}
        values.update(dict.fromkeys(missing, default))
        return cls(path, values, missing, [id for id in given if id not in wanted])

    def refuse(self, advice: str) -> None:
        """Raise ``DataError`` with this advice unless every id fits."""
        wrong = [
            f"{what} (first: {ids[0]!r})"
            for what, ids in (
                (f"lacks {len(self.missing)} of {len(self.values)} questions", self.missing),
                (f"has {len(self.extra)} ids that no question of the data has", self.extra),
            )
            if ids
        ]
        if wrong:
            raise DataError(f"{self.path} {' and '.join(wrong)}; {advice}")


def read_predictions(path: Path) -> dict[str, str]:
    """Answer text by question id; "" means no answer.

    Raises:
        DataError: as for :func:`qabench.scoring.prediction_files.read_answers`.
    """
    return dict(read_answers(path).texts)


def read_null_odds(path: Path) -> dict[str, float]:
    """Evidence for no answer by question id: the higher, the more.

    Raises:
        DataError: it cannot be read, is not a JSON object, has an id twice, or a value that is not
            a finite number.
    """
    odds = by_id(path).values
    for id, value in odds.items():
        odds[id] = value = odds_in(value)
        if not is_finite(value):
            raise DataError(
                f"{path}, question {id!r}: the null odds are {short(value)}, not a finite number; "
                f"fix that entry."
            )
    return odds
