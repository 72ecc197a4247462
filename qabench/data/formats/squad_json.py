"""SQuAD v1.1 and v2.0 as published: articles of paragraphs of questions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qabench.data.audit import RawRecord
from qabench.data.formats.content import Content
from qabench.data.formats.json_parts import as_object, entries, list_in


def recognises(content: Content) -> bool:
    """Whether any entry has paragraphs."""
    _, articles = entries(content.document) or ("", [])
    return any(isinstance(one, dict) and "paragraphs" in one for one in articles)


def records(content: Content) -> Iterator[RawRecord]:
    """A record for each question, with the title of its article and the context of its paragraph.

    Raises:
        DataError: an article, paragraph or question has another structure.
    """
    root, articles = entries(content.document) or ("", [])
    for a, article in enumerate(articles):
        place = f"{root}[{a}]"
        for p, paragraph in enumerate(list_in(content, article, place, "paragraphs")):
            spot = f"{place}.paragraphs[{p}]"
            questions = list_in(content, paragraph, spot, "qas")
            shared = {"title": article.get("title")}
            if "context" in paragraph:
                shared["context"] = paragraph["context"]
            for q, question in enumerate(questions):
                where = f"{spot}.qas[{q}]"
                yield RawRecord(where, _fields(as_object(content, question, where)) | shared)


def _fields(question: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "question", "answers", "is_impossible")
    fields = {name: question[name] for name in names if name in question}
    # Some SQuAD v2 files leave the key out where is_impossible says it all.
    if question.get("is_impossible") is True:
        fields.setdefault("answers", [])
    return fields
