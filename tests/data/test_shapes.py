"""Shapes of whole files: read where they can be, else recognised by name with the way out."""

import gzip
import io
import json
import pickle
import struct
import tarfile
import zipfile

import pandas
import pyarrow as pa
import pytest
from datasets import Dataset, DatasetDict
from support.formats import CONTEXT, EXAMPLES, columns, flat, rows

from qabench.data.readers import read_file
from qabench.errors import DataError


def paragraphs(examples):
    return [
        {
            "context": one.context,
            "qas": [{"id": one.id, "question": one.question, "answers": rows(one.answers)}],
        }
        for one in examples
    ]


def untitled(examples):
    return [(one.id, one.question, one.context, one.answers) for one in examples]


def write(path, content):
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    return path


def lines(records):
    return "\n".join(map(json.dumps, records))


def table():
    return pandas.DataFrame(flat(EXAMPLES))


def mrqa(examples, ends=-1):
    found = [{"header": {"dataset": "NewsQA", "split": "dev"}}]
    for one in examples:
        detected = [
            {"text": a.text, "char_spans": [[a.start, a.start + len(a.text) + ends]]}
            for a in one.answers
        ]
        asked = {"qid": one.id, "question": one.question, "answers": [a.text for a in one.answers]}
        asked["detected_answers"] = detected
        found.append({"context": one.context, "qas": [asked]})
    return found


def arrow(kind, records=None):
    whole = pa.Table.from_pylist(records or flat(EXAMPLES))
    buffer = io.BytesIO()
    with kind(buffer, whole.schema) as writer:
        writer.write_table(whole)
    return buffer.getvalue()


def csv_of(**options):
    return table().to_csv(index=False, **options)


def one_answer(separator=","):
    found = table()
    answers = found.pop("answers")
    for name in ("text", "answer_start"):
        found[name] = [one[name][0] if one[name] else "" for one in answers]
    return found.to_csv(index=False, sep=separator)


VIEWER = {"features": [], "rows": [{"row_idx": 0, "row": row} for row in flat(EXAMPLES)]}
SHAPES = {
    "paragraphs.json": lambda: json.dumps(paragraphs(EXAMPLES)),
    "under-data.json": lambda: json.dumps({"data": paragraphs(EXAMPLES)}),
    "one-article.json": lambda: json.dumps({"paragraphs": paragraphs(EXAMPLES)}),
    "paragraphs.jsonl": lambda: lines(paragraphs(EXAMPLES)),
    "articles.jsonl": lambda: lines({"paragraphs": [one]} for one in paragraphs(EXAMPLES)),
    "mrqa.jsonl": lambda: lines(mrqa(EXAMPLES)),
    "mrqa.jsonl.gz": lambda: gzip.compress(lines(mrqa(EXAMPLES)).encode()),
    "mrqa.txt": lambda: lines(mrqa(EXAMPLES)),
    "pandas.csv": csv_of,
    "pandas.csv.gz": lambda: gzip.compress(csv_of().encode()),
    "pandas.tsv": lambda: csv_of(sep="\t"),
    "semicolons.csv": lambda: csv_of(sep=";"),
    "bom.csv": lambda: b"\xef\xbb\xbf" + csv_of().encode(),
    "with-index.csv": lambda: table().to_csv(),
    "json-cells.csv": lambda: table().assign(answers=table().answers.map(json.dumps)).to_csv(),
    "one-answer.csv": one_answer,
    "one-answer.tsv": lambda: one_answer("\t"),
    "columns.json": lambda: table().to_json(),
    "index.json": lambda: table().to_json(orient="index"),
    "split.json": lambda: table().to_json(orient="split"),
    "records.json": lambda: table().to_json(orient="records"),
    "table.json": lambda: table().to_json(orient="table"),
    "to-dict.json": lambda: json.dumps(Dataset.from_list(flat(EXAMPLES)).to_dict()),
    "viewer.json": lambda: json.dumps(VIEWER),
    "stream.arrow": lambda: arrow(pa.ipc.new_stream),
    "file.arrow": lambda: arrow(pa.ipc.new_file),
    "stream-by-content": lambda: arrow(pa.ipc.new_stream),
    "file.feather": lambda: arrow(pa.ipc.new_file),
}


