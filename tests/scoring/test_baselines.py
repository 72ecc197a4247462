"""The lines that need no head."""

from __future__ import annotations

import pytest

from qabench.data.examples import GoldAnswer, QAExample
from qabench.scoring.baselines import human, random_span
from qabench.scoring.squad import exact_match, token_f1


def question(id: str, *golds: str, context="the old red house stands here", title="t") -> QAExample:
    answers = tuple(GoldAnswer(gold, context.index(gold)) for gold in golds)
    return QAExample(id, "what ?", context, answers, title)


def test_humans_are_each_gold_against_the_others_averaged_by_question():
    golds = [["old red house", "red house", "red house"], ["here", "here"], ["house"], []]
    examples = [question(str(place), *of_one) for place, of_one in enumerate(golds)]
    scores = []
    for of_one in golds[:2]:
        each = [
            (max(exact_match(other, gold) for other in rest), max(token_f1(o, gold) for o in rest))
            for place, gold in enumerate(of_one)
            for rest in [of_one[:place] + of_one[place + 1 :]]
        ]
        scores.append([sum(column) / len(each) for column in zip(*each, strict=True)])
    found = human(examples)
    assert found.questions == 2
    assert found.exact == pytest.approx(100 * sum(one[0] for one in scores) / 2)
    assert found.f1 == pytest.approx(100 * sum(one[1] for one in scores) / 2)


def test_without_several_golds_there_is_no_human_line():
    assert human([question("a", "old"), question("b")]) is None


def test_a_random_span_is_the_same_for_the_same_question_whatever_the_others():
    examples = [question(str(place), "old") for place in range(40)]
    found = random_span(examples, 5)
    assert random_span(examples[::-1], 5).f1 == pytest.approx(found.f1)
    assert 0 < found.f1 < 60


def test_one_word_of_one_is_always_found():
    assert random_span([question("a", "here", context="here")], 30).exact == 100
