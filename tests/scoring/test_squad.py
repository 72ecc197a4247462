"""Scores equal the official evaluate-v2.0.py; the tables are its executed behaviour."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference_scorer
from support.places import SQUAD

from qabench.data.readers import read_file
from qabench.scoring.predictions import golds_of, score_files
from qabench.scoring.squad import (
    Gold,
    GoldSet,
    always_null,
    average_precisions,
    exact_match,
    normalize_answer,
    official_scores,
    score_questions,
    token_f1,
)


def scores(golds: dict, answers: dict, odds: dict | None = None, threshold: float = 1.0) -> dict:
    listed = [Gold(id, tuple(texts)) for id, texts in golds.items()]
    return official_scores(listed, answers, odds, threshold).as_dict()


@pytest.mark.parametrize(
    ("gold", "prediction", "same"),
    [
        pytest.param("the Eiffel Tower", "Eiffel tower!", 1, id="case, article, punctuation"),
        pytest.param("10th century", "10th-century", 0, id="a hyphen is deleted, not spaced"),
        pytest.param("cat_dog", "cat dog", 0, id="an underscore is deleted, not spaced"),
        pytest.param("5-6", "56", 1, id="hyphen between digits"),
        pytest.param("5–6", "56", 0, id="an en dash is no ASCII punctuation"),
        pytest.param("1.5", "15", 1, id="decimals are not preserved"),
        pytest.param("$100", "100", 1, id="dollar is punctuation"),
        pytest.param("£100", "100", 0, id="pound is none"),
        pytest.param("“Foo”", "Foo", 0, id="curly quotes are none"),
        pytest.param("A.I.", "ai", 1, id="punctuation goes before articles"),
        pytest.param("The_cat", "cat", 0, id="an article glued by punctuation stays"),
        pytest.param("vitamin A", "vitamin", 1, id="a real word A goes too"),
        pytest.param("the the cat", "cat", 1, id="every article goes"),
        pytest.param("theatre", "atre", 0, id="articles are whole words"),
        pytest.param("Beyoncé", "Beyonce", 0, id="accents stay"),
        pytest.param("\u00e9", "e\u0301", 0, id="no Unicode normalization"),
        pytest.param("\ufb01ne", "fine", 0, id="ligatures stay"),
        pytest.param("straße", "STRASSE", 0, id="lower, not casefold"),
        pytest.param("the\u00a0cat", "cat", 1, id="no-break space is a space"),
    ],
)
def test_exact_match_and_f1_see_normalized_text(gold, prediction, same):
    assert exact_match(gold, prediction) == same
    assert token_f1(gold, prediction) == same


@pytest.mark.parametrize(
    ("gold", "prediction", "exact", "f1"),
    [
        pytest.param("x x y", "x y y", 0, 2 / 3, id="multiset"),
        pytest.param("x y", "x x x y", 0, 2 / 3, id="repeats cost precision"),
        # Only these two tell multisets from sets: what both sides repeat counts twice.
        pytest.param("x x", "x x y", 0, 0.8, id="both repeat"),
        pytest.param("x x y y", "x x y", 0, 6 / 7, id="both repeat, gold more"),
        pytest.param("y x", "x y", 0, 1, id="order is for EM only"),
        pytest.param("", "the", 1, 1, id="an article abstains"),
        pytest.param("", ".", 1, 1, id="punctuation abstains"),
        pytest.param("", " ", 1, 1, id="a space abstains"),
        pytest.param("", "n", 0, 0, id="an answer where there is none"),
        pytest.param("n", "", 0, 0, id="no answer where there is one"),
        pytest.param("", "", 1, 1, id="nothing and nothing are equal, unlike in the 1.1 script"),
    ],
)
def test_f1_counts_tokens_as_multisets_and_is_equality_where_either_side_has_none(
    gold, prediction, exact, f1
):
    assert exact_match(gold, prediction) == exact
    assert token_f1(gold, prediction) == pytest.approx(f1, abs=1e-15)


def test_normalized_text_has_single_spaces():
    assert normalize_answer("  The  Eiffel\tTower! ") == "eiffel tower"


def test_the_best_gold_is_taken_whatever_its_place():
    for golds in (("x y z w", "x"), ("x", "x y z w")):
        (one,) = score_questions([Gold("q", golds)], {"q": "x y z"})
        assert (one.exact, one.f1) == (0, token_f1("x y z w", "x y z"))
        (one,) = score_questions([Gold("q", golds)], {"q": "X."})
        assert (one.exact, one.f1) == (1, 1)


def test_golds_that_normalize_to_nothing_make_the_empty_answer_right_but_count_as_has_answer():
    found = scores({"q": ["."]}, {"q": ""})
    assert found["exact"] == found["f1"] == found["HasAns_exact"] == 100
    assert "NoAns_exact" not in found


def test_golds_that_normalize_to_nothing_and_another_answer_score_nothing():
    assert scores({"q": ["."]}, {"q": "x"})["exact"] == 0


def test_nulling_scores_by_answerability_even_where_the_empty_answer_was_right():
    assert scores({"q": ["."]}, {"q": ""}, {"q": 2.0}, 1.0)["exact"] == 0


def test_one_real_gold_beside_an_empty_one_makes_the_empty_answer_wrong():
    assert scores({"q": [".", "x"]}, {"q": ""})["exact"] == 0
    assert scores({"q": [".", "x"]}, {"q": "x"})["exact"] == 100


def test_has_answer_is_having_golds():
    found = scores({"a": ["x"], "b": []}, {"a": "x", "b": ""})
    assert (found["HasAns_total"], found["NoAns_total"], found["total"]) == (1, 1, 2)


def test_a_prediction_that_is_no_text_is_no_silent_zero():
    with pytest.raises(AttributeError):
        scores({"a": ["x"]}, {"a": None})


def test_null_odds_equal_to_the_threshold_do_not_null():
    golds = {"a": ["x"]}
    assert scores(golds, {"a": "x"}, {"a": 1.0}, 1.0)["exact"] == 100
    assert scores(golds, {"a": "x"}, {"a": 1.0000001}, 1.0)["exact"] == 0


def test_without_null_odds_nothing_is_nulled_and_there_is_no_best():
    found = scores({"a": ["x"], "b": []}, {"a": "x", "b": "y"})
    assert list(found) == [
        "exact",
        "f1",
        "total",
        "HasAns_exact",
        "HasAns_f1",
        "HasAns_total",
        "NoAns_exact",
        "NoAns_f1",
        "NoAns_total",
    ]


def test_with_null_odds_the_best_scores_come_last():
    found = scores({"a": ["x"], "b": []}, {"a": "x", "b": "y"}, {"a": 0.0, "b": 0.0})
    assert list(found)[-5:] == [
        "NoAns_total",
        "best_exact",
        "best_exact_thresh",
        "best_f1",
        "best_f1_thresh",
    ]


def test_the_default_threshold_of_1_is_for_probabilities():
    golds = [Gold("a", ("x",))]
    assert official_scores(golds, {"a": "x"}, {"a": 1.2}).exact == 0
    assert official_scores(golds, {"a": "x"}, {"a": 1.0}).exact == 100


def test_ids_of_no_question_change_nothing():
    golds, answers, odds = {"a": ["x"], "b": []}, {"a": "x", "b": "y"}, {"a": -1.0, "b": 2.0}
    more = scores(golds, answers | {"other": "z"}, {"other": 0.0} | odds | {"another": 9.0})
    assert more == scores(golds, answers, odds)


def test_a_question_without_prediction_or_null_odds_is_no_silent_zero():
    golds = {"a": ["x"], "b": []}
    with pytest.raises(KeyError, match="b"):
        scores(golds, {"a": "x"})
    with pytest.raises(KeyError, match="b"):
        scores(golds, {"a": "x", "b": ""}, {"a": 0.0})


def test_keys_of_questions_that_do_not_exist_are_left_out():
    assert not any(key.startswith("NoAns") for key in scores({"a": ["x"]}, {"a": "x"}))
    assert not any(key.startswith("HasAns") for key in scores({"a": []}, {"a": ""}))


BEST = ("best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh")
RIGHT_AND_JUNK = ({"a": ["x"], "b": []}, {"a": "x", "b": "junk"})


@pytest.mark.parametrize(
    ("golds", "answers", "odds", "best", "threshold"),
    [
        (
            {"a": ["x"], "b": [], "c": ["y"], "d": []},
            {"a": "x", "b": "junk", "c": "wrong", "d": "junk"},
            {"a": -3, "b": 1, "c": 0, "d": 2},
            75.0,
            -3.0,
        ),
        (*RIGHT_AND_JUNK, {"a": 0.5, "b": 0.5}, 100.0, 0.5),
        (*RIGHT_AND_JUNK, {"b": 0.5, "a": 0.5}, 50.0, 0.0),
        (
            {"a": ["x"], "b": [], "c": [], "d": []},
            {"a": "no", "b": "j", "c": "j", "d": "j"},
            {"a": -5, "b": -3, "c": 0, "d": 2},
            75.0,
            0.0,
        ),
        (
            {"a": [], "b": [], "c": ["x"], "d": ["y"]},
            {"a": "j", "b": "j", "c": "x", "d": "no"},
            {"a": -5, "b": -3, "c": 0, "d": 2},
            50.0,
            0.0,
        ),
        (
            {"a": ["x"], "b": ["y"], "c": []},
            {"a": "x", "b": "y", "c": "junk"},
            {"a": -2, "b": 1.5, "c": 3},
            100.0,
            1.5,
        ),
        (
            {"a": ["x"], "b": ["y"], "c": []},
            {"a": "x", "b": "", "c": ""},
            {"a": -2, "b": 1.5, "c": 3},
            100 * 2 / 3,
            -2,
        ),
    ],
    ids=[
        "plain",
        "ties",
        "ties in another order",
        "all null",
        "all null, logits below 0",
        "raw spans",
        "spans nulled before",
    ],
)
def test_best_scores_and_thresholds_with_the_scripts_own_faults(
    golds, answers, odds, best, threshold
):
    found = scores(golds, answers, odds, 0.0)
    assert found["best_exact"] == pytest.approx(best, abs=1e-12)
    assert found["best_exact_thresh"] == threshold
    # No answer here is half right.
    assert (found["best_f1"], found["best_f1_thresh"]) == (found["best_exact"], threshold)


def test_the_best_scores_do_not_depend_on_the_threshold_given():
    odds = {"a": -2.0, "b": 1.5}
    low, high = (scores(*RIGHT_AND_JUNK, odds, at) for at in (-9.0, 9.0))
    assert (low["exact"], high["exact"]) == (50.0, 50.0)
    assert [low[key] for key in BEST] == [high[key] for key in BEST] == [100.0, -2.0, 100.0, -2.0]


def test_an_article_alone_is_no_abstention_where_the_best_threshold_is_sought():
    found = scores({"a": []}, {"a": "the"}, {"a": -1.0})
    assert found["exact"] == 100
    assert (found["best_exact"], found["best_exact_thresh"]) == (100.0, 0.0)
    found = scores({"a": [], "b": ["x"]}, {"a": "the", "b": "x"}, {"a": -1.0, "b": 0.0})
    assert (found["best_exact"], found["best_exact_thresh"]) == (50.0, 0.0)


PIECES = ["a", "the", "The", "cat", "dog", ".", "-", "_", "é", "ß", "", " ", "\u00a0"]
# Few words, so that both sides repeat the same one.
REPEATS = ["x", "y"]
TEXTS = st.one_of(
    st.lists(st.sampled_from(pieces), max_size=5).map(glue.join)
    for pieces, glue in ((PIECES, " "), (PIECES, ""), (REPEATS, " "))
)
# Few values, so that there are ties, and any others.
ODDS = st.one_of(st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2]), st.floats(-5, 5))
ROWS = st.lists(st.tuples(st.lists(TEXTS, max_size=3), TEXTS, ODDS), min_size=1, max_size=12)


@given(ROWS, st.booleans(), ODDS, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_all_keys_equal_the_slow_obvious_scorer_to_the_last_digit(rows, with_odds, at, random):
    golds = {str(number): texts for number, (texts, _, _) in enumerate(rows)}
    answers = {str(number): text for number, (_, text, _) in enumerate(rows)}
    order = list(golds)
    random.shuffle(order)
    odds = {id: rows[int(id)][2] for id in order} | {"other": 0.5} if with_odds else None
    found = scores(golds, answers, odds, at)
    expected = reference_scorer.evaluate(golds, answers, odds, at)
    assert found == expected
    assert list(found) == list(expected)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_average_precisions_equal_the_slow_obvious_ones_to_the_last_digit(rows, random):
    golds = {str(number): texts for number, (texts, _, _) in enumerate(rows)}
    answers = {str(number): text for number, (_, text, _) in enumerate(rows)}
    order = list(golds)
    random.shuffle(order)
    odds = {id: rows[int(id)][2] for id in order}
    listed = [Gold(id, tuple(texts)) for id, texts in golds.items()]
    found = average_precisions(score_questions(listed, answers), odds | {"other": 0.5})
    expected = reference_scorer.average_precisions(golds, answers, odds)
    assert (asdict(found) if found else {}) == expected


def test_average_precisions_need_the_null_odds_of_every_question():
    scores = score_questions([Gold("a", ("x",)), Gold("b", ())], {"a": "x", "b": ""})
    with pytest.raises(KeyError, match="b"):
        average_precisions(scores, {"a": 0.0})


def test_null_odds_that_tell_the_kinds_apart_make_the_oracles_precision_100():
    scores = score_questions([Gold("a", ("x",)), Gold("b", ())], {"a": "no", "b": "no"})
    found = average_precisions(scores, {"b": 2.0, "a": -1.0})
    assert found is not None
    assert (found.pr_exact_ap, found.pr_f1_ap, found.pr_oracle_ap) == (0, 0, 100)


@given(ROWS, st.lists(st.lists(TEXTS, min_size=12, max_size=12), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_golds_made_ready_score_every_further_predictions_as_the_first(rows, files):
    listed = [Gold(str(number), tuple(texts)) for number, (texts, _, _) in enumerate(rows)]
    ready = GoldSet(listed)
    assert list(ready) == listed
    assert ready[:2] == tuple(listed[:2])
    for texts in [*files, files[0]]:
        answers = {one.id: text for one, text in zip(listed, texts, strict=False)}
        assert official_scores(ready, answers) == official_scores(listed, answers)


@given(st.lists(st.lists(TEXTS, max_size=3), min_size=1, max_size=8))
def test_always_null_is_the_score_of_empty_answers(golds):
    listed = [Gold(str(number), tuple(texts)) for number, texts in enumerate(golds)]
    assert always_null(listed) == official_scores(listed, {one.id: "" for one in listed})
    by_id = {one.id: list(one.answers) for one in listed}
    assert always_null(listed).as_dict() == reference_scorer.evaluate(
        by_id, dict.fromkeys(by_id, "")
    )


@pytest.mark.skipif(not SQUAD.is_dir(), reason=f"needs real SQuAD v2 questions in {SQUAD}")
def test_always_null_on_real_questions_is_the_share_without_answer():
    data = read_file(SQUAD / "dev.json")
    found = always_null(golds_of(data.examples))
    assert found.exact == found.f1 == 100 * 566 / 1090
    assert (found.HasAns_exact, found.NoAns_exact) == (0, 100)


@pytest.mark.skipif(not SQUAD.is_dir(), reason=f"needs real SQuAD v2 questions in {SQUAD}")
def test_real_questions_score_as_the_slow_obvious_scorer_says(tmp_path):
    data = read_file(SQUAD / "dev.json")
    golds = {one.id: [gold.text for gold in one.answers] for one in data.examples}
    answers = {
        one.id: (one.answers[-1].text if one.answers and number % 3 else one.context[: number % 40])
        for number, one in enumerate(data.examples)
    }
    odds = {id: ((number * 37) % 101) / 50 - 1 for number, id in enumerate(golds)}
    (tmp_path / "p.json").write_text(json.dumps(answers))
    (tmp_path / "n.json").write_text(json.dumps(odds))
    found = score_files(data, tmp_path / "p.json", tmp_path / "n.json", 0.3)
    assert found.official.as_dict() == reference_scorer.evaluate(golds, answers, odds, 0.3)
