"""JSON is read by one module, strictly, also where qabench itself wrote it."""

from __future__ import annotations

import ast
import json

import pytest
from support.places import ROOT

from qabench.base.json_files import JSONError, as_json, parse_json, read_json, read_own_json
from qabench.errors import ReportError

PARSERS = {"load", "loads", "JSONDecoder"}
ANY: dict[str, object] = {}


def parses_json(code: str) -> bool:
    for node in ast.walk(ast.parse(code)):
        named: set[str] = set()
        if isinstance(node, ast.ImportFrom) and node.module == "json":
            named = {one.name for one in node.names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "json":
            named = {node.attr}
        if named & PARSERS:
            return True
    return False


@pytest.mark.parametrize(
    "code", ["json.loads(text)", "from json import load", "json.JSONDecoder()"]
)
def test_the_search_for_parsers_finds_them(code):
    assert parses_json(code)
    assert not parses_json("json.dumps(value)")


def test_one_module_parses_json():
    modules = (ROOT / "qabench").rglob("*.py")
    found = [path.name for path in modules if parses_json(path.read_text("utf-8"))]
    assert found == ["json_files.py"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n "b": }', "a.json, line 2, column 7: is not valid JSON (Expecting value)"),
        ("", "a.json, line 1, column 1: is not valid JSON (Expecting value)"),
        ('[{"a": 1, "b": 2, "a": 3}]', "a.json: an object has the key 'a' twice"),
        (
            '{"id": "q1", "a": 1, "a": 1}',
            "a.json: the object with the id 'q1' has the key 'a' twice",
        ),
        ("[" * 100_000, "a.json: is nested too deeply"),
        ("1" * 5000, "a.json: holds an unusable number (ValueError: Exceeds the limit"),
    ],
)
def test_what_readers_would_read_differently_is_refused_with_its_place(text, message):
    with pytest.raises(JSONError) as error:
        parse_json(text, "a.json")
    assert str(error.value).startswith(message)


def test_a_text_that_begins_at_a_line_of_a_file_is_placed_in_the_file():
    with pytest.raises(JSONError, match=r"^a, line 7, column 1: is not valid JSON"):
        parse_json("x", "a", 7)
    with pytest.raises(JSONError, match=r"^a, line 7: an object has the key 'b' twice"):
        parse_json('{"b": 1, "b": 1}', "a", 7)


def test_a_file_is_utf8_with_or_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.json"
    for content in ('{"é": 1}'.encode(), b"\xef\xbb\xbf" + '{"é": 1}'.encode()):
        path.write_bytes(content)
        assert read_json(path) == {"é": 1}
    path.write_bytes('{"é": 1}'.encode("latin-1"))
    with pytest.raises(JSONError, match=r"a\.json: is not UTF-8 text"):
        read_json(path)


@pytest.mark.parametrize("name", ["none.json", "", "a\0b"])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, name):
    with pytest.raises(JSONError, match="cannot be read"):
        read_json(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": NaN}', "a is nan, but must be a finite number"),
        ('{"a": 1e999}', "a is inf, but must be a finite number"),
        ('{"a": 9223372036854775808}', "a is a whole number of more than 64 bits"),
        ('{"a": "\\ud800"}', "a holds half of a surrogate pair"),
        ("[" * 60 + "]" * 60, "is nested more than 50 levels deep"),
        ('{"a": 1, "a": 2}', "has the key 'a' twice"),
        ('{"b": 1}', "key 'a' is missing"),
    ],
)
def test_what_qabench_wrote_is_read_as_strictly_as_what_strangers_wrote(tmp_path, text, problem):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(JSONError, match=rf"run\.json: .*{problem}"):
        read_own_json(path, {"required": ["a"]})


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "run" / "run.json").symlink_to(tmp_path / "secret.json")
    assert read_json(tmp_path / "run" / "run.json") == {}
    with pytest.raises(ReportError, match="leads out of the run directory"):
        read_own_json(tmp_path / "run" / "run.json", ANY)


def test_a_value_as_json_is_what_is_read_after_it_was_written():
    value = {"a": (1, 2.5), 3: None}
    assert as_json(value) == json.loads(json.dumps(value)) == {"a": [1, 2.5], "3": None}
