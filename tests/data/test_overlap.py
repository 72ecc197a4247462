"""What training and dev data share is counted after normalization; the same data is refused."""

import pytest

from qabench.data.examples import ExampleSet, QAExample
from qabench.data.overlap import Overlap, overlap, refuse_same
from qabench.errors import DataError


def question(id, text="Who?", context="The mill."):
    return QAExample(id, text, context, ())


def data(*examples):
    return ExampleSet(examples, "data.json", ())


def test_ids_questions_and_contexts_are_counted_by_dev_question():
    train = [question("a"), question("b", "When?", "A bridge.")]
    dev = [
        question("a", "Where?", "Other."),
        question("c", "WHO? "),
        question("d", "Why?", "A  bridge.\n"),
        question("e", "How?", "Ａ bridge."),
        question("f", "What?", "More."),
    ]
    assert overlap(train, dev) == Overlap(ids=1, questions=1, contexts=3)
    assert overlap(train, [question("x", "Why?", "No.")]) == Overlap(0, 0, 0)


def test_a_shared_id_or_context_is_grave_and_a_few_shared_questions_are_not():
    assert not Overlap(0, 0, 0).is_any
    assert Overlap(1, 0, 0).is_grave(1000)
    assert Overlap(0, 0, 1).is_grave(1000)
    assert not Overlap(0, 50, 0).is_grave(1000)
    assert Overlap(0, 51, 0).is_grave(1000)


def test_the_same_questions_are_refused_in_any_order():
    both = [question("a"), question("b")]
    with pytest.raises(DataError, match=r"are the same 2 .*--allow-overlap"):
        refuse_same(data(*both), data(*reversed(both)))
    refuse_same(data(*both), data(both[0]))
    refuse_same(data(*both), data(both[0], question("c")))
