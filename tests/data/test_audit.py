"""What is a valid example, how a bad record is named, and what names a set of examples."""

import hashlib
import json
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabench.data.audit import RawRecord, audit
from qabench.data.examples import ExampleSet, GoldAnswer, QAExample, fingerprint, sample
from qabench.errors import DataError

CONTEXT = "Ada wrote the first program; Ada was right."


def fields(**changes):
    """A valid record, with some fields changed; a field set to ``...`` is left out."""
    valid = {
        "id": "q1",
        "question": "Who wrote it?",
        "context": CONTEXT,
        "answers": [{"text": "Ada", "answer_start": 0}],
    }
    return {name: value for name, value in (valid | changes).items() if value is not ...}


def audited(*records, on_bad_record="fail"):
    raw = [RawRecord(f"line {number}", record) for number, record in enumerate(records, start=1)]
    return audit(raw, "dev.jsonl", on_bad_record)


def only_problem(**changes):
    good = fields(id="good")
    (problem,) = audited(good, fields(**changes), on_bad_record="skip").skipped
    return problem


def example(number, **changes):
    answers = (GoldAnswer("Ada", 0),) if number % 2 else ()
    plain = QAExample(f"q{number}", "Who?", CONTEXT, answers)
    return replace(plain, **changes)


def test_a_valid_record_becomes_an_example():
    (only,) = audited(fields(title="Lovelace")).examples
    assert only == QAExample(
        "q1", "Who wrote it?", CONTEXT, (GoldAnswer("Ada", 0),), title="Lovelace"
    )
    assert only.is_answerable


def test_both_forms_of_answers_are_the_same():
    columns = {"text": ["Ada", "Ada"], "answer_start": [0, 29]}
    rows = [{"text": "Ada", "answer_start": 0}, {"text": "Ada", "answer_start": 29}]
    assert audited(fields(answers=columns)).examples == audited(fields(answers=rows)).examples


@pytest.mark.parametrize("none", [[], {"text": [], "answer_start": []}])
def test_a_record_with_an_empty_list_of_answers_is_unanswerable(none):
    examples = audited(fields(answers=none))
    assert not examples.examples[0].is_answerable


def test_whether_a_set_has_unanswerable_questions_is_inferred_from_its_records():
    answerable = audited(fields(id="a"), fields(id="b"))
    mixed = audited(fields(id="a"), fields(id="b", answers=[]), fields(id="c", answers=[]))
    assert (answerable.has_unanswerable, answerable.answerable) == (False, 2)
    assert (mixed.has_unanswerable, mixed.answerable, mixed.unanswerable) == (True, 1, 2)
    assert len(mixed) == 3


def test_plausible_answers_never_reach_an_example():
    plausible = [{"text": "Ada", "answer_start": 0}]
    (only,) = audited(fields(answers=[], is_impossible=True, plausible_answers=plausible)).examples
    assert only.answers == ()


def test_equal_contexts_are_one_string_in_memory():
    first, second = ("".join(["Ada ", "wrote ", "it."]) for _ in range(2))
    assert first is not second
    one, two = audited(fields(context=first), fields(id="q2", context=second)).examples
    assert one.context is two.context


@pytest.mark.parametrize(
    ("context", "answer", "start"),
    [
        ("🎻🎻 Ada played", "Ada", 3),
        ("cafe\u0301 Ada", "Ada", 6),
        ("Zoe\u0308 met Ada", "Zoe\u0308", 0),
        ("اَدا كتبت", "كتبت", 5),
    ],
)
def test_offsets_count_code_points(context, answer, start):
    record = fields(context=context, answers=[{"text": answer, "answer_start": start}])
    (only,) = audited(record).examples
    assert only.answers == (GoldAnswer(answer, start),)


