"""Shapes of predictions files: read where they mean one thing, else named with the way out."""

from __future__ import annotations

import json

import pytest

from qabench.errors import DataError
from qabench.scoring.prediction_files import read_answers
from qabench.scoring.predictions import read_null_odds

TEXTS = {"q1": "1871", "q2": ""}


@pytest.fixture
def write(tmp_path):
    def put(content):
        path = tmp_path / "given.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return put


def listed(name="prediction_text", id="id", **more):
    return [{id: key, name: text} | more for key, text in TEXTS.items()]


def lines(entries):
    return "".join(f"{json.dumps(one)}\n" for one in entries)


@pytest.mark.parametrize(
    "content",
    [
        TEXTS,
        listed(),
        listed("text"),
        listed("answer", "question_id"),
        listed("prediction", "qid", score=0.5),
        {"predictions": TEXTS},
        {"predictions": listed()},
        lines(listed()),
        lines(listed("text", "example_id")),
        {id: {"text": text} for id, text in TEXTS.items()},
        {id: {"answer": text, "score": 0.5, "start": 3, "end": 7} for id, text in TEXTS.items()},
        {id: [text] for id, text in TEXTS.items()},
        {id: [{"text": text, "probability": 1.0}] for id, text in TEXTS.items()},
    ],
)
def test_every_shape_gives_the_same_answers(write, content):
    found = read_answers(write(content))
    assert (found.texts, found.null_odds, found.notes) == (TEXTS, None, ())


def test_the_list_of_evaluate_has_its_probabilities_as_null_odds(write):
    entries = [
        {"id": "q1", "prediction_text": "1871", "no_answer_probability": 0.25},
        {"id": "q2", "prediction_text": "", "no_answer_probability": 1},
    ]
    for content in (entries, lines(entries), {one.pop("id"): one for one in map(dict, entries)}):
        found = read_answers(write(content))
        assert found.texts == TEXTS
        assert found.null_odds == {"q1": 0.25, "q2": 1}
        assert found.notes == ("2 values of no_answer_probability are read as null odds.",)
        assert read_null_odds(write(content)) == {"q1": 0.25, "q2": 1}


def test_probabilities_of_some_answers_are_no_null_odds(write):
    entries = listed()
    entries[0]["no_answer_probability"] = 0.5
    assert read_answers(write(entries)).null_odds is None


@pytest.mark.parametrize("value", [-0.1, 1.5, None, "0", True, float("nan")])
def test_a_probability_is_from_0_to_1(write, value):
    with pytest.raises(DataError, match=r"question 'q1': no_answer_probability is .*; fix"):
        read_answers(write(listed(no_answer_probability=value)))


@pytest.mark.parametrize(
    "content", [TEXTS | {"q2": None}, [*listed()[:1], {"id": "q2", "text": None}]]
)
def test_null_is_no_answer_and_that_is_said(write, content):
    found = read_answers(write(content))
    assert found.texts == TEXTS
    assert found.notes == ("1 predictions are null and count as no answer.",)


def test_whole_number_ids_of_a_list_are_text(write):
    found = read_answers(write([{"id": 262, "prediction_text": "1871"}]))
    assert found.texts == {"262": "1871"}
    assert found.notes == ("1 ids of predictions are whole numbers and are read as text.",)


@pytest.mark.parametrize("entry", ["1871", {"text": "1871", "probability": 0.5, "start_logit": 3}])
def test_an_n_best_file_is_recognised_and_the_right_file_is_named(write, entry):
    with pytest.raises(DataError, match=r"is an n-best file: .* predictions\.json beside it"):
        read_answers(write({"q1": [entry, entry], "q2": [entry]}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([*listed(), *listed()], "has the id 'q1' twice"),
        (lines([*listed(), *listed()]), "has the id 'q1' twice"),
        ([{"id": None, "text": "x"}], "an id is null; each needs an id"),
        ([{"id": True, "text": "x"}], "an id is true or false"),
        ([{"id": 1.5, "text": "x"}], "an id is a decimal number"),
        ([{"text": "x"}], "must map question ids to values, or be a list or lines"),
        (["x"], "must map question ids to values, or be a list or lines"),
        ({"q1": {"text": "a", "answer": "b"}}, 'not a string; use "" for no answer'),
        ({"q1": {"start": 3}}, 'not a string; use "" for no answer'),
        ({"q1": []}, r"\[\], not a string"),
        ({"q1": [7]}, r"\[7\], not a string"),
        ({"q1": {"text": {"text": "x"}}}, "not a string"),
    ],
)
def test_any_other_shape_is_one_sentence_that_names_the_file(write, content, message):
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read_answers(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
