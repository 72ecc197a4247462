"""``qabench audit``: every bad record of a file by kind, and a copy with its offsets corrected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qabench.base.files import write_text
from qabench.base.terminal import visible
from qabench.data.audit import Auditor, RawRecord, RecordError
from qabench.data.conventions import standard
from qabench.data.examples import BadRecord, QAExample
from qabench.data.offsets import NEAR, Misplaced, Placement, place
from qabench.data.readers import records
from qabench.errors import DataError

BAD_RECORDS = "bad_records.jsonl"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file holds.

    Attributes:
        name: of the file.
        examples: the valid examples, and those that can be placed without doubt, in their order.
        valid: how many are valid as they stand.
        bad: the bad records.
        placement: of the misplaced answers.
        notes: what was read other than it is written.
    """

    name: str
    examples: tuple[QAExample, ...]
    valid: int
    bad: tuple[BadRecord, ...]
    placement: Placement
    notes: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many records there are."""
        return self.valid + len(self.bad)

    @property
    def unplaced(self) -> int:
        """How many records are still bad after the offsets are corrected."""
        return self.total - len(self.examples)

    def lines(self) -> Iterator[str]:
        """A summary: counts, each kind of problem with its first record, and what can be done."""
        unanswerable = sum(not one.is_answerable for one in self.examples)
        yield (
            f"{self.name}: {self.total} records, {self.valid} valid, {len(self.bad)} bad; "
            f"{unanswerable} without answer"
        )
        yield from (f"  {note}" for note in self.notes)
        kinds = Counter(one.kind for one in self.bad)
        first = {one.kind: one for one in reversed(self.bad)}
        for kind, count in kinds.most_common():
            id = f"question {first[kind].id!r}" if first[kind].id else "a question without an id"
            yield f"  {count} × {kind}"
            yield f"    first: {id}, {first[kind].field!r}: {first[kind].problem}"
        if misplaced := len(self.placement.places):
            why = self.placement.cause or f"the text stands once within {NEAR} characters"
            yield (
                f"  {self.placement.placed} of {misplaced} misplaced answers have one possible "
                f"place: {why}"
            )


def inspect(path: Path) -> Inspection:
    """Audit every record of a file.

    Raises:
        DataError: it cannot be read.
    """
    name = visible(str(path))
    said = Counter[str]()
    # A bad record is kept to be tried again with its answers placed.
    found: list[QAExample | tuple[RawRecord, BadRecord]] = []
    auditor = Auditor()
    for record in standard(records(path), said):
        try:
            found.append(auditor.example(record))
        except RecordError as error:
            found.append((record, error.of(record, name)))
    bad = [one for one in found if isinstance(one, tuple)]
    misplaced = [list(_misplaced(record.fields)) for record, _ in bad]
    placement = place([one for answers in misplaced for one in answers])
    places = iter(placement.places)
    fixed = [
        _fixed(auditor, record, [next(places) for _ in answers])
        for (record, _), answers in zip(bad, misplaced, strict=True)
    ]
    again = iter(fixed)
    examples = [next(again) if isinstance(one, tuple) else one for one in found]
    return Inspection(
        name=name,
        examples=tuple(one for one in examples if one is not None),
        valid=len(found) - len(bad),
        bad=tuple(one for _, one in bad),
        placement=placement,
        notes=tuple(f"{count} {what}" for what, count in said.items()),
    )


def _rows(fields: Mapping[str, object]) -> list[dict[str, Any]]:
    """The answers as rows; none where they have another structure."""
    answers = fields.get("answers")
    if isinstance(answers, dict):
        texts, starts = answers.get("text"), answers.get("answer_start")
        if not isinstance(texts, list) or not isinstance(starts, list):
            return []
        if len(texts) != len(starts):
            return []
        answers = [
            {"text": text, "answer_start": at} for text, at in zip(texts, starts, strict=True)
        ]
    if not isinstance(answers, list) or not all(isinstance(one, dict) for one in answers):
        return []
    return answers


def _misplaced(fields: Mapping[str, object]) -> Iterator[Misplaced]:
    """The answers of a record that are in its context, but not at their start."""
    for row in _rows(fields):
        if (one := _as_misplaced(row, fields.get("context"))) is not None:
            yield one


def _as_misplaced(row: Mapping[str, Any], context: object) -> Misplaced | None:
    text, start = row.get("text"), row.get("answer_start")
    if not isinstance(text, str) or not isinstance(context, str) or type(start) is not int:
        return None
    one = Misplaced(text, start, context)
    return one if text.strip() and text in context and not one.fits(start) else None


def _fixed(auditor: Auditor, record: RawRecord, places: Sequence[int | None]) -> QAExample | None:
    """The example of a record with its misplaced answers at these places, if it is then valid."""
    if not places or None in places:
        return None
    ahead, context = iter(places), record.fields["context"]
    rows = [
        {**row, "answer_start": next(ahead)} if _as_misplaced(row, context) else row
        for row in _rows(record.fields)
    ]
    fields = {**record.fields, "answers": rows}
    try:
        return auditor.example(RawRecord(record.where, fields, record.problem))
    except RecordError:
        return None


def write_examples(examples: Iterable[QAExample], path: Path) -> None:
    """Write examples as JSON lines, or as one list where the suffix is ``.json``.

    Raises:
        DataError: the file exists.
        RunError: it cannot be written.
    """
    if path.exists():
        raise DataError(f"{path} exists; name a new file.")
    found = [
        {
            "id": one.id,
            "title": one.title,
            "context": one.context,
            "question": one.question,
            "answers": [{"text": gold.text, "answer_start": gold.start} for gold in one.answers],
        }
        for one in examples
    ]
    lines = [json.dumps(one, ensure_ascii=False) for one in found]
    is_list = path.suffix.lower() == ".json"
    whole = "[" + ",\n".join(lines) + "]\n" if is_list else "".join(f"{one}\n" for one in lines)
    write_text(path, whole)


def write_bad(bad: Sequence[BadRecord], folder: Path) -> tuple[str, ...]:
    """Write bad records as JSON lines into a folder; return the name of the file, if there is one.

    Raises:
        RunError: the file cannot be written.
    """
    path = folder / BAD_RECORDS
    if not bad:
        path.unlink(missing_ok=True)
        return ()
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in bad]
    write_text(path, "".join(f"{one}\n" for one in lines))
    return (BAD_RECORDS,)
