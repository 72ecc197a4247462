"""The audit of records: the one place that decides what is a valid example.

Formats (``qabench.data.formats``) only find the records in a file, so that the records of every
format are held to the same rules.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qabench.base.garbage import no_collection
from qabench.base.terminal import shortened, visible
from qabench.base.untrusted import lone_surrogate
from qabench.data.examples import (
    UNPLACED,
    BadRecord,
    ExampleSet,
    GoldAnswer,
    OnBadRecord,
    QAExample,
)
from qabench.errors import DataError

REQUIRED_FIELDS = ("id", "question", "context", "answers")
FIELDS = (*REQUIRED_FIELDS, "title", "is_impossible")
_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as a file holds it, unchecked.

    Attributes:
        where: Its place in the file: ``line 3``, or ``data[0].paragraphs[1].qas[2]``.
        fields: Values by the names in ``FIELDS``; other names are ignored.
        problem: A field and what is wrong with it, where reading the record already found that.
    """

    where: str
    fields: Mapping[str, object]
    problem: tuple[str, str] | None = None


@no_collection()
def audit(
    records: Iterable[RawRecord], source: str, on_bad_record: OnBadRecord = "fail"
) -> ExampleSet:
    """Check every record and keep the valid ones.

    Args:
        records: The records of one source, in order.
        source: What to call the source in messages.
        on_bad_record: ``fail`` refuses the whole source; ``skip`` leaves bad records out;
            ``score`` keeps those with an id and the texts of their answers, which is all that
            scores need, without the place of any answer, and refuses the source for any other.

    Raises:
        DataError: A record is bad and ``on_bad_record`` is ``fail``, or no question is left.
    """
    auditor = Auditor()
    examples: list[QAExample] = []
    bad: list[BadRecord] = []
    kept: list[BadRecord] = []
    total = 0
    for record in records:
        total += 1
        try:
            examples.append(auditor.example(record))
        except RecordError as error:
            found = error.of(record, source)
            if on_bad_record == "score" and (unplaced := auditor.unplaced(record)):
                examples.append(unplaced)
                kept.append(found)
            # A refusal names only the first: a file of bad records must not fill memory with them.
            elif not bad or on_bad_record == "skip":
                bad.append(found)
    if bad and on_bad_record != "skip":
        raise DataError(_refusal(bad[0], total - len(examples), total, on_bad_record))
    if not examples:
        raise DataError(_nothing_left(source, bad))
    return ExampleSet(tuple(examples), source, tuple(bad), unplaced=tuple(kept))


def audit_own(records: Iterable[RawRecord], source: str) -> ExampleSet:
    """Check records that qabench wrote of questions that were audited; all must be valid.

    Here an answer may be at ``UNPLACED``, and question and context may be empty, as they are
    where :func:`audit` kept a record for its scores.

    Raises:
        DataError: a record is bad, or there is none.
    """
    auditor = Auditor(own=True)
    examples: list[QAExample] = []
    for record in records:
        try:
            examples.append(auditor.example(record))
        except RecordError as error:
            raise DataError(str(error.of(record, source))) from None
    if not examples:
        raise DataError(_nothing_left(source, ()))
    return ExampleSet(tuple(examples), source, ())


