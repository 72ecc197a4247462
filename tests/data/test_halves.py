"""The halves of a set share no article, are about equal, and are the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabench.data.examples import QAExample
from qabench.data.halves import halves_are_of, split_questions, tune_test_split
from qabench.errors import DataError

titles = st.lists(st.sampled_from(["a", "b", "c", "d", "e", None, ""]), min_size=2, max_size=40)


@given(titles, st.integers(0, 5))
def test_an_article_is_in_one_half_and_the_halves_are_about_equal(articles, seed):
    named = [title for title in articles if title]
    assume_two = len(set(named)) + len(articles) - len(named)
    if assume_two < 2:
        with pytest.raises(DataError, match="one article"):
            tune_test_split(articles, seed)
        return
    tune = tune_test_split(articles, seed)
    for title in set(named):
        assert (
            len({bool(half) for half, one in zip(tune, articles, strict=True) if one == title}) == 1
        )
    biggest = max([named.count(title) for title in named], default=1)
    assert abs(int(tune.sum()) - int((~tune).sum())) <= max(biggest, 1)
    assert tune.any()
    assert not tune.all()


@given(st.permutations(["a", "a", "b", "c", "c", "c", "d", "e"]))
def test_the_split_does_not_depend_on_the_order_of_the_questions(articles):
    in_tune = {
        title for title, half in zip(articles, tune_test_split(articles, 3), strict=True) if half
    }
    ordered = ["a", "a", "b", "c", "c", "c", "d", "e"]
    assert in_tune == {
        title for title, half in zip(ordered, tune_test_split(ordered, 3), strict=True) if half
    }


def test_the_split_is_the_same_everywhere_and_another_for_another_seed():
    articles = [f"Article {number}" for number in range(12)]
    assert (
        "".join("01"[half] for half in tune_test_split(articles, 0).astype(int)) == "011001110001"
    )
    assert (
        "".join("01"[half] for half in tune_test_split(articles, 1).astype(int)) == "010100011110"
    )


def question(id: str, context="the old red house stands here", title="t") -> QAExample:
    return QAExample(id, "what ?", context, (), title)


def halves_of(examples: list[QAExample], names: list[str]) -> dict[str, set[bool]]:
    """The halves that the questions of each name are in."""
    halves: dict[str, set[bool]] = {}
    for name, tune in zip(names, split_questions(examples, 0).tolist(), strict=True):
        halves.setdefault(name, set()).add(tune)
    return halves


def test_no_article_is_in_both_halves():
    examples = [question(str(place), title=f"article {place // 3}") for place in range(30)]
    assert split_questions(examples, 0).sum() == 15
    halves = halves_of(examples, [one.title for one in examples])
    assert {len(found) for found in halves.values()} == {1}


def test_all_contexts_of_an_article_are_in_one_half():
    examples = [
        question(str(place), f"context {place}", f"article {place % 6}") for place in range(36)
    ]
    halves = halves_of(examples, [one.title for one in examples])
    assert len(halves) == 6
    assert {len(found) for found in halves.values()} == {1}


def test_questions_without_a_title_are_kept_together_by_context():
    examples = [
        question(str(place), f"context {place % 12}", f"article {place % 3}" * (place % 12 > 7))
        for place in range(36)
    ]
    halves = halves_of(examples, [one.title or one.context for one in examples])
    assert len(halves) == 8 + 3
    assert {len(found) for found in halves.values()} == {1}


def test_contexts_tell_articles_apart_where_titles_do_not():
    examples = [question(str(place), context=f"context {place % 4}") for place in range(8)]
    tune = split_questions(examples, 0)
    assert tune.sum() == 4
    assert (tune[:4] == tune[4:]).all()


def test_questions_on_one_context_are_not_split():
    assert not split_questions([question("a"), question("b")], 0).any()


def test_the_seed_reaches_the_split():
    examples = [question(str(n), f"context {n}", f"title {n}") for n in range(40)]
    halves = {tuple(split_questions(examples, seed).tolist()) for seed in range(5)}
    assert len(halves) == 5


def test_halves_are_of_articles_or_where_titles_do_not_tell_them_apart_of_contexts():
    def kind(titles, contexts):
        return halves_are_of(
            [question(str(n), *pair) for n, pair in enumerate(zip(contexts, titles, strict=True))]
        )

    assert kind(["a", "b"], ["one", "two"]) == "articles"
    assert kind(["a", ""], ["one", "two"]) == "articles"
    assert kind(["a", "a"], ["one", "two"]) == "contexts"
    assert kind(["", ""], ["one", "two"]) == "contexts"
