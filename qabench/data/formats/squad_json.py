"""SQuAD v1.1 and v2.0 as published: articles of paragraphs of questions; or only paragraphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qabench.data.audit import RawRecord
from qabench.data.conventions import FLAGS, KNOWN
from qabench.data.formats.content import Content
from qabench.data.formats.json_parts import as_object, entries, list_in

# Of a paragraph or an article, not of a question.
_SHARED = {"title", "context", "text", "document"}


def recognises(content: Content) -> bool:
    """Whether any entry has paragraphs, or is one."""
    return any(map(is_nested, _articles(content.document)[1]))


def is_nested(entry: object) -> bool:
    """Whether an entry is an article or a paragraph of questions."""
    return isinstance(entry, dict) and ("paragraphs" in entry or "qas" in entry)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each question, with the title of its article and the context of its paragraph.

    Raises:
        DataError: an article, paragraph or question has another structure.
    """
    root, articles = _articles(content.document)
    for index, article in enumerate(articles):
        yield from nested(content, article, f"{root}[{index}]")


def _articles(document: object) -> tuple[str, list[Any]]:
    if is_nested(document):
        return "", [document]
    return entries(document) or ("", [])


def nested(content: Content, entry: object, place: str) -> Iterator[RawRecord]:
    """The records of an article, or of a paragraph that stands in the place of one."""
    article = as_object(content, entry, place)
    if "qas" in article and "paragraphs" not in article:
        yield from _paragraph(content, article, article.get("title"), place)
        return
    for index, paragraph in enumerate(list_in(content, article, place, "paragraphs")):
        where = f"{place}.paragraphs[{index}]"
        yield from _paragraph(content, paragraph, article.get("title"), where)


def _paragraph(content: Content, paragraph: Any, title: Any, place: str) -> Iterator[RawRecord]:
    questions = list_in(content, paragraph, place, "qas")
    shared = {"title": title}
    if name := next((one for one in _CONTEXTS if one in paragraph), None):
        shared["context"] = paragraph[name]
    for index, question in enumerate(questions):
        where = f"{place}.qas[{index}]"
        fields = _fields(as_object(content, question, where))
        yield RawRecord(where, fields | shared, _lost_answer(fields))


_CONTEXTS = ("context", "context_text")


def _lost_answer(fields: Mapping[str, Any]) -> tuple[str, str] | None:
    """The problem of an empty answer at 0 where no flag says whether there is an answer.

    Without flags it is SQuAD v1.1, where each question has one: translations have lost some.
    """
    answers = fields.get("answers")
    if not isinstance(answers, list) or not answers or any(name in FLAGS for name in fields):
        return None
    if all(isinstance(one, dict) and _is_at_0(one) for one in answers):
        return "answers[0].text", "is empty; a question without an answer has answers []"
    return None


def _is_at_0(answer: Mapping[str, Any]) -> bool:
    return answer.get("text") == "" and answer.get("answer_start") == 0


def _fields(question: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: question[name] for name in question if name in KNOWN and name not in _SHARED}
    # Some SQuAD v2 files leave the key out where is_impossible says it all.
    if "answers" not in fields and any(question.get(name) is FLAGS[name] for name in FLAGS):
        fields["answers"] = []
    return fields
