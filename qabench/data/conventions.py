"""The ways in which people write records, brought to the one that the audit checks.

Nothing here judges: what can be read in one way only is written as the audit wants it, and counted
so that it can be said; all else is left as it is, for the audit to name.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from qabench.data.audit import RawRecord
from qabench.data.literals import literal

# Other names of a field, for records that lack its own.
NAMES = {
    "id": ("qid", "question_id", "query_id", "uid", "_id"),
    "question": ("question_text", "query_text", "query"),
    "context": ("context_text", "document_text", "passage", "paragraph", "document"),
    "answers": ("detected_answers", "answer"),
}
# Columns of the only answer, where each has its own.
TEXTS = ("text", "answer_text", "answer", "answers")
STARTS = ("answer_start", "start", "start_index", "start_char")
# Names of a flag, and whether it says that there is no answer.
FLAGS = {
    "is_impossible": True,
    "answerable": False,
    "is_answerable": False,
    "has_answer": False,
}
_CATEGORIES = ("answer_category", "answer_type")
KNOWN = {
    *NAMES,
    *chain.from_iterable(NAMES.values()),
    *TEXTS,
    *STARTS,
    *FLAGS,
    *_CATEGORIES,
    "title",
}
_UNUSUAL = KNOWN - {"id", "question", "context", "answers", "title", "is_impossible"}
_NONE = {"no_answer", "noanswer", "no answer", "none", "unanswerable", "impossible"}
_NO_SPAN = {"yes", "no"}
# Whole numbers that a float cannot mistake for their neighbours.
_EXACT = 2**53

_NUMBERS = "ids that are whole numbers are read as text"
_MADE = "records have no id; ids are made from their context and question"
_EMPTY = "questions with an empty answer are read as questions without an answer"
_FLOATS = "starts that are not written as whole numbers are read as such"


def standard(records: Iterable[RawRecord], said: Counter[str]) -> Iterator[RawRecord]:
    """The records as the audit wants them.

    Args:
        records: as a format finds them.
        said: counts each thing that is read other than it is written, by a phrase.
    """
    records = iter(records)
    first = next(records, None)
    if first is None:
        return
    # Whether any record has an id is known only at the end; files without one are rare.
    if _has_id(first):
        yield from (_standard(one, said) for one in chain([first], records))
        return
    every = [first, *records]
    read = (_standard(one, said) for one in every)
    yield from read if any(map(_has_id, every)) else _with_ids(read, said)


def missing(columns: Iterable[str]) -> list[str]:
    """The fields that a table with these columns cannot give; ids can be made."""
    present = set(columns)
    lacking = [
        name for name in ("question", "context") if not present.intersection((name, *NAMES[name]))
    ]
    in_columns = present.intersection(TEXTS) and present.intersection(STARTS)
    if not in_columns and not present.intersection(("answers", *NAMES["answers"])):
        lacking.append("answers")
    return lacking


def _has_id(record: RawRecord) -> bool:
    return any(record.fields.get(name) is not None for name in ("id", *NAMES["id"]))


def _with_ids(records: Iterable[RawRecord], said: Counter[str]) -> Iterator[RawRecord]:
    seen = Counter[str]()
    for record in records:
        asked = (record.fields.get("context"), record.fields.get("question"))
        content = "\0".join(map(str, asked)).encode("utf-8", "surrogatepass")
        made = hashlib.sha256(content).hexdigest()[:16]
        seen[made] += 1
        said[_MADE] += 1
        again = f"-{seen[made]}" if seen[made] > 1 else ""
        yield RawRecord(record.where, {**record.fields, "id": made + again}, record.problem)


def _standard(record: RawRecord, said: Counter[str]) -> RawRecord:
    if _is_standard(record.fields):
        return record
    fields = dict(record.fields)
    _rename(fields, said)
    fields["id"] = _identifier(fields.get("id"), said)
    if fields["id"] is None:
        del fields["id"]
    title = fields.get("title")
    if isinstance(title, int | float) and not isinstance(title, bool):
        fields["title"] = "" if title != title else str(_whole(title))
    problem = _set_flag(fields)
    given = fields.get("answers")
    # An answer that is known to be wrong is not to be read as another one.
    if record.problem is None:
        _set_answers(fields, said)
    problem = record.problem or problem or _category_problem(fields, given)
    return RawRecord(record.where, fields, problem)


def _is_standard(fields: Mapping[str, Any]) -> bool:
    """Whether a record is written as the audit wants it; most are."""
    return (
        type(fields.get("id")) is str
        and "question" in fields
        and "context" in fields
        and type(fields.get("title")) in (str, type(None))
        and type(fields.get("is_impossible")) in (bool, type(None))
        and _are_standard(fields.get("answers"))
        and _UNUSUAL.isdisjoint(fields)
    )


def _are_standard(answers: Any) -> bool:
    if type(answers) is list:
        return all(
            type(one) is dict
            and type(one.get("answer_start")) is int
            and type(one.get("text")) is str
            and one["text"] != ""
            and _CATEGORIES[0] not in one
            and _CATEGORIES[1] not in one
            for one in answers
        )
    if type(answers) is not dict:
        return False
    texts, starts = answers.get("text"), answers.get("answer_start")
    return (
        type(texts) is list
        and type(starts) is list
        and len(texts) == len(starts)
        and all(type(text) is str and text != "" for text in texts)
        and all(type(start) is int for start in starts)
    )


def _rename(fields: dict[str, Any], said: Counter[str]) -> None:
    detected = fields.pop("detected_answers", None)
    if detected is not None:
        fields["answers"] = _detected(detected)
    for name, others in NAMES.items():
        if fields.get(name) is None:
            other = next((one for one in others if fields.get(one) is not None), None)
            if other == "answer" and not isinstance(fields[other], list | dict):
                continue
            if other is not None:
                fields[name] = fields.pop(other)
                said[f"records have the field {other!r}, which is read as {name!r}"] += 1


def _identifier(value: Any, said: Counter[str]) -> Any:
    number = _whole(value)
    if isinstance(value, bool) or not isinstance(number, int):
        return value
    try:
        text = str(number)
    # Python prints no number of thousands of digits.
    except ValueError:
        return value
    said[_NUMBERS] += 1
    return text


def _whole(value: Any) -> Any:
    """A float that is a whole number as such; any other value itself."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