def test_one_record_is_a_file_of_one(tmp_path):
    for content in (json.dumps(flat(EXAMPLES)[0]), json.dumps(flat(EXAMPLES)[0], indent=1)):
        for name in ("a.json", "a"):
            assert read_file(write(tmp_path / name, content)).examples == EXAMPLES[:1]


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_gives_the_same_questions(tmp_path, name):
    data = read_file(write(tmp_path / name, SHAPES[name]()))
    assert untitled(data.examples) == untitled(EXAMPLES)


def test_spans_of_mrqa_that_end_after_their_last_character_are_read_too(tmp_path):
    path = write(tmp_path / "mrqa.jsonl", lines(mrqa(EXAMPLES, ends=0)))
    assert untitled(read_file(path).examples) == untitled(EXAMPLES)


def test_a_paragraph_in_the_list_may_have_a_title_of_its_own(tmp_path):
    titled = [one | {"title": "Ostby"} for one in paragraphs(EXAMPLES)]
    path = write(tmp_path / "data.json", json.dumps(titled))
    assert {one.title for one in read_file(path).examples} == {"Ostby"}


def test_a_saved_dataset_is_read_and_one_of_several_splits_must_be_named(tmp_path):
    split = Dataset.from_list(flat(EXAMPLES, columns))
    DatasetDict({"train": split, "dev": split}).save_to_disk(tmp_path / "saved")
    assert read_file(tmp_path / "saved" / "dev").examples == EXAMPLES
    with pytest.raises(DataError, match=r"name one of them \(.*saved/dev, .*saved/train\)"):
        read_file(tmp_path / "saved")


def test_a_saved_dataset_that_is_damaged_is_one_sentence(tmp_path):
    Dataset.from_list(flat(EXAMPLES)).save_to_disk(tmp_path / "saved")
    for file in (tmp_path / "saved").glob("*.arrow"):
        file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(DataError, match="is not a readable saved dataset"):
        read_file(tmp_path / "saved")


@pytest.mark.parametrize("name", ["../other.arrow", "/etc/passwd", "a\0", 7])
def test_a_saved_dataset_whose_files_are_elsewhere_is_refused(tmp_path, name):
    Dataset.from_list(flat(EXAMPLES)).save_to_disk(tmp_path / "saved")
    state = tmp_path / "saved" / "state.json"
    changed = json.loads(state.read_text()) | {"_data_files": [{"filename": name}]}
    state.write_text(json.dumps(changed))
    with pytest.raises(DataError, match="is not a readable saved dataset"):
        read_file(tmp_path / "saved")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"_data_files": 3}'])
def test_a_saved_dataset_with_a_spoiled_state_is_one_sentence(tmp_path, content):
    Dataset.from_list(flat(EXAMPLES)).save_to_disk(tmp_path / "saved")
    (tmp_path / "saved" / "state.json").write_text(content)
    with pytest.raises(DataError, match="is not a readable saved dataset"):
        read_file(tmp_path / "saved")


