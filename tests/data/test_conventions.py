"""The ways in which people write records: read where they mean one thing, said, else left bad."""

import json
from collections import Counter

import pytest

from qabench.data.audit import RawRecord
from qabench.data.conventions import standard
from qabench.data.examples import UNPLACED, GoldAnswer
from qabench.data.readers import audited, read_file
from qabench.errors import DataError

CONTEXT = "The mill at Ostby was built in 1871 by Karin Vell."
BUILT = {"text": "1871", "answer_start": 31}


def record(**changes):
    """A valid record, with some fields changed; a field set to ``...`` is left out."""
    valid = {"id": "q1", "question": "When?", "context": CONTEXT, "answers": [BUILT]}
    return {name: value for name, value in (valid | changes).items() if value is not ...}


def read(*records, on_bad_record="fail"):
    raw = [RawRecord(f"line {number}", one) for number, one in enumerate(records, start=1)]
    return audited(raw, "dev.jsonl", on_bad_record)


def answers(**changes):
    (only,) = read(record(**changes)).examples
    return [(one.text, one.start) for one in only.answers]


def problem(**changes):
    with pytest.raises(DataError) as caught:
        read(record(**changes))
    return str(caught.value)


def test_a_record_as_the_audit_wants_it_stays_the_same_object_and_nothing_is_said():
    one = RawRecord("line 1", record(title="Ostby", is_impossible=False))
    said = Counter()
    assert next(standard([one], said)) is one
    assert not said


@pytest.mark.parametrize(
    ("given", "text"),
    [(262, "262"), (0, "0"), (-5, "-5"), (262.0, "262"), (10**30, "1" + "0" * 30)],
)
def test_an_id_that_is_a_whole_number_is_its_decimal_text(given, text):
    data = read(record(id=given), record(id="other"))
    assert data.examples[0].id == text
    assert data.notes == ("1 ids that are whole numbers are read as text",)


@pytest.mark.parametrize("given", [True, 1.5, 2.0**60, [1], pytest.param(10**5000, id="huge")])
def test_any_other_id_is_bad(given):
    assert "field 'id': must be text" in problem(id=given)


def test_ids_are_unique_after_they_became_text():
    with pytest.raises(DataError, match="is already the id of line 1"):
        read(record(id="262"), record(id=262))


def test_ids_are_made_from_the_content_where_no_record_has_one_and_that_is_said():
    rows = [record(id=...), record(id=..., question="By whom?"), record(id=...)]
    data, again = read(*rows), read(*rows)
    ids = [one.id for one in data.examples]
    assert ids == [one.id for one in again.examples]
    assert len(set(ids)) == 3
    assert ids[2] == f"{ids[0]}-2"
    assert data.notes == ("3 records have no id; ids are made from their context and question",)
    assert read(rows[1]).examples[0].id == ids[1]


def test_one_record_without_an_id_among_others_is_bad_wherever_it_stands():
    for rows in ([record(id=...), record()], [record(), record(id=...)]):
        with pytest.raises(DataError, match=r"field 'id': is missing .* 1 of 2 records is bad"):
            read(*rows)


NO_ANSWER = [
    None,
    [],
    [None],
    {"text": [], "answer_start": []},
    {"text": [""], "answer_start": [-1]},
    {"text": [""], "answer_start": [0]},
    {"text": [None], "answer_start": [None]},
    {"text": [""], "answer_start": []},
    {"text": [], "answer_start": [-1]},
    {"text": None, "answer_start": None},
    {"text": "", "answer_start": -1},
    [{"text": "", "answer_start": -1}],
    [{"text": "", "answer_start": 0}, {"text": "", "answer_start": -1.0}],
    [{"text": None}],
    "[]",
]


@pytest.mark.parametrize("given", NO_ANSWER)
@pytest.mark.parametrize("flag", [..., None, True, 1, "true", "True", "1", ""])
def test_every_way_to_say_no_answer_is_read(given, flag):
    assert answers(answers=given, is_impossible=flag) == []


@pytest.mark.parametrize("given", NO_ANSWER)
@pytest.mark.parametrize("flag", [False, 0, "false", "0"])
def test_an_empty_answer_of_a_question_that_is_said_to_have_one_is_bad(given, flag):
    assert "is false, but the question has no answers" in problem(answers=given, is_impossible=flag)


def test_an_empty_answer_is_said_and_an_empty_list_is_not():
    assert read(record(answers=[])).notes == ()
    (note,) = read(record(answers=None)).notes
    assert note == "1 questions with an empty answer are read as questions without an answer"


@pytest.mark.parametrize(
    "given",
    [
        [BUILT, {"text": "", "answer_start": -1}],
        [{"text": "", "answer_start": 31}],
        {"text": ["1871", ""], "answer_start": [31, -1]},
    ],
)
def test_an_empty_text_beside_an_answer_or_at_a_place_is_bad_and_the_empty_list_is_named(given):
    assert "is empty; a question without an answer has answers []" in problem(answers=given)


def test_an_empty_answer_at_0_is_lost_where_a_file_of_squad_has_no_flags(tmp_path):
    def nested(start, **flag):
        asked = {"id": "q1", "question": "When?", "answers": [{"text": "", "answer_start": start}]}
        path = tmp_path / "data.json"
        path.write_text(json.dumps([{"context": CONTEXT, "qas": [asked | flag]}]))
        return path

    with pytest.raises(DataError, match=r"is empty; a question without an answer has answers \[\]"):
        read_file(nested(0))
    (kept,) = read_file(nested(0), "score").examples
    assert kept.answers == (GoldAnswer("", UNPLACED),)
    for path in (nested(-1), nested(None), nested(0, is_impossible=True)):
        assert read_file(path).examples[0].answers == ()