def _set_flag(fields: dict[str, Any]) -> tuple[str, str] | None:
    """Write the flags of a record as one ``is_impossible``; two that differ are a problem."""
    found = set[bool]()
    for name, impossible in FLAGS.items():
        if name in fields:
            value = _flag(fields[name])
            if name == "is_impossible" or isinstance(value, bool | None):
                fields[name] = value
            if isinstance(value, bool):
                found.add(value is impossible)
    if len(found) > 1:
        return "is_impossible", "says otherwise than another field of the record"
    if found and "is_impossible" not in fields:
        (fields["is_impossible"],) = found
    return None


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        known = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
        return None if not value.strip() else known.get(value.strip().lower(), value)
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    return value


def _set_answers(fields: dict[str, Any], said: Counter[str]) -> None:
    value = fields.get("answers")
    if isinstance(value, str):
        value = literal(value) if value.strip()[:1] in ("[", "{") else None
        if value is not None:
            fields["answers"] = value
    if not isinstance(value, list | dict):
        value = _in_columns(fields)
    if value is None:
        # Without the key nothing says that there is no answer, unless the flag does.
        if "answers" in fields and fields["answers"] is None:
            said[_EMPTY] += 1
            fields["answers"] = []
        elif "answers" not in fields and fields.get("is_impossible") is True:
            fields["answers"] = []
        return
    rows = _rows(value)
    if rows is None:
        return
    rows = [_row(one, said) for one in rows]
    if rows and all(map(_is_empty, rows)):
        said[_EMPTY] += 1
        rows = []
    fields["answers"] = rows


def _in_columns(fields: Mapping[str, Any]) -> list[Any] | None:
    """The only answer of a record that has columns for its text and start."""
    text = next((name for name in TEXTS if name in fields and name != "context"), None)
    start = next((name for name in STARTS if name in fields), None)
    if text is None or start is None:
        return None
    return [{"text": fields[text], "answer_start": fields[start]}]