def zipped(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


def tarred():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train.json"))
    return buffer.getvalue()


FOREIGN = [
    (zipped(["train.json", "dev.json"]), r"a zip archive; unpack .* \(it holds train.json, dev"),
    (zipped(list("abcde")), "it holds a, b, c, and 2 more"),
    (zipped(["\x1b[31m"]), "it holds ⟨U\\+001B⟩"),
    (zipped(["[Content_Types].xml"]), "workbook of Excel, save its sheet as CSV"),
    (b"PK\x03\x04 cut off", "a zip archive; it is damaged"),
    (tarred(), "a tar archive; unpack it"),
    (gzip.compress(tarred()), "a tar archive; unpack it"),
    (pickle.dumps(flat(EXAMPLES)), "a pickle, which could run code .* to_json"),
    (b"\xfd7zXZ\x00...", "packed with xz"),
    (b"\n<!DOCTYPE html><html>", "a web page; the download .* download the raw file"),
    (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    (b"SQLite format 3\x00...", "export its table as CSV"),
]


@pytest.mark.parametrize(("content", "message"), FOREIGN, ids=[said for _, said in FOREIGN])
@pytest.mark.parametrize("name", ["data.json", "data.jsonl", "data"])
def test_a_file_of_another_kind_is_named_with_the_way_to_a_readable_one(
    tmp_path, name, content, message
):
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=message) as caught:
        read_file(path)
    assert str(caught.value).startswith(f"{path}: is ")
    assert "\n" not in str(caught.value)


KNOWN = [
    (
        {"id": "a", "question": ["w"], "context": ["c"], "label": ["O"], "num_span": 1},
        "MultiSpanQA",
    ),
    ({"_id": "a", "question": "q", "context": [["t", ["s"]]], "supporting_facts": []}, "HotpotQA"),
    ({"story": "s", "questions": [], "answers": []}, "CoQA"),
    ({"document_html": "h", "annotations": []}, "Natural Questions"),
    ({"id": 1, "annotations": [], "data": {}}, "Label Studio"),
    ({"question": "q", "passage": "p", "answer": True, "title": "t"}, "BoolQ"),
]


@pytest.mark.parametrize(("record", "name"), KNOWN)
def test_other_data_are_recognised_by_name_with_the_way_to_convert_them(tmp_path, record, name):
    for suffix, content in (
        ("json", json.dumps([record])),
        ("json", json.dumps({"data": [record]})),
        ("jsonl", json.dumps(record)),
    ):
        path = write(tmp_path / f"a.{suffix}", content)
        with pytest.raises(DataError, match=f"looks like .*{name}.*, which is not read; "):
            read_file(path)


def test_paragraphs_by_name_are_recognised_too(tmp_path):
    path = write(tmp_path / "a.json", json.dumps({"p1": {"passage": "p", "qa_pairs": []}}))
    with pytest.raises(DataError, match="looks like DROP"):
        read_file(path)


def test_answers_with_their_place_are_read_whatever_else_is_there(tmp_path):
    rows = [one | {"supporting_facts": [], "label": 1, "num_span": 1} for one in flat(EXAMPLES)]
    assert read_file(write(tmp_path / "a.json", json.dumps(rows))).examples == EXAMPLES


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,question\n1,2\n", "has no column 'context', 'answers'"),
        ("a.csv", "question,context,answers\na,b\n", "row 1: has 2 values for 3 columns"),
        ("a.csv", "question,context,answers,answers\n", "has two columns of one name"),
        ("a.csv", 'question,context,answers\n"a', "line 2: is not valid CSV"),
        ("a.csv", b"question,context,answers\n\xe9", "line 2: is not UTF-8 text"),
        ("a.csv", "question,context,answers\n", "holds no question"),
        ("a.arrow", "ARROW1 no", "is not a readable Arrow file"),
        ("a.arrow", arrow(pa.ipc.new_stream)[:-300], "is not a readable Arrow file"),
        (
            "a.json",
            json.dumps({"question": ["a"], "context": ["b", "c"], "answers": [[]]}),
            "row 2 has 1 values for 3 columns",
        ),
        (
            "a.json",
            json.dumps({"rows": [{"row": {}, "truncated_cells": ["context"]}]}),
            "the viewer cut short",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_file(write(tmp_path / name, content))


def test_offsets_of_a_damaged_arrow_file_are_not_followed(tmp_path):
    """Arrow itself follows them when asked for the size of a table, and the process crashes."""
    record = {"id": "ab", "question": "Who?", "context": "Ada.", "answers": ["Ada"]}
    whole = arrow(pa.ipc.new_stream, [record] * 5)
    offsets = struct.pack("<6i", 0, 1, 2, 3, 4, 5)
    assert whole.count(offsets) == 1
    damaged = whole.replace(offsets, struct.pack("<6i", 0, 1, 2, 3, 4, 2**30))
    with pytest.raises(DataError, match="is not a readable Arrow file"):
        read_file(write(tmp_path / "a.arrow", damaged))


def test_offsets_that_count_line_breaks_twice_are_bad_not_moved(tmp_path):
    record = flat(EXAMPLES)[0] | {"context": CONTEXT.replace(" wrote", "\nwrote")}
    record["answers"] = {"text": ["the"], "answer_start": [13]}
    path = write(tmp_path / "a.json", json.dumps([record]))
    with pytest.raises(DataError, match="the nearest place is 12"):
        read_file(path)
