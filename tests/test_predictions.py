"""Prediction files of any tool: read whole, or one sentence with file and id."""

from __future__ import annotations

import json

import pytest

from qabench.errors import DataError
from qabench.predictions import read_null_odds, read_predictions, score_files
from qabench.readers import read_file


@pytest.fixture
def data(data_files):
    return read_file(data_files[1])


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


@pytest.mark.parametrize("read", [read_predictions, read_null_odds])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON in UTF-8"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "not a JSON object"),
        ('{"a": "x", "a": "y"}', "has the id 'a' twice"),
        ('{"a": null}', "question 'a'"),
        ('{"a": [1]}', "question 'a'"),
        ('{"a": true}', "question 'a'"),
    ],
)
def test_a_broken_file_is_one_sentence_that_names_it(write, read, content, message):
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_predictions(path)


def test_a_prediction_that_is_no_string_says_how_to_abstain(write):
    with pytest.raises(DataError, match='use "" for no answer'):
        read_predictions(write({"a": None}))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", '"1"', "1e999", "1" + "0" * 400])
def test_null_odds_must_be_finite_numbers(write, value):
    with pytest.raises(DataError, match=r"question 'a': the null odds are .* not a finite number"):
        read_null_odds(write(f'{{"a": {value}}}'))


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