def _rows(value: Any) -> list[Any] | None:
    """Answers as a list of rows; ``None`` where they have another structure."""
    if isinstance(value, list):
        return value
    text, start = value.get("text"), _start_of(value)
    if not isinstance(text, list) and not isinstance(start, list) and "text" in value:
        return [value]
    if text is None and isinstance(start, list) and not start:
        return []
    if not isinstance(text, list):
        return None
    # A file without answers may have null, or only -1, in the other column.
    if not isinstance(start, list):
        empty = all(not one for one in text)
        return [{"text": one, "answer_start": start} for one in text] if empty else None
    if len(text) != len(start):
        return [] if not any(text) and all(one in (-1, 0, None) for one in start) else None
    return [{"text": one, "answer_start": at} for one, at in zip(text, start, strict=True)]


def _start_of(answer: Mapping[str, Any]) -> Any:
    return next((answer[name] for name in STARTS if name in answer), None)


def _row(answer: Any, said: Counter[str]) -> Any:
    if answer is None:
        return {"text": "", "answer_start": None}
    if not isinstance(answer, dict):
        return answer
    name = next((name for name in STARTS if name in answer), None)
    if name is None:
        return answer if answer.get("text") else {**answer, "answer_start": None}
    start = _whole(answer[name])
    if isinstance(start, str) and start.strip().isascii():
        start = _whole_text(start.strip())
    if type(start) is int and type(answer[name]) is not int:
        said[_FLOATS] += 1
    return {**answer, "answer_start": start}


def _whole_text(text: str) -> Any:
    if text == "":
        return None
    if text.removeprefix("-").isdigit() and len(text) < 19:
        return int(text)
    head, point, zeros = text.partition(".")
    return _whole_text(head) if point and zeros and not zeros.strip("0") and head else text


def _is_empty(answer: Any) -> bool:
    if not isinstance(answer, dict):
        return False
    text, start = answer.get("text"), answer.get("answer_start")
    nowhere = start is None or start != start or (type(start) is int and start in (-1, 0))
    return nowhere and (text is None or text != text or text == "")


def _category_problem(fields: Mapping[str, Any], given: Any) -> tuple[str, str] | None:
    """Where a category says another thing than the answers."""
    listed = given if isinstance(given, list) else [given]
    parts = [fields, *(one for one in listed if isinstance(one, dict))]
    found = {
        part[name].strip().lower()
        for part in parts
        for name in _CATEGORIES
        if isinstance(part.get(name), str)
    }
    answers = fields.get("answers")
    if answers and found & _NONE:
        return "answers", "there are some, but a category says that there is no answer"
    if answers == [] and found & _NO_SPAN:
        said = ", ".join(sorted(found & _NO_SPAN))
        return "answers", f"the category is {said!r}, which is an answer but no span"
    return None


def _detected(value: Any) -> Any:
    """The answers of MRQA, whose spans end at their last character, as rows."""
    if isinstance(value, dict):
        texts, spans = value.get("text"), value.get("char_spans")
        if not isinstance(texts, list) or not isinstance(spans, list) or len(texts) != len(spans):
            return value
        value = [
            {"text": text, "char_spans": span} for text, span in zip(texts, spans, strict=True)
        ]
    return [_detected_row(one) for one in value] if isinstance(value, list) else value


def _detected_row(answer: Any) -> Any:
    if not isinstance(answer, dict) or "char_spans" not in answer:
        return answer
    first, last = _first_span(answer["char_spans"])
    text = answer.get("text")
    if isinstance(text, str) and type(first) is int and type(last) is int:
        # Some tools write the character after the last instead.
        fits = last - first + 1 in (len(text), len(text) + 1)
        first = first if fits else None
    return {"text": text, "answer_start": first}


def _first_span(spans: Any) -> tuple[Any, Any]:
    if isinstance(spans, list) and spans:
        spans = spans[0]
    if isinstance(spans, dict):
        ends = [spans.get("start"), spans.get("end")]
        spans = [one[0] if isinstance(one, list) and one else one for one in ends]
    if isinstance(spans, list) and len(spans) == 2:
        return spans[0], spans[1]
    return None, None
