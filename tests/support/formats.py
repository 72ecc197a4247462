"""A few examples, and records of them as files hold them."""

from __future__ import annotations

from qabench.data.examples import GoldAnswer, QAExample

CONTEXT = "🎻 Ada wrote the first program."
EXAMPLES = (
    QAExample("q1", "Who wrote it?", CONTEXT, (GoldAnswer("Ada", 2),), "Lovelace"),
    QAExample("q2", "Who read it?", CONTEXT, (), "Lovelace"),
    QAExample("q3", "Which one?", "The\u2028last one.", (GoldAnswer("last", 4),), "Other"),
)


def rows(answers):
    return [{"text": answer.text, "answer_start": answer.start} for answer in answers]


def columns(answers):
    return {"text": [a.text for a in answers], "answer_start": [a.start for a in answers]}


def flat(examples, form=columns):
    return [
        {
            "id": example.id,
            "title": example.title,
            "context": example.context,
            "question": example.question,
            "answers": form(example.answers),
        }
        for example in examples
    ]
