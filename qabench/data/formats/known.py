"""JSON of other question answering data, told by its keys, without answers at a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qabench.data.formats.content import Content
from qabench.errors import DataError


@dataclass(frozen=True, slots=True)
class Known:
    """A format that is recognised but not read.

    Attributes:
        name: of the data set or tool.
        keys: that one of its records has.
        advice: how to convert it.
    """

    name: str
    keys: frozenset[str]
    advice: str


_WRITE = "write a record for each question, with id, context, question and answers"
_FIND = f"{_WRITE}, where answer_start is the place of each answer in the context"
_KNOWN = tuple(
    Known(name, frozenset(keys.split()), advice)
    for name, keys, advice in (
        (
            "MultiSpanQA",
            "question context label num_span",
            "join the tokens of question and context with blanks, and make an answer of each run "
            "of B and I labels",
        ),
        ("HotpotQA", "question context supporting_facts", _FIND),
        ("CoQA", "story questions answers", f"{_WRITE}; its span_text is what stands in the story"),
        (
            "Natural Questions",
            "document_html annotations",
            f"{_WRITE}, from the short answers of each page",
        ),
        (
            "Natural Questions",
            "document_text question_text annotations",
            f"{_WRITE}, from the short answers of each page",
        ),
        ("DROP", "passage qa_pairs", f"{_FIND}; answers that are numbers or dates are no spans"),
        ("TriviaQA", "Question EntityPages SearchResults", _FIND),
        ("BoolQ", "question passage answer title", "its answers are yes or no, which are no spans"),
        ("a multiple choice data set", "question options answer", "its answers are no spans"),
        (
            "an export of Label Studio",
            "annotations data",
            "export it as JSON-MIN, and name the columns id, context, question, text and "
            "answer_start",
        ),
    )
)


def refuse(content: Content, entry: Mapping[str, Any]) -> None:
    """Stop at a record of a known other format.

    Raises:
        DataError: it is one; the message names it and says how to convert it.
    """
    for one in _KNOWN:
        if one.keys <= entry.keys() and not _has_places(entry.get("answers")):
            raise DataError(
                f"{content.name}: looks like {one.name}, which is not read; {one.advice}"
            )


def _has_places(answers: object) -> bool:
    """Whether these are answers at a place, which can be read whatever else is there."""
    first = answers[0] if isinstance(answers, list) and answers else answers
    return isinstance(first, dict) and "answer_start" in first
