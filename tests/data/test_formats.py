"""The table of formats: told by suffix, then by content, and open to one more."""

import json

import pytest
from support.formats import EXAMPLES, flat
from support.places import ROOT

from qabench.data import formats
from qabench.data.audit import RawRecord
from qabench.data.formats import FORMATS, Format, format_of
from qabench.data.formats.content import Content
from qabench.data.readers import read_file
from qabench.errors import DataError


def content_of(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return Content(name, path.suffix, path.open("rb"))


def test_names_and_suffixes_are_of_one_format_each():
    names = [one.name for one in FORMATS]
    suffixes = [suffix for one in FORMATS for suffix in one.suffixes]
    assert len(set(names)) == len(names)
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.name)
def test_every_format_stands_in_the_page_on_data(one):
    page = (ROOT / "docs" / "howto" / "data.md").read_text("utf-8")
    assert f"| {one.name} | {one.described} |" in page
    assert all(f"`{suffix}`" in one.described for suffix in one.suffixes)


def test_every_module_of_a_format_is_in_the_table():
    # Files that are recognised but not read, and folders, are no formats of a file.
    helpers = {"__init__", "columns", "content", "json_parts", "foreign", "known", "saved"}
    modules = {path.stem for path in (ROOT / "qabench/data/formats").glob("*.py")} - helpers
    assert modules == {one.records.__module__.rpartition(".")[2] for one in FORMATS}


@pytest.mark.parametrize(
    ("name", "text", "format"),
    [
        ("a.parquet", "anything", "Parquet"),
        ("a.json", "PAR1 anything", "Parquet"),
        ("a.jsonl", "PAR1 anything", "Parquet"),
        ("a.jsonl", "[]", "JSON lines"),
        ("a.ndjson", "anything", "JSON lines"),
        ("a.txt", '\n{"a": 1}\n\n{"a": 2}\n', "JSON lines"),
        ("a.txt", '{"a": 1}\nanything', "JSON lines"),
        ("a.json", '{"data": [{"paragraphs": 1}]}', "SQuAD JSON"),
        ("a.json", '[{}, {"paragraphs": 1}]', "SQuAD JSON"),
        ("a.json", '{"data": []}\n', "flat JSON"),
        ("a.json", "[1,\n2]", "flat JSON"),
    ],
)
def test_a_format_is_told_by_suffix_or_content(tmp_path, name, text, format):
    assert format_of(content_of(tmp_path, name, text)).name == format


def test_a_new_format_is_an_entry_of_the_table(tmp_path, monkeypatch):
    def tabs(content):
        return content.begins_with(b"id\t")

    def records(content):
        lines = iter(content.lines())
        names = next(lines)[1].split()
        for number, line in lines:
            values = dict(zip(names, line.rstrip("\n").split("\t"), strict=True))
            yield RawRecord(f"line {number}", values | {"answers": json.loads(values["answers"])})

    rows = [record | {"answers": json.dumps(record["answers"])} for record in flat(EXAMPLES)]
    lines = ["\t".join(row.values()) for row in rows]
    for path in (tmp_path / "a.tabs", tmp_path / "a"):
        path.write_text("\n".join(["\t".join(rows[0]), *lines]), "utf-8")
        with pytest.raises(DataError):
            read_file(path)
    monkeypatch.setattr(formats, "FORMATS", (Format("tabs", (".tabs",), tabs, records), *FORMATS))
    for path in (tmp_path / "a.tabs", tmp_path / "a"):
        assert read_file(path).examples == EXAMPLES