BAD_RECORDS = [
    ({"id": ...}, "id", "is missing"),
    ({"id": None}, "id", "must be text, not null"),
    ({"id": 7}, "id", "must be text, not a whole number"),
    ({"id": ""}, "id", "is empty"),
    ({"id": "good"}, "id", "is already the id of line 1"),
    ({"question": ...}, "question", "is missing"),
    ({"question": " \n"}, "question", "is empty"),
    ({"question": ["Who?"]}, "question", "must be text, not a list"),
    ({"question": "Who \ud83d?"}, "question", "half of a surrogate pair (U+D83D) at offset 4"),
    ({"context": ...}, "context", "is missing"),
    ({"context": "\u00a0"}, "context", "is empty"),
    ({"context": {}}, "context", "must be text, not an object"),
    ({"context": "Ada \udc00"}, "context", "half of a surrogate pair (U+DC00) at offset 4"),
    ({"title": 3}, "title", "must be text, not a whole number"),
    ({"title": "\ud800"}, "title", "half of a surrogate pair"),
    ({"answers": ...}, "answers", "is missing"),
    ({"answers": None}, "answers", "must be a list or an object, not null"),
    ({"answers": "Ada"}, "answers", "must be a list or an object, not text"),
    ({"answers": ["Ada"]}, "answers[0]", "must be an object, not text"),
    ({"answers": [{"text": "Ada"}]}, "answers[0].answer_start", "is missing"),
    ({"answers": [{"answer_start": 0}]}, "answers[0].text", "is missing"),
    ({"answers": {"text": ["Ada"]}}, "answers.answer_start", "is missing"),
    ({"answers": {"text": "Ada", "answer_start": [0]}}, "answers.text", "must be a list"),
    (
        {"answers": {"text": ["Ada", "Ada"], "answer_start": [0]}},
        "answers",
        "has 2 in 'text' but 1 in 'answer_start'",
    ),
    ({"is_impossible": True}, "is_impossible", "is true, but the question has answers"),
    (
        {"is_impossible": False, "answers": []},
        "is_impossible",
        "is false, but the question has no answers",
    ),
    ({"is_impossible": "no"}, "is_impossible", "must be true or false, not text"),
]

BAD_ANSWERS = [
    ("Ada", True, "answer_start", "must be a whole number, not true or false"),
    ("Ada", 0.0, "answer_start", "must be a whole number, not a decimal number"),
    ("Ada", None, "answer_start", "must be a whole number, not null"),
    ("Ada", -1, "answer_start", "is negative; the nearest place is 0"),
    ("Ada", -43, "answer_start", "is negative; the nearest place is 0"),
    ("Ada", 10**30, "answer_start", "43 characters long; the nearest place is 29"),
    (
        "Ada",
        2,
        "answer_start",
        "is 2, where the context does not read 'Ada'; the nearest place is 0",
    ),
    ("Ada", 28, "answer_start", "the nearest place is 29"),
    ("ada", 0, "text", "'ada' is nowhere in the context"),
    ("", 0, "text", "is empty"),
    (" ", 3, "text", "is empty"),
    (3, 0, "text", "must be text, not a whole number"),
    ("\ud800", 0, "text", "half of a surrogate pair"),
]


@pytest.mark.parametrize(("changes", "field", "problem"), BAD_RECORDS)
def test_each_rule_names_the_file_the_question_and_the_field(changes, field, problem):
    bad = only_problem(**changes)
    expected_id = changes.get("id", "q1")
    assert bad.file == "dev.jsonl"
    assert bad.id == (expected_id if isinstance(expected_id, str) else "")
    assert bad.field == field
    assert problem in bad.problem
    assert "line 2" in bad.problem


@pytest.mark.parametrize(("text", "start", "part", "problem"), BAD_ANSWERS)
def test_an_answer_must_be_where_it_says(text, start, part, problem):
    good = {"text": "Ada", "answer_start": 0}
    bad = only_problem(answers=[good, {"text": text, "answer_start": start}])
    assert (bad.file, bad.id) == ("dev.jsonl", "q1")
    assert bad.field == f"answers[1].{part}"
    assert problem in bad.problem


def test_a_problem_reads_as_one_phrase():
    assert str(only_problem(question="")) == (
        "dev.jsonl, question 'q1', field 'question': is empty (line 2)"
    )
    assert str(only_problem(id=None)) == (
        "dev.jsonl, a question without an id, field 'id': must be text, not null (line 2)"
    )


def test_a_problem_can_always_be_printed():
    bad = only_problem(id="q\ud800", answers=[{"text": "\ud800" * 99, "answer_start": 0}])
    assert str(bad).encode("utf-8")
    assert len(str(only_problem(answers=[{"text": "x" * 9999, "answer_start": 0}]))) < 200


def test_failing_names_the_first_bad_record_how_many_there_are_and_how_to_skip_them():
    bad = [fields(id="b1", question=""), fields(id="b2", context="")]
    with pytest.raises(DataError) as caught:
        audited(fields(), *bad)
    assert "dev.jsonl, question 'b1', field 'question'" in str(caught.value)
    assert "2 of 3 records are bad" in str(caught.value)
    assert "--on-bad-record skip" in str(caught.value)


