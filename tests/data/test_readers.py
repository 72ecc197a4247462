"""Every format gives the same examples, and any other content gives one clear error."""

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from support.formats import CONTEXT, EXAMPLES, flat, rows
from support.places import SQUAD

from qabench.base import untrusted as hostile
from qabench.data.examples import ExampleSet, GoldAnswer, QAExample, fingerprint
from qabench.data.readers import read_file
from qabench.errors import DataError


def article(example):
    question = {
        "id": example.id,
        "question": example.question,
        "answers": rows(example.answers),
        "is_impossible": not example.answers,
    }
    return {
        "title": example.title,
        "paragraphs": [{"context": example.context, "qas": [question]}],
    }


def nested(examples):
    return {"version": "v2.0", "data": [article(example) for example in examples]}


def write_json(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")


def write_lines(path, records):
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
    path.write_bytes("".join(lines).encode("utf-8"))


def write_parquet(path, records):
    parquet.write_table(pa.Table.from_pylist(records), path)


def write_gzip(path, document):
    path.write_bytes(gzip.compress(json.dumps(document).encode("utf-8")))


WRITERS = {
    "nested.json": lambda path, examples: write_json(path, nested(examples)),
    "articles.json": lambda path, examples: write_json(path, nested(examples)["data"]),
    "flat.json": lambda path, examples: write_json(path, flat(examples)),
    "rows.json": lambda path, examples: write_json(path, {"data": flat(examples, rows)}),
    "hub.jsonl": lambda path, examples: write_lines(path, flat(examples)),
    "rows.jsonl": lambda path, examples: write_lines(path, flat(examples, rows)),
    "lines.txt": lambda path, examples: write_lines(path, flat(examples, rows)),
    "hub.parquet": lambda path, examples: write_parquet(path, flat(examples)),
    "rows.parquet": lambda path, examples: write_parquet(path, flat(examples, rows)),
    "parquet-by-content": lambda path, examples: write_parquet(path, flat(examples)),
    "nested.json.gz": lambda path, examples: write_gzip(path, nested(examples)),
    "hub.jsonl.gz": lambda path, examples: (
        write_lines(path, flat(examples)),
        path.write_bytes(gzip.compress(path.read_bytes())),
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_examples_and_fingerprint(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, EXAMPLES)
    read = read_file(path)
    assert read.examples == EXAMPLES
    assert read.fingerprint == fingerprint(EXAMPLES)
    assert read.source == str(path)
    assert (read.answerable, read.unanswerable, read.skipped) == (2, 1, ())


def test_the_order_of_records_does_not_change_the_fingerprint(tmp_path):
    write_lines(tmp_path / "a.jsonl", flat(EXAMPLES))
    write_lines(tmp_path / "b.jsonl", flat(EXAMPLES[::-1]))
    one, other = read_file(tmp_path / "a.jsonl"), read_file(tmp_path / "b.jsonl")
    assert one.fingerprint == other.fingerprint
    assert one.examples == other.examples[::-1]


def read_document(tmp_path, document, **options):
    path = tmp_path / "data.json"
    write_json(path, document)
    return read_file(path, **options)


def message_of(tmp_path, content, name="data.json"):
    """What a user reads about a file: one line naming it, the same when skipping."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    messages = set()
    for mode in ("fail", "skip"):
        with pytest.raises(DataError) as caught:
            read_file(path, mode)
        messages.add(str(caught.value))
    (message,) = messages
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path))


def test_version_one_files_have_no_unanswerable_question(tmp_path):
    document = nested(EXAMPLES[:1])
    del document["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"]
    assert not read_document(tmp_path, document).has_unanswerable


def test_plausible_answers_of_a_nested_file_are_never_read(tmp_path):
    document = nested(EXAMPLES)
    question = document["data"][1]["paragraphs"][0]["qas"][0]
    question["plausible_answers"] = rows(EXAMPLES[0].answers)
    assert read_document(tmp_path, document).examples == EXAMPLES
    del question["answers"]
    assert read_document(tmp_path, document).examples == EXAMPLES


def test_a_nested_question_without_answers_must_say_that_it_is_impossible(tmp_path):
    document = nested(EXAMPLES)
    question = document["data"][1]["paragraphs"][0]["qas"][0]
    del question["answers"], question["is_impossible"]
    with pytest.raises(DataError, match=r"question 'q2', field 'answers': is missing"):
        read_document(tmp_path, document)


def test_a_flat_record_without_the_key_answers_is_bad_not_unanswerable(tmp_path):
    records = flat(EXAMPLES)
    del records[1]["answers"]
    with pytest.raises(DataError, match=r"question 'q2', field 'answers': is missing"):
        read_document(tmp_path, records)


def test_a_paragraph_without_context_makes_each_of_its_questions_bad(tmp_path):
    document = nested(EXAMPLES)
    del document["data"][0]["paragraphs"][0]["context"]
    read = read_document(tmp_path, document, on_bad_record="skip")
    (bad,) = read.skipped
    assert (bad.id, bad.field) == ("q1", "context")
    assert "data[0].paragraphs[0].qas[0]" in bad.problem


@pytest.mark.parametrize("name", ["hub.jsonl", "nested.json", "hub.parquet"])
def test_bad_records_are_named_or_skipped_in_every_format(tmp_path, name):
    wrong = QAExample("bad", "Who?", CONTEXT, (GoldAnswer("Ada", 0),))
    path = tmp_path / name
    WRITERS[name](path, (*EXAMPLES, wrong))
    place = re.escape(f"{path}, question 'bad', field 'answers[0].answer_start': is 0,")
    with pytest.raises(DataError, match=place):
        read_file(path)
    read = read_file(path, "skip")
    assert (read.examples, len(read.skipped)) == (EXAMPLES, 1)
    assert read.skipped[0].file == str(path)


def test_the_questions_of_a_paragraph_share_one_context(tmp_path):
    write_lines(tmp_path / "data.jsonl", flat(EXAMPLES))
    first, second, _ = read_file(tmp_path / "data.jsonl").examples
    assert first.context is second.context


def test_byte_order_marks_blank_lines_and_windows_line_ends_are_accepted(tmp_path):
    lines = [json.dumps(record) for record in flat(EXAMPLES)]
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode())
    assert read_file(path).examples == EXAMPLES
    path = tmp_path / "data.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(nested(EXAMPLES)).encode())
    assert read_file(path).examples == EXAMPLES


def test_null_in_an_optional_column_means_absent(tmp_path):
    records = flat(EXAMPLES)
    records[0] |= {"title": None, "is_impossible": False}
    write_parquet(tmp_path / "data.parquet", records)
    assert read_file(tmp_path / "data.parquet").examples[0].title == ""


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (5, "the top level must be a list of records"),
        ({"version": "v2.0"}, "the top level must be a list of records"),
        ({"data": {}}, "the top level must be a list of records"),
        ([], "holds no question"),
        ({"data": []}, "holds no question"),
        ({"data": [{"paragraphs": []}]}, "holds no question"),
        ({"data": [1]}, "data[0] must be an object, not a whole number"),
        (["x"], "[0] must be an object, not text"),
        ({"data": [{"paragraphs": []}, 1]}, "data[1] must be an object, not a whole number"),
        ({"data": [{"paragraphs": []}, {}]}, "data[1].paragraphs is missing"),
        ({"data": [{"paragraphs": {}}]}, "data[0].paragraphs must be a list, not an object"),
        ({"data": [{"paragraphs": [[]]}]}, "data[0].paragraphs[0] must be an object, not a list"),
        ({"data": [{"paragraphs": [{}]}]}, "data[0].paragraphs[0].qas is missing"),
        (
            {"data": [{"paragraphs": [{"qas": None}]}]},
            "data[0].paragraphs[0].qas must be a list, not null",
        ),
        (
            {"data": [{"paragraphs": [{"qas": [None]}]}]},
            "data[0].paragraphs[0].qas[0] must be an object, not null",
        ),
    ],
)
def test_a_wrong_structure_is_named_by_its_path(tmp_path, document, problem):
    assert problem in message_of(tmp_path, json.dumps(document))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("data.json", b"", "is empty"),
        ("data.jsonl", b"\n \n", "holds no question"),
        ("data.json", '{"data":\n [}', "line 2, column 3: is not valid JSON"),
        ("data.jsonl", '\n{"id": 1}\n{"id": }', "line 3, column 8: is not valid JSON"),
        ("data.jsonl", "[1]", "line 1 must be an object, not a list"),
        ("data.json", b'{\n"data": "\xe9"}', "line 2: is not UTF-8"),
        ("data.jsonl", b'{}\n{}\n"\xe9"', "line 3: is not UTF-8"),
        ("data.json", '{"data": []}'.encode("utf-16"), "is not UTF-8"),
        ("data.json", "[" * 100_000, "is nested too deeply"),
        ("data.jsonl", "[" * 100_000, "is nested too deeply"),
        ("data.json", "9" * 10_000, "holds an unusable number"),
        ("data.json.gz", gzip.compress(b"[]" * 999, mtime=0)[:-9], "cannot be read"),
        ("data.json.gz", b"\x1f\x8b\x08\x00 no gzip", "cannot be read"),
        ("data.parquet", b"PAR1", "is not a readable Parquet file"),
        ("data.parquet", b"[]", "is not a readable Parquet file"),
        ("data", b"PAR1" + bytes(99) + b"PAR1", "is not a readable Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path, name, content, problem):
    assert problem in message_of(tmp_path, content, name)


def test_a_gzip_file_that_fills_memory_is_refused_before_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr(hostile, "_LARGEST_UNPACKED", 100_000)
    whole = gzip.compress(b" " * 99_999 + b"]")
    assert "is not valid JSON" in message_of(tmp_path, whole, "data.json.gz")
    trap = gzip.compress(b" " * 100_001)
    assert "unpacks to more than 100000 bytes" in message_of(tmp_path, trap, "data.json.gz")


def test_a_parquet_file_must_have_the_columns(tmp_path):
    write_parquet(tmp_path / "data.parquet", [{"id": "q1", "context": "Ada"}])
    with pytest.raises(DataError, match=r"has no column 'question', 'answers'; the columns needed"):
        read_file(tmp_path / "data.parquet")


def test_a_missing_file_a_directory_and_an_impossible_path_are_told_apart(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_file(tmp_path / "none.json")
    with pytest.raises(DataError, match="is a directory"):
        read_file(tmp_path)
    with pytest.raises(DataError, match="is not a possible path"):
        read_file(Path("a\0b"))


# Properties

texts = st.text(min_size=1, max_size=20).filter(lambda text: not text.isspace())


@st.composite
def examples_strategy(draw):
    ids = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    examples = []
    for identifier in ids:
        context = draw(texts)
        spans = draw(st.lists(st.tuples(*[st.integers(0, len(context))] * 2), max_size=2))
        answers = tuple(
            GoldAnswer(context[start:end], start)
            for start, end in spans
            if context[start:end].strip()
        )
        title = draw(st.text(max_size=5))
        examples.append(QAExample(identifier, draw(texts), context, answers, title))
    return tuple(examples)


@settings(max_examples=25, deadline=None)
@given(examples=examples_strategy())
def test_any_valid_examples_survive_every_format(tmp_path_factory, examples):
    folder = tmp_path_factory.mktemp("formats")
    for name in ("nested.json", "rows.json", "hub.jsonl", "hub.parquet", "rows.parquet"):
        WRITERS[name](folder / name, examples)
        read = read_file(folder / name)
        assert read.examples == examples
        assert read.fingerprint == fingerprint(examples)


KEYS = ("data", "paragraphs", "qas", "id", "question", "context", "answers", "text")
KEYS += ("answer_start", "is_impossible", "title")
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", "a", "\ud800"])
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)


@st.composite
def damaged_documents(draw):
    """A valid document with one value, anywhere in it, replaced or removed."""
    document = draw(st.sampled_from([nested(EXAMPLES), {"data": flat(EXAMPLES)}]))
    document = node = json.loads(json.dumps(document))
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return document
        key = draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or draw(st.integers(0, 4)) == 0:
            break
        node = node[key]
    if draw(st.booleans()):
        node[key] = draw(json_values)
    else:
        del node[key]
    return document


def examples_or_error(path):
    for mode in ("fail", "skip"):
        try:
            read = read_file(path, mode)
        except DataError as error:
            outcome = str(error)
        else:
            assert isinstance(read, ExampleSet)
            assert len(read) > 0
            outcome = "\t".join(map(str, read.skipped))
        assert "\n" not in outcome
        outcome.encode("utf-8")


@settings(max_examples=150, deadline=None)
@given(document=json_values | damaged_documents(), suffix=st.sampled_from([".json", ".jsonl"]))
def test_any_json_gives_examples_or_a_data_error(tmp_path_factory, document, suffix):
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    write_json(path, document)
    examples_or_error(path)


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=60),
    head=st.sampled_from([b"", b"PAR1", b"\x1f\x8b\x08\x00", b'{"data": [', b"\xef\xbb\xbf"]),
    suffix=st.sampled_from([".json", ".jsonl", ".json.gz", ".parquet", ""]),
)
def test_any_bytes_give_examples_or_a_data_error(tmp_path_factory, content, head, suffix):
    path = tmp_path_factory.getbasetemp() / f"bytes{suffix}"
    path.write_bytes(head + content)
    examples_or_error(path)


@pytest.mark.parametrize(
    ("name", "questions", "unanswerable"), [("train.json", 3388, 1737), ("dev.json", 1090, 566)]
)
def test_the_small_squad_files_are_valid(name, questions, unanswerable):
    path = SQUAD / name
    if not path.is_file():
        pytest.skip(f"{path} is not on this machine")
    read = read_file(path)
    assert (len(read), read.unanswerable, read.skipped) == (questions, unanswerable, ())
