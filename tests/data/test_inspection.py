"""``qabench audit``: all problems by kind, and a copy in which only what is certain was moved."""

import json

import pytest
from click.testing import CliRunner

from qabench.cli import app
from qabench.data.inspection import inspect, write_bad, write_examples
from qabench.data.readers import read_file
from qabench.errors import DataError

CONTEXT = "The mill at Ostby was built in 1871 by Karin Vell."


def record(id, text="Karin Vell", start=39, **changes):
    answers = [{"text": text, "answer_start": start}]
    return {"id": id, "question": "Who?", "context": CONTEXT, "answers": answers} | changes


@pytest.fixture
def data(tmp_path):
    rows = [record(f"b{n}", start=38 + n % 3) for n in range(9)]
    rows += [
        record("far", "Ostby", 0, context=CONTEXT.rjust(200)),
        record("nowhere", "Ben Holm"),
        record("b1"),
        record(7),
        record("none", answers=[]),
    ]
    path = tmp_path / "dev.json"
    path.write_text(json.dumps(rows))
    return path


def test_every_problem_is_counted_by_kind_and_the_first_of_each_is_named(data):
    found = inspect(data)
    assert (found.total, found.valid, len(found.bad)) == (14, 5, 9)
    lines = list(found.lines())
    assert lines[0] == f"{data}: 14 records, 5 valid, 9 bad; 1 without answer"
    assert lines[1] == "  1 ids that are whole numbers are read as text"
    assert lines[2] == "  7 × answers.answer_start is not the place of the answer"
    assert lines[3].startswith("    first: question 'b0', 'answers[0].answer_start': is 38, where")
    assert lines[4::2][:2] == [
        "  1 × answers.text is nowhere in the context",
        "  1 × id is not unique",
    ]
    assert lines[-1] == (
        "  6 of 7 misplaced answers have one possible place: the text stands once within 32 "
        "characters"
    )


@pytest.mark.parametrize("name", ["fixed.jsonl", "fixed.json"])
def test_a_copy_has_what_is_valid_and_what_can_be_placed_without_doubt(data, tmp_path, name):
    done = CliRunner().invoke(app, ["audit", str(data), "--fix-offsets", str(tmp_path / name)])
    assert f"{tmp_path / name}: 11 records, 3 left out" in done.output
    assert "3 of 14 records are bad" in str(done.exception)
    fixed = read_file(tmp_path / name)
    assert [one.id for one in fixed.examples] == [*(f"b{n}" for n in range(9)), "7", "none"]
    assert {gold.start for one in fixed.examples for gold in one.answers} == {39}


def test_a_valid_file_is_copied_as_it_is_and_the_audit_succeeds(data, tmp_path):
    write_examples(inspect(data).examples, tmp_path / "once.jsonl")
    again = inspect(tmp_path / "once.jsonl")
    assert (again.bad, again.unplaced) == ((), 0)
    done = CliRunner().invoke(app, ["audit", str(tmp_path / "once.jsonl")])
    assert done.exit_code == 0
    assert done.output.endswith("11 records, 11 valid, 0 bad; 1 without answer\n")


def test_a_file_that_exists_is_never_overwritten(data):
    before = data.read_bytes()
    with pytest.raises(DataError, match="exists; name a new file"):
        write_examples(inspect(data).examples, data)
    assert data.read_bytes() == before


def test_an_answer_beside_a_misplaced_one_keeps_its_place(tmp_path):
    good, off = {"text": "1871", "answer_start": 31}, {"text": "Ostby", "answer_start": 13}
    for answers in ([good, off], {"text": ["1871", "Ostby"], "answer_start": [31, 13]}):
        path = tmp_path / "a.json"
        path.write_text(json.dumps([record("a", answers=answers)]))
        (only,) = inspect(path).examples
        assert [(one.text, one.start) for one in only.answers] == [("1871", 31), ("Ostby", 12)]


@pytest.mark.parametrize(
    "changes",
    [
        {"question": ""},
        {"answer_type": "none"},
        {"is_impossible": True},
        {"id": None},
        {"context": None},
        {"title": []},
    ],
)
def test_a_record_that_is_bad_in_another_way_is_never_written(tmp_path, changes):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([record("good"), record("bad", start=38) | changes]))
    assert [one.id for one in inspect(path).examples] == ["good"]


def test_bad_records_are_lines_of_json(data, tmp_path):
    assert write_bad(inspect(data).bad, tmp_path) == ("bad_records.jsonl",)
    path = tmp_path / "bad_records.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 9
    assert lines[0] == {
        "file": str(data),
        "id": "b0",
        "field": "answers[0].answer_start",
        "problem": "is 38, where the context does not read 'Karin Vell'; the nearest place is 39 "
        "([0])",
        "kind": "answers.answer_start is not the place of the answer",
    }
    assert write_bad((), tmp_path) == ()
    assert not path.exists()