def test_skipping_keeps_the_good_records_and_lists_the_others():
    bad = [fields(id="b1", question=""), fields(id="b2", context="")]
    examples = audited(fields(), *bad, on_bad_record="skip")
    assert [kept.id for kept in examples.examples] == ["q1"]
    assert [skipped.id for skipped in examples.skipped] == ["b1", "b2"]
    assert examples.fingerprint == audited(fields()).fingerprint


def test_of_two_records_with_one_id_the_first_is_kept():
    examples = audited(fields(), fields(question="And who else?"), on_bad_record="skip")
    assert [kept.question for kept in examples.examples] == ["Who wrote it?"]
    assert [skipped.field for skipped in examples.skipped] == ["id"]


def test_a_source_without_questions_is_refused():
    with pytest.raises(DataError, match=r"dev\.jsonl: holds no question"):
        audited()
    with pytest.raises(DataError, match="no question is left: all 1 records are bad"):
        audited(fields(question=""), on_bad_record="skip")


def test_examples_cannot_be_changed():
    examples = audited(fields())
    with pytest.raises(FrozenInstanceError):
        examples.source = "other"
    with pytest.raises(FrozenInstanceError):
        examples.examples[0].context = "other"


def test_the_fingerprint_is_fixed_for_all_time():
    examples = (
        QAExample("é", "Who?", "Ada 🎻", (GoldAnswer("Ada", 0),), "Lovelace"),
        QAExample("a", "Why?", "Ada", ()),
    )
    canonical = (
        rb'{"answers":[],"context":"Ada","id":"a","question":"Why?"}' + b"\n"
        rb'{"answers":[["Ada",0]],"context":"Ada \ud83c\udfbb","id":"\u00e9","question":"Who?"}'
        + b"\n"
    )
    assert fingerprint(examples) == hashlib.sha256(canonical).hexdigest()


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(TEXT, TEXT, st.lists(st.tuples(TEXT, st.integers(0)), max_size=3))))
def test_the_fingerprint_is_that_of_json_with_sorted_keys(records):
    examples = [
        QAExample(str(number), question, context, tuple(GoldAnswer(*one) for one in answers))
        for number, (question, context, answers) in enumerate(records)
    ]
    digest = hashlib.sha256()
    for one in sorted(examples, key=lambda one: one.id):
        record = {
            "id": one.id,
            "question": one.question,
            "context": one.context,
            "answers": [[answer.text, answer.start] for answer in one.answers],
        }
        line = json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        digest.update(line.encode("ascii") + b"\n")
    assert fingerprint(examples) == digest.hexdigest()


def test_the_fingerprint_ignores_order_and_title():
    examples = [example(number) for number in range(5)]
    titled = [replace(one, title="Lovelace") for one in reversed(examples)]
    assert fingerprint(titled) == fingerprint(examples)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"question": "Why?"},
        {"context": CONTEXT + " "},
        {"answers": (GoldAnswer("Ada", 29),)},
        {"answers": ()},
    ],
)
def test_the_fingerprint_changes_with_any_other_field(change):
    assert fingerprint([example(1, **change)]) != fingerprint([example(1)])


def test_a_sample_is_seeded_and_keeps_the_order():
    examples = tuple(example(number) for number in range(100))
    drawn = sample(examples, 10, seed=3)
    assert drawn == sample(examples, 10, seed=3)
    assert drawn != sample(examples, 10, seed=4)
    assert len(set(drawn)) == 10
    assert list(drawn) == [one for one in examples if one in drawn]


def test_a_sample_is_not_the_first_n():
    examples = tuple(example(number) for number in range(1000))
    drawn = sample(examples, 100, seed=0)
    positions = [examples.index(one) for one in drawn]
    assert 400 < sum(positions) / len(positions) < 600


@pytest.mark.parametrize("n", [3, 4])
def test_a_sample_as_large_as_the_set_is_the_set(n):
    examples = [example(number) for number in range(3)]
    assert sample(examples, n, seed=0) == tuple(examples)


def test_a_sample_of_none_is_empty_and_of_less_an_error():
    assert sample([example(1)], 0, seed=0) == ()
    with pytest.raises(ValueError, match="negative"):
        sample([example(1)], -1, seed=0)


def test_an_example_set_has_the_length_of_its_examples():
    assert len(ExampleSet((example(1), example(2)), "here", ())) == 2
