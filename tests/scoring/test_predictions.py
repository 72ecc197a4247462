"""Prediction files of any tool: read whole, or one sentence with file and id."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.people import squad
from support.places import DEV

from qabench.data.readers import read_file
from qabench.errors import DataError
from qabench.scoring.predictions import golds_of, read_null_odds, read_predictions, score_files


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(squad(18, seed=2)))
    return read_file(path)


@pytest.fixture
def write(tmp_path):
    def put(content: object, name: str = "given.json"):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return put


def nothing(data) -> dict[str, str]:
    return {one.id: "" for one in data.examples}


def test_a_byte_order_mark_is_accepted(write):
    assert read_predictions(write(b'\xef\xbb\xbf{"a": "x"}')) == {"a": "x"}
    assert read_null_odds(write(b'\xef\xbb\xbf{"a": -1.5}')) == {"a": -1.5}


def test_answers_and_null_odds_are_kept_as_they_stand_in_the_file(write):
    answers = {"b": " The cät. ", "a": ""}
    assert list(read_predictions(write(answers)).items()) == list(answers.items())
    odds = {"b": 2, "a": 0.1}
    assert list(read_null_odds(write(odds)).items()) == list(odds.items())


def test_golds_are_the_answers_alone_never_the_plausible_ones(data):
    golds = golds_of(data.examples)
    assert [one.id for one in golds] == [f"s2-{number}" for number in range(18)]
    assert [bool(one.answers) for one in golds] == [number % 3 != 2 for number in range(18)]


def test_a_question_that_is_in_the_data_twice_never_reaches_the_scorer(write):
    twice = squad(3, seed=2)
    twice["data"] *= 2
    with pytest.raises(DataError, match="already the id"):
        read_file(write(twice))


@pytest.mark.parametrize("read", [read_predictions, read_null_odds])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "not valid JSON .*one JSON object", id="empty"),
        pytest.param("{", "not valid JSON .*one JSON object", id="cut off"),
        pytest.param('{"a": "x"} {}', "not valid JSON .*one JSON object", id="two documents"),
        pytest.param(b'{"a": "\xff"}', "not UTF-8 text; name .*one JSON object", id="not UTF-8"),
        pytest.param("[" * 100_000, "nested too deeply; name .*one JSON", id="deep lists"),
        pytest.param('{"a":' * 100_000, "nested too deeply; name .*one JSON", id="deep objects"),
        pytest.param("[]", "not a JSON object; it must map question ids", id="list"),
        pytest.param("null", "not a JSON object; it must map question ids", id="null"),
        pytest.param('"a"', "not a JSON object; it must map question ids", id="text"),
        pytest.param('{"a": 1, "a": 1}', "has the key 'a' twice; name", id="id twice"),
        pytest.param('{"a": {}}', "question 'a': .* \\{\\}, not a .*; (use|fix)", id="no value"),
        pytest.param('{"a": [1]}', "question 'a': .* \\[1\\], not a .*; (use|fix)", id="a list"),
        pytest.param('{"a": true}', "question 'a': .* true, not a .*; (use|fix)", id="a bool"),
        pytest.param('{"a": NaN}', "question 'a': .* NaN, not a .*; (use|fix)", id="NaN"),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_it_and_how_to_fix_it(
    write, read, content, message
):
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        for read in (read_predictions, read_null_odds):
            with pytest.raises(DataError, match=r"cannot be read .*name a readable file") as caught:
                read(path)
            assert str(path) in str(caught.value)


def test_a_prediction_that_is_no_string_says_how_to_abstain(write):
    with pytest.raises(DataError, match='use "" for no answer'):
        read_predictions(write({"a": 7}))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", '"1"', "1e999", "1" + "0" * 400])
def test_null_odds_must_be_finite_numbers(write, value):
    path = write(f'{{"b": 0, "a": {value}}}')
    with pytest.raises(
        DataError, match=r"question 'a': the null odds are .* not a finite number; fix"
    ) as caught:
        read_null_odds(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 120


def test_missing_ids_are_an_error_that_counts_them(data, write):
    given = nothing(data)
    del given["s2-3"], given["s2-4"]
    with pytest.raises(DataError, match=r"lacks 2 of 18 questions \(first: 's2-3'\).*--allow-miss"):
        score_files(data, write(given))


def test_extra_ids_are_an_error_that_counts_them(data, write):
    with pytest.raises(DataError, match=r"has 1 ids that no question .*'other'"):
        score_files(data, write(nothing(data) | {"other": "x"}))


def test_ids_of_null_odds_are_checked_too(data, write):
    odds = write({"s2-0": 1.0}, "odds.json")
    with pytest.raises(DataError, match=r"odds\.json lacks 17 of 18"):
        score_files(data, write(nothing(data)), odds)


def test_allowed_missing_ids_score_as_no_answer_and_are_counted(data, write):
    found = score_files(data, write({"s2-0": "wrong", "other": "x"}), allow_missing=True)
    assert (found.missing, found.extra) == (17, 1)
    assert found.official.total == 18
    assert found.official.NoAns_exact == 100
    assert found.official.HasAns_exact == 0


def test_allowed_missing_null_odds_are_0_and_counted_beside_those_of_the_predictions(data, write):
    right = {one.id: one.answers[0].text if one.answers else "" for one in data.examples}
    del right["s2-2"]
    odds = write({"s2-0": 1.0, "other": 5.0}, "odds.json")
    at_0, below = (
        score_files(data, write(right), odds, at, allow_missing=True) for at in (0.0, -0.5)
    )
    assert (at_0.missing, at_0.extra) == (1 + 17, 1)
    assert at_0.official.exact == 100 * 17 / 18
    assert below.official.HasAns_exact == 0


def test_files_that_fit_count_nothing_missing_or_extra(data, write):
    odds = write(dict.fromkeys(nothing(data), 0.0), "odds.json")
    found = score_files(data, write(nothing(data)), odds)
    assert (found.missing, found.extra) == (0, 0)
    assert found.as_dict() == {
        "official": found.official.as_dict(),
        "always_null": found.always_null.as_dict(),
        "missing": 0,
        "extra": 0,
        "average_precisions": {"pr_exact_ap": 0, "pr_f1_ap": 0, "pr_oracle_ap": 100 * (12 / 18)},
    }
    assert found.official.exact == found.always_null.exact == 100 * 6 / 18
    assert "best_exact" in found.as_dict()["official"]


def test_without_a_null_odds_file_there_are_no_best_scores(data, write):
    official = score_files(data, write(nothing(data))).official.as_dict()
    assert not any(key.startswith("best") for key in official)


def test_average_precisions_need_null_odds_and_a_question_with_an_answer(data, write):
    assert "average_precisions" not in score_files(data, write(nothing(data))).as_dict()
    without = replace(data, examples=tuple(one for one in data.examples if not one.answers))
    odds = write(dict.fromkeys(nothing(without), 0.0), "odds.json")
    assert "average_precisions" not in score_files(without, write(nothing(without)), odds).as_dict()


@pytest.mark.skipif(not DEV.is_file(), reason=f"needs real SQuAD v2 questions in {DEV}")
def test_answering_nothing_on_real_questions_scores_the_share_without_answer(write):
    real = read_file(DEV)
    found = score_files(real, write(nothing(real)))
    assert found.official == found.always_null
    assert found.official.exact == found.official.f1 == 100 * 566 / 1090


def test_the_order_of_the_null_odds_file_is_kept(data, write):
    """The official best_* depend on it where null odds tie."""
    right = {one.id: one.answers[0].text if one.answers else "junk" for one in data.examples}
    has_answer = [one.id for one in data.examples if one.answers]
    others = [one.id for one in data.examples if not one.answers]
    found = [
        score_files(data, write(right), write(dict.fromkeys(ids, 0.5), "odds.json")).official
        for ids in (has_answer + others, others + has_answer)
    ]
    assert found[0].best_exact == 100
    assert found[1].best_exact < 100