def test_answers_that_are_missing_are_none_only_where_a_flag_says_so():
    assert answers(answers=..., is_impossible=True) == []
    assert answers(answers=..., answerable=False) == []
    assert "'answers': is missing" in problem(answers=...)
    assert "'answers': is missing" in problem(answers=..., is_impossible=False)


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        ({"is_impossible": 1}, "is true, but the question has answers"),
        ({"has_answer": 0}, "is true, but the question has answers"),
        ({"is_impossible": False, "is_answerable": False}, "says otherwise than another field"),
        ({"is_impossible": "perhaps"}, "must be true or false, not text"),
        ({"is_impossible": 2}, "must be true or false, not a whole number"),
    ],
)
def test_flags_that_contradict_the_answers_or_each_other_are_bad(flags, wrong):
    assert wrong in problem(**flags)


def test_categories_that_contradict_the_answers_are_bad():
    assert answers(answers=[BUILT | {"answer_category": None}]) == [("1871", 31)]
    assert answers(answers=[BUILT | {"answer_category": "SHORT"}]) == [("1871", 31)]
    none = {"text": "", "answer_start": -1}
    assert answers(answers=[none | {"answer_category": "NO_ANSWER"}]) == []
    assert "a category says" in problem(answers=[BUILT | {"answer_category": "no_answer"}])
    assert "'yes', which is an answer but no span" in problem(answers=[none], answer_type="YES")


@pytest.mark.parametrize(
    "given",
    [
        [{"text": "1871", "answer_start": 31.0}],
        [{"text": "1871", "answer_start": "31"}],
        [{"text": "1871", "start": 31}],
        {"text": ["1871"], "answer_start": [31.0]},
        {"text": "1871", "answer_start": 31},
        '{"text": ["1871"], "answer_start": [31]}',
        "{'text': ['1871'], 'answer_start': [31]}",
        "{'text': array(['1871'], dtype=object), 'answer_start': array([31])}",
        "[{'text': np.str_('1871'), 'answer_start': np.int64(31)}]",
    ],
)
def test_starts_and_lists_as_tables_hold_them_are_read(given):
    assert answers(answers=given) == [("1871", 31)]


@pytest.mark.parametrize("start", [31.5, "x", "31.5", None, True, float("nan"), [31], "9" * 40])
def test_any_other_start_is_bad(start):
    assert "answers[0].answer_start" in problem(answers=[{"text": "1871", "answer_start": start}])


@pytest.mark.parametrize("start", [30, 30.0, "30", -1])
def test_an_answer_that_is_not_its_slice_is_bad_however_its_start_is_written(start):
    assert "the nearest place is 31" in problem(answers=[{"text": "1871", "answer_start": start}])


@pytest.mark.parametrize(
    "text",
    ["__import__('os').abort()", "open('x')", "[f(1)]", "{**{}}", "[" * 5000, "{1: 2", "[a]"],
)
def test_text_in_place_of_answers_is_never_evaluated(text):
    assert "'answers': must be a list or an object, not text" in problem(answers=text)


@pytest.mark.parametrize(
    "names",
    [
        {"question": "question_text", "context": "document_text"},
        {"id": "qid", "question": "query_text", "context": "context_text"},
        {"id": "question_id", "context": "passage", "answers": "answer"},
    ],
)
def test_other_names_of_fields_are_read_and_said(names):
    data = read({names.get(name, name): value for name, value in record().items()})
    assert data.examples == read(record()).examples
    assert len(data.notes) == len(names)
    assert all(repr(other) in "".join(data.notes) for other in names.values())


def test_another_name_never_takes_the_place_of_a_field_that_is_there():
    data = read(record(qid="x", passage="Other text.", text="no", answer_start=3))
    assert data.examples == read(record()).examples


@pytest.mark.parametrize("name", ["text", "answer_text", "answer"])
def test_the_only_answer_may_have_columns_of_its_own(name):
    assert answers(answers=..., **{name: "1871", "answer_start": "31"}) == [("1871", 31)]
    assert answers(answers=..., **{name: None, "answer_start": None}) == []
    assert "nearest place" in problem(answers=..., **{name: "1871", "answer_start": "30"})


@pytest.mark.parametrize(
    ("given", "title"), [(7, "7"), (7.0, "7"), (float("nan"), ""), (None, ""), ("a", "a")]
)
def test_a_title_may_be_a_number_or_null(given, title):
    assert read(record(title=given)).examples[0].title == title


@pytest.mark.parametrize("spans", [[[31, 34]], [[31, 34], [2, 5]], [{"start": [31], "end": [34]}]])
def test_the_spans_of_mrqa_end_at_their_last_character(spans):
    detected = [{"text": "1871", "char_spans": spans, "token_spans": [[6, 6]]}]
    assert answers(answers=["1871", "in 1871"], detected_answers=detected) == [("1871", 31)]
    columns = {"text": ["1871"], "char_spans": [spans]}
    assert answers(answers=["1871"], detected_answers=columns) == [("1871", 31)]


@pytest.mark.parametrize("span", [[31, 40], [30, 33], [31], None, ["a", "b"]])
def test_a_span_of_mrqa_that_is_not_its_text_is_bad(span):
    assert "answers[0].answer_start" in problem(
        detected_answers=[{"text": "1871", "char_spans": [span]}]
    )


def test_notes_count_over_the_whole_file(tmp_path):
    path = tmp_path / "data.json"
    rows = [record(id=n, title=n, answers=None if n % 2 else [BUILT]) for n in range(10)]
    path.write_text(json.dumps(rows))
    assert read_file(path).notes == (
        "10 ids that are whole numbers are read as text",
        "5 questions with an empty answer are read as questions without an answer",
    )
