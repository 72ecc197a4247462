"""Made-up questions about people, as nested SQuAD v2 data."""

from __future__ import annotations

import random

NAMES = [
    "Anna",
    "Bert",
    "Cora",
    "Dirk",
    "Emil",
    "Fred",
    "Gina",
    "Hugo",
    "Iris",
    "Jane",
    "Karl",
    "Lena",
]
PLACES = ["Paris", "Rome", "Oslo", "Bern", "Cairo", "Lima", "Quito", "Delhi"]
THINGS = ["a red boat", "an old piano", "the green hat", "two small dogs", "a book of maps"]
FILLER = "It rained all day in the valley and nobody said a word about the weather ."


def squad(questions: int, seed: int, filler: int = 1) -> dict:
    """Nested SQuAD v2 data: who lives where and owns what; every third question unanswerable."""
    draw = random.Random(seed)
    qas, paragraphs = [], []
    for number in range(questions):
        name, other = draw.sample(NAMES, 2)
        place, thing = draw.choice(PLACES), draw.choice(THINGS)
        context = f"{name} lives in {place} . {FILLER * filler} {name} owns {thing} ."
        if number % 3 == 2:
            question, answer = f"Where does {other} live ?", None
        elif number % 3:
            question, answer = f"What does {name} own ?", thing
        else:
            question, answer = f"Where does {name} live ?", place
        found = context.rindex(answer) if answer else -1
        qas = [
            {
                "id": f"s{seed}-{number}",
                "question": question,
                "is_impossible": answer is None,
                "answers": [{"text": answer, "answer_start": found}] if answer else [],
                "plausible_answers": [] if answer else [{"text": place, "answer_start": 0}],
            }
        ]
        paragraphs.append({"context": context, "qas": qas})
    return {"version": "v2.0", "data": [{"title": "People", "paragraphs": paragraphs}]}
