"""Slices tell kinds of questions from only the data."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from qabench.comparison.slices import (
    GROUPS,
    answer_length,
    answer_position,
    context_length,
    gold_agreement,
    question_word,
    slice_score,
    slices,
    wilson,
)
from qabench.data.examples import GoldAnswer, QAExample


def example(question="Who ?", context="", golds=(), start=0):
    answers = tuple(GoldAnswer(text, start) for text in golds)
    return QAExample("id", question, context, answers)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("Who wrote it?", "who"),
        ("With whom did she live?", "who"),
        ("Whose boat is red?", "who"),
        ("In what year did it end?", "what"),
        ("What's the name?", "what"),
        ("When the war ended, where did he go?", "when"),
        ("The city lies where?", "where"),
        ("Which one?", "which"),
        ("WHY not?", "why"),
        ("How many people?", "how many"),
        ("How much water?", "how many"),
        ("How does it work?", "how"),
        ("Exactly how", "how"),
        ("Name the city.", "other"),
        ("Somehow he showed it", "other"),
        ("", "other"),
    ],
)
def test_the_first_question_word_counts(question, word):
    assert question_word(example(question)) == word


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (1, "1 word"),
        (2, "2 to 3 words"),
        (3, "2 to 3 words"),
        (4, "4 to 6 words"),
        (6, "4 to 6 words"),
        (7, "7 words or more"),
        (30, "7 words or more"),
    ],
)
def test_answer_length_is_of_the_first_gold(words, name):
    assert answer_length(example(golds=[" ".join(["x"] * words), "y"])) == name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (1, "0 to 99 words"),
        (99, "0 to 99 words"),
        (100, "100 to 149 words"),
        (199, "150 to 199 words"),
        (200, "200 words or more"),
        (10_000, "200 words or more"),
    ],
)
def test_context_length_is_in_words(words, name):
    assert context_length(example(context="x " * words)) == name


@pytest.mark.parametrize(
    ("start", "text", "name"),
    [
        (0, "xx", "first third"),
        (8, "xx", "first third"),
        (9, "xx", "middle third"),
        (0, "x" * 30, "middle third"),
        (18, "x", "middle third"),
        (20, "xx", "last third"),
        (29, "x", "last third"),
    ],
)
def test_the_middle_of_the_answer_decides_its_third(start, text, name):
    assert answer_position(example(context="x" * 30, golds=[text], start=start)) == name


@pytest.mark.parametrize(
    ("golds", "name"),
    [
        ([], None),
        (["Paris"], "one gold"),
        (["Paris", "paris.", "the Paris"], "all golds equal"),
        (["Paris", "in Paris", "paris"], "some golds equal"),
        (["Paris", "in Paris", "Rome"], "all golds differ"),
    ],
)
def test_golds_agree_where_they_are_equal_after_normalization(golds, name):
    assert gold_agreement(example(golds=golds)) == name


EXAMPLES = [
    example("Who?", "x y", ["x"]),
    example("What?", "x y", ["x y"]),
    example("Who else?", "x y"),
]


def test_slices_are_named_masks_the_biggest_first_where_a_group_has_no_order():
    found = [(one.group, one.name, one.mask.tolist()) for one in slices(EXAMPLES)]
    assert found[:4] == [
        ("answerability", "HasAns", [True, True, False]),
        ("answerability", "NoAns", [False, False, True]),
        ("question word", "who", [True, False, True]),
        ("question word", "what", [False, True, False]),
    ]
    assert "windows" not in {group for group, _, _ in found}


def test_slices_of_a_group_with_an_order_are_in_it_whatever_their_size():
    lengths = [9, 9, 9, 5, 5, 1]
    examples = [example(context="x " * 300, golds=[" ".join(["x"] * words)]) for words in lengths]
    found = slices(examples, np.array([3, 3, 3, 2, 1, 0]), {"plugin": [*"bbbaac"]})
    names = {group: [one.name for one in found if one.group == group] for group in GROUPS}
    assert names["answer length"] == ["1 word", "4 to 6 words", "7 words or more"]
    assert names["windows"] == ["no window", "1 window", "2 windows", "3 windows or more"]
    assert [one.name for one in found if one.group == "plugin"] == ["b", "a", "c"]


def test_window_counts_make_a_group_of_their_own():
    found = slices([*EXAMPLES, EXAMPLES[0]], np.array([1, 0, 2, 5]))
    names = {one.name: one.mask.tolist() for one in found if one.group == "windows"}
    assert names == {
        "1 window": [True, False, False, False],
        "no window": [False, True, False, False],
        "2 windows": [False, False, True, False],
        "3 windows or more": [False, False, False, True],
    }


def test_window_counts_of_other_questions_are_refused():
    with pytest.raises(ValueError, match="2 window counts, 3 questions"):
        slices(EXAMPLES, np.array([1, 1]))


made = st.builds(
    example,
    st.sampled_from(["Who?", "How many?", "Say."]),
    st.just("a b c d e f g h"),
    st.lists(st.sampled_from(["a", "a b", "the a", "d e f g"]), max_size=3),
    st.integers(0, 12),
)


@given(st.lists(made, min_size=1, max_size=10))
def test_slices_of_a_group_share_no_question_and_leave_out_only_those_without_the_property(made):
    answerable = np.array([one.is_answerable for one in made])
    for group in {one.group for one in slices(made)}:
        times = sum(one.mask.astype(int) for one in slices(made) if one.group == group)
        of_answers = group in {"answer length", "answer position", "gold agreement"}
        expected = answerable if of_answers else np.ones(len(made), bool)
        assert times.tolist() == expected.astype(int).tolist()


def test_a_slice_is_scored_on_its_own_questions():
    who = next(one for one in slices(EXAMPLES) if one.name == "who")
    scored = slice_score(who, np.array([[1, 0, 1.0], [1, 0, 0.5]]))
    assert len(who) == 2
    assert scored.mean == 0.875
    assert scored.interval == wilson(0.875, 2)


@pytest.mark.parametrize(("right", "count"), [(0, 1), (0, 9), (3, 10), (9, 9), (700, 1000)])
def test_the_interval_is_wilsons(right, count):
    theirs = scipy.stats.binomtest(right, count).proportion_ci(0.95, method="wilson")
    assert wilson(right / count, count) == pytest.approx((theirs.low, theirs.high))


def test_wilsons_interval_holds_the_true_mean_of_f1_scores():
    random = np.random.default_rng(0)
    outcomes = np.array([0, 0.4, 0.67, 1.0])
    shares = np.array([0.2, 0.1, 0.1, 0.6])
    means = random.choice(outcomes, (2000, 60), p=shares).mean(axis=1)
    held = [low <= outcomes @ shares <= high for low, high in (wilson(m, 60) for m in means)]
    assert 0.95 <= np.mean(held) < 0.99