def kind(value: object) -> str:
    """Name the type of a JSON value in a user's words."""
    names = {
        type(None): "null",
        bool: "true or false",
        int: "a whole number",
        float: "a decimal number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


class RecordError(Exception):
    """What is wrong with one record; caught by ``audit``.

    Attributes:
        field: The field at fault.
        problem: What is wrong with it.
        kind: The same without what differs from record to record.
    """

    def __init__(self, field: str, problem: str, kind: str = "") -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem
        self.kind = kind or problem

    def of(self, record: RawRecord, source: str) -> BadRecord:
        """The record that it is wrong with."""
        field = _INDEX.sub("", self.field)
        problem = f"{self.problem} ({record.where})"
        return BadRecord(source, _usable_id(record), self.field, problem, f"{field} {self.kind}")


class Auditor:
    """Checks the records of one source, and remembers ids and contexts between them."""

    def __init__(self, own: bool = False) -> None:
        self._own = own
        self._place_of_id: dict[str, str] = {}
        # One string object for each distinct context, which is checked once: the 130,000 training
        # questions of SQuAD share 20,000 contexts.
        self._contexts: dict[str, str] = {}

    def example(self, record: RawRecord) -> QAExample:
        """Check one record and build its example, or raise ``RecordError``."""
        fields = record.fields
        identifier = self._identifier(record)
        if record.problem is not None:
            raise RecordError(*record.problem)
        question = _text("question", _required(fields, "question"), self._own)
        context = self._context(_required(fields, "context"))
        answers = _answers(_required(fields, "answers"), context, self._own)
        _check_flag(fields.get("is_impossible"), answers)
        return QAExample(identifier, question, context, answers, _title(fields.get("title")))

    def unplaced(self, record: RawRecord) -> QAExample | None:
        """What scores need of a bad record: its id and the texts of its answers, if it has them."""
        fields = record.fields
        texts = _texts(fields.get("answers"))
        try:
            identifier = self._identifier(record)
        except RecordError:
            return None
        if texts is None:
            return None
        question, context, title = (
            _storable(fields.get(name)) for name in ("question", "context", "title")
        )
        context = self._contexts.setdefault(context, context)
        answers = tuple(GoldAnswer(_storable(text), UNPLACED) for text in texts)
        return QAExample(identifier, question, context, answers, title)

    def _identifier(self, record: RawRecord) -> str:
        identifier = _text("id", _required(record.fields, "id"))
        first = self._place_of_id.setdefault(identifier, record.where)
        if first != record.where:
            raise RecordError("id", f"is already the id of {first}", "is not unique")
        return identifier

    def _context(self, value: object) -> str:
        if isinstance(value, str) and value in self._contexts:
            return self._contexts[value]
        context = _text("context", value, self._own)
        return self._contexts.setdefault(context, context)


def _required(fields: Mapping[str, object], name: str) -> object:
    if name not in fields:
        raise RecordError(name, "is missing")
    return fields[name]


def _text(field: str, value: object, may_be_empty: bool = False) -> str:
    if not isinstance(value, str):
        raise RecordError(field, f"must be text, not {kind(value)}")
    if (not value or value.isspace()) and not may_be_empty:
        raise RecordError(field, "is empty")
    _check_characters(field, value)
    return value


def _check_characters(field: str, text: str) -> None:
    if half := lone_surrogate(text):
        code = f"U+{ord(half[0]):04X}"
        what = "holds half of a surrogate pair"
        raise RecordError(field, f"{what} ({code}) at offset {half.start()}", what)


def _title(value: object) -> str:
    # A Parquet column holds null where a record has no title.
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise RecordError("title", f"must be text, not {kind(value)}")
    _check_characters("title", value)
    return value


def _check_flag(flag: object, answers: Sequence[GoldAnswer]) -> None:
    if flag is None:
        return
    if not isinstance(flag, bool):
        raise RecordError("is_impossible", f"must be true or false, not {kind(flag)}")
    if flag and answers:
        raise RecordError("is_impossible", "is true, but the question has answers")
    if not flag and not answers:
        raise RecordError("is_impossible", "is false, but the question has no answers")


def _texts(value: object) -> list[str] | None:
    """The texts of answers, whatever their starts; ``None`` if one is not text."""
    if isinstance(value, dict):
        value = value.get("text")
    if not isinstance(value, list):
        return None
    every = [one.get("text") if isinstance(one, dict) else one for one in value]
    texts = [text for text in every if isinstance(text, str)]
    return texts if len(texts) == len(every) else None


def _storable(value: object) -> str:
    """Text that can be written as UTF-8; "" for anything else than text."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _answers(value: object, context: str, own: bool = False) -> tuple[GoldAnswer, ...]:
    pairs = _pairs(value)
    found: list[GoldAnswer] = []
    try:
        for text, start in pairs:
            found.append(_answer(text, start, context, own))
    except RecordError as error:
        field = f"answers[{len(found)}].{error.field}"
        raise RecordError(field, error.problem, error.kind) from None
    return tuple(found)


def _pairs(value: object) -> list[tuple[object, object]]:
    """The answers as pairs of text and start, whether they are a list or columns."""
    if isinstance(value, dict):
        texts, starts = _column(value, "text"), _column(value, "answer_start")
        if len(texts) != len(starts):
            raise RecordError(
                "answers",
                f"has {len(texts)} in 'text' but {len(starts)} in 'answer_start'",
                "has columns of different lengths",
            )
        return list(zip(texts, starts, strict=True))
    if isinstance(value, list):
        return [_row(i, answer) for i, answer in enumerate(value)]
    raise RecordError(
        "answers",
        f"must be a list or an object, not {kind(value)}; a question without an answer has []",
    )


def _column(answers: Mapping[str, object], name: str) -> list[object]:
    field = f"answers.{name}"
    if name not in answers:
        raise RecordError(field, "is missing")
    column = answers[name]
    if not isinstance(column, list):
        raise RecordError(field, f"must be a list, not {kind(column)}")
    return column


def _row(index: int, answer: object) -> tuple[object, object]:
    if not isinstance(answer, dict):
        raise RecordError(f"answers[{index}]", f"must be an object, not {kind(answer)}")
    for name in ("text", "answer_start"):
        if name not in answer:
            raise RecordError(f"answers[{index}].{name}", "is missing")
    return answer["text"], answer["answer_start"]


def _answer(raw_text: object, start: object, context: str, own: bool) -> GoldAnswer:
    if own and start == UNPLACED:
        return GoldAnswer(_text("text", raw_text, may_be_empty=True), UNPLACED)
    if raw_text in ("", None):
        raise RecordError("text", "is empty; a question without an answer has answers []")
    text = _text("text", raw_text)
    # bool is a subclass of int: true would count as offset 1.
    if isinstance(start, bool) or not isinstance(start, int):
        raise RecordError("answer_start", f"must be a whole number, not {kind(start)}")
    # A negative start would count from the context's end.
    if start < 0 or not context.startswith(text, start):
        raise _misplaced(text, start, context)
    return GoldAnswer(text, start)


def _misplaced(text: str, start: int, context: str) -> RecordError:
    nearest = _nearest(text, start, context)
    if nearest is None:
        what = "is nowhere in the context"
        return RecordError("text", f"{_quoted(text)} {what}", what)
    if start < 0:
        wrong = "is negative"
    elif start >= len(context):
        wrong = f"is past the end of the context, {len(context)} characters long"
    else:
        wrong = f"is {start}, where the context does not read {_quoted(text)}"
    problem = f"{wrong}; the nearest place is {nearest}"
    return RecordError("answer_start", problem, "is not the place of the answer")


def _nearest(text: str, start: int, context: str) -> int | None:
    start = min(max(start, 0), len(context))
    found = (context.rfind(text, 0, start + len(text)), context.find(text, start))
    return min((at for at in found if at >= 0), key=lambda at: abs(at - start), default=None)


def _quoted(text: str) -> str:
    return repr(shortened(text, 40))


def _usable_id(record: RawRecord) -> str:
    identifier = record.fields.get("id")
    if not isinstance(identifier, str) or identifier.isspace():
        return ""
    return visible(identifier)


def _refusal(first: BadRecord, bad: int, total: int, on_bad_record: OnBadRecord) -> str:
    count = f"{bad} of {total} records {'is' if bad == 1 else 'are'} bad"
    count += " (qabench audit sorts them)" * (bad > 1)
    if on_bad_record == "score":
        return f"{first}; {count}, and scores need the id and the answers of each: correct the data"
    return f"{first}; {count}: correct the data, or leave them out with --on-bad-record skip"


def _nothing_left(source: str, bad: Sequence[BadRecord]) -> str:
    if bad:
        return f"no question is left: all {len(bad)} records are bad, the first being {bad[0]}"
    return f"{source}: holds no question; use a file with at least one"
