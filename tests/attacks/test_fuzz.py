"""Whatever is in a file, reading it gives valid values or one sentence that names the file.

Valid files are spoiled at random: in their bytes, and in the values of their JSON.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.people import squad

from qabench.benchmarks import settings as benchmark
from qabench.data.examples import UNPLACED
from qabench.data.inspection import inspect
from qabench.data.readers import read_file
from qabench.errors import QABenchError
from qabench.reports import report_file, rundir, unfinished
from qabench.runs.importing import ForeignFiles, import_predictions
from qabench.scoring import outcomes
from qabench.scoring.prediction_files import read_answers
from qabench.scoring.predictions import read_null_odds, read_predictions

EVIL_VALUES = (
    *(None, True, False, 0, -1, 1, 2**31, 2**64, 10**400, -(10**5000), 0.5, 1e308),
    *(float("nan"), float("inf"), -float("inf"), "", " ", "\0", "\ud800", "\x1b[31m", "\u202e"),
    *("a" * 5000, "../../../etc/passwd", "/etc/passwd", "e\u0301", "\U0001f3bb", "NaN", "\ufeff"),
    *([], {}, [[]], {"": {}}, [None], ["x"], {"a": 1}),
)
EVIL_KEYS = ("", "id", "a.b", "\0", "\ud800", "\x1b[31m", "__class__", "a" * 500)
EVIL_BYTES = (b"", b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b'"', b"{", b"[" * 3000, b"1e999")


@dataclass(frozen=True)
class Reader:
    """A function that reads one kind of file, and a valid one."""

    read: Callable[[Path], object]
    name: str
    content: bytes


def read_valid(path: Path) -> None:
    for example in read_file(path).examples:
        assert example.id
        assert example.question.strip()
        for gold in example.answers:
            assert gold.text
            assert gold.start >= 0
            assert example.context.startswith(gold.text, gold.start)


def listed(texts: dict[str, str], odds: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {"id": id, "prediction_text": text, "no_answer_probability": abs(odds[id]) / 4}
        for id, text in texts.items()
    ]


def misplaced(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        row
        | {"answers": [one | {"answer_start": one["answer_start"] + 1} for one in row["answers"]]}
        for row in rows
    ]


def read_inspected(path: Path) -> None:
    """What is written as corrected is valid."""
    found = inspect(path)
    assert all(one.isprintable() for one in found.lines())
    for example in found.examples:
        for gold in example.answers:
            assert example.context.startswith(gold.text, gold.start)


def read_scored(path: Path) -> None:
    """Records that are kept only for their scores have an id, and no answer at a wrong place."""
    for example in read_file(path, "score").examples:
        assert example.id
        for gold in example.answers:
            example.context.encode("utf-8")
            gold.text.encode("utf-8")
            assert gold.start == UNPLACED or example.context.startswith(gold.text, gold.start)


RUN = {"seed": 0, "settings": {"data": {"train": "x"}}}


def read_run(path: Path) -> None:
    rundir.finished(path.parent, RUN)


BEGUN = {"benchmark": {"name": "b"}, "plugin": {"name": "p"}, "seed": 0, "data": {"dev": "x"}}
DIVERGED = {"problem": "The loss is nan."}


def read_begun(path: Path) -> None:
    (path.parent / "run.json").write_text(json.dumps(BEGUN))
    read_unfinished(path)


def read_unfinished(path: Path) -> None:
    for one in unfinished.find([path.parent]):
        assert one.note


def flat(document: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": asked["id"],
            "question": asked["question"],
            "context": part["context"],
            "answers": asked["answers"],
        }
        for article in document["data"]
        for part in article["paragraphs"]
        for asked in part["qas"]
    ]


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def paragraphs(document: Any) -> list[Any]:
    return [part for article in document["data"] for part in article["paragraphs"]]


def as_mrqa(rows: list[dict[str, Any]]) -> bytes:
    found: list[dict[str, Any]] = [{"header": {"dataset": "x"}}]
    for row in rows:
        detected = [
            {"text": a["text"], "char_spans": [[a["answer_start"], a["answer_start"] + 1]]}
            for a in row["answers"]
        ]
        for one in detected:
            one["char_spans"][0][1] = one["char_spans"][0][0] + len(one["text"]) - 1
        asked = {"qid": row["id"], "question": row["question"], "detected_answers": detected}
        found.append({"context": row["context"], "qas": [asked]})
    return "\n".join(map(json.dumps, found)).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | {"answers": repr(row["answers"])} for row in rows)
    return file.getvalue().encode()


def as_arrow(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def as_columns(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({name: [row[name] for row in rows] for name in rows[0]}).encode()


def as_viewer(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"rows": [{"row_idx": 0, "row": row} for row in rows]}).encode()


@pytest.fixture(scope="module")
def readers(tmp_path_factory, benchmark_file) -> dict[str, Reader]:
    """Every reader of the package, by name."""
    folder = tmp_path_factory.mktemp("valid")
    document = squad(8, seed=2, filler=3)
    rows = flat(document)
    texts = {row["id"]: row["answers"][0]["text"] if row["answers"] else "Rome" for row in rows}
    odds = {row["id"]: place / 4 - 1 for place, row in enumerate(rows)}
    for name, content in (("dev", document), ("answers", texts), ("odds", odds)):
        (folder / f"{name}.json").write_text(json.dumps(content), "utf-8")
    paths = [folder / f"{name}.json" for name in ("dev", "answers", "odds")]
    run = import_predictions(ForeignFiles("one", *paths), folder / "runs")
    whole = json.dumps(document).encode()
    lines = "\n".join(map(json.dumps, rows)).encode()
    found = {
        "squad": Reader(read_valid, "dev.json", whole),
        "flat": Reader(read_valid, "flat.json", json.dumps(rows).encode()),
        "lines": Reader(read_valid, "dev.jsonl", lines),
        "paragraphs": Reader(read_valid, "parts.json", json.dumps(paragraphs(document)).encode()),
        "mrqa": Reader(read_valid, "mrqa.jsonl", as_mrqa(rows)),
        "csv": Reader(read_valid, "dev.csv", as_csv(rows)),
        "arrow": Reader(read_valid, "dev.arrow", as_arrow(rows)),
        "columns": Reader(read_valid, "columns.json", as_columns(rows)),
        "viewer": Reader(read_valid, "viewer.json", as_viewer(rows)),
        "scored": Reader(read_scored, "scored.json", whole),
        "gzip": Reader(read_valid, "dev.json.gz", gzip.compress(whole, mtime=0)),
        "parquet": Reader(read_valid, "dev.parquet", as_parquet(rows)),
        "predictions": Reader(read_predictions, "answers.json", json.dumps(texts).encode()),
        "listed": Reader(read_answers, "listed.json", json.dumps(listed(texts, odds)).encode()),
        "listed lines": Reader(
            read_answers, "lines.json", "\n".join(map(json.dumps, listed(texts, odds))).encode()
        ),
        "inspected": Reader(read_inspected, "inspected.json", json.dumps(misplaced(rows)).encode()),
        "null odds": Reader(read_null_odds, "odds.json", json.dumps(odds).encode()),
        "report": Reader(report_file.read, "report.json", (run / "report.json").read_bytes()),
        "results": Reader(
            outcomes.read, outcomes.FILE_NAME, (run / outcomes.FILE_NAME).read_bytes()
        ),
        "benchmark": Reader(
            lambda path: benchmark.load(str(path)), "tiny.toml", benchmark_file.read_bytes()
        ),
        "run": Reader(read_run, "run.json", json.dumps(RUN).encode()),
        "unfinished": Reader(read_unfinished, "run.json", json.dumps(BEGUN).encode()),
        "diverged": Reader(read_begun, unfinished.FILE_NAME, json.dumps(DIVERGED).encode()),
    }
    return found


def spoiled_bytes(content: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, put in, or cut off."""
    spoiled = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(spoiled) + 1)
        match chance.randrange(4):
            case 0:
                spoiled[place:] = b""
            case 1:
                spoiled[place:place] = chance.choice(EVIL_BYTES)
            case 2:
                spoiled[place : place + chance.choice((1, 8, 100))] = chance.choice(EVIL_BYTES)
            case _:
                spoiled[place : place + 1] = bytes([chance.randrange(256)])
    return bytes(spoiled)


def spoiled_json(value: Any, chance: random.Random) -> Any:
    """One value anywhere exchanged, left out, or put in twice."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
        return chance.choice(EVIL_VALUES)
    if isinstance(value, list):
        copy, place = list(value), chance.randrange(len(value))
        match chance.randrange(8):
            case 0:
                del copy[place]
            case 1:
                copy.insert(place, copy[place])
            case _:
                copy[place] = spoiled_json(copy[place], chance)
        return copy
    copy, key = dict(value), chance.choice(sorted(value))
    match chance.randrange(8):
        case 0:
            del copy[key]
        case 1:
            copy[chance.choice(EVIL_KEYS)] = chance.choice(EVIL_VALUES)
        case _:
            copy[key] = spoiled_json(copy[key], chance)
    return copy


def check(reader: Reader, content: bytes, folder: Path) -> bool:
    """Whether the file was taken; a refusal must be one line that names it."""
    path = folder / reader.name
    path.write_bytes(content)
    try:
        reader.read(path)
    except QABenchError as error:
        said = str(error)
        # A run that is another one is told by its folder.
        assert reader.name in said or str(folder) in said, said
        assert "\n" not in said.strip(), said
        said.encode("utf-8")
        return False
    return True


BYTES = (
    *("paragraphs", "mrqa", "csv", "arrow", "columns", "viewer", "scored"),
    *("listed", "listed lines", "inspected"),
    *("squad", "flat", "lines", "gzip", "parquet", "predictions", "null odds", "report"),
    *("results", "benchmark", "run", "unfinished", "diverged"),
)
VALUES = (
    *("paragraphs", "mrqa", "columns", "viewer", "scored"),
    *("listed", "listed lines", "inspected"),
    *("squad", "flat", "lines", "parquet", "predictions", "null odds", "report"),
    *("run", "unfinished", "diverged"),
)


def rounds(request: pytest.FixtureRequest) -> range:
    return range(3000 if request.config.option.slow else 120)


@pytest.mark.parametrize("name", BYTES)
def test_valid_files_are_taken_and_spoiled_bytes_are_no_traceback(name, readers, tmp_path, request):
    reader = readers[name]
    assert check(reader, reader.content, tmp_path)
    taken = 0
    for seed in rounds(request):
        content = spoiled_bytes(reader.content, random.Random(f"{name} {seed}"))
        taken += check(reader, content, tmp_path)
    assert taken < len(rounds(request))


@pytest.mark.parametrize("name", VALUES)
def test_spoiled_values_are_no_traceback(name, readers, tmp_path, request):
    reader = readers[name]
    for seed in rounds(request):
        chance = random.Random(f"{name} {seed}")
        if name in ("lines", "mrqa", "listed lines"):
            records = reader.content.decode().splitlines()
            place = chance.randrange(len(records))
            spoiled = spoiled_json(json.loads(records[place]), chance)
            records[place] = dumped(spoiled)
            content = "\n".join(records).encode("utf-8", "surrogatepass")
        elif name == "parquet":
            rows = pq.read_table(io.BytesIO(reader.content)).to_pylist()
            try:
                content = as_parquet(spoiled_json(rows, chance))
            # Arrow itself refuses most mixtures of types.
            except (
                pa.ArrowException,
                TypeError,
                AttributeError,
                ArithmeticError,
                ValueError,
                KeyError,
            ):
                continue
        else:
            content = dumped(spoiled_json(json.loads(reader.content), chance)).encode()
        check(reader, content, tmp_path)


def dumped(value: Any) -> str:
    """JSON, with integers that Python does not print."""
    try:
        return json.dumps(value)
    except ValueError:
        return "1" * 5000


@pytest.mark.parametrize("column", ["id", "context", "answers", "answer", "tune", "start", "exact"])
@pytest.mark.parametrize(
    "values",
    [
        pa.nulls(8, pa.string()),
        pa.array(range(8)),
        pa.array(["x"] * 8),
        pa.array([b"\xff"] * 8),
        pa.array([float("nan")] * 8),
        pa.array([[None]] * 8),
        pa.array([[{"text": "x"}]] * 8),
        pa.array([2**62] * 8),
        pa.array([-5] * 8),
        pa.array([True] * 8),
    ],
    ids=["null", "numbers", "text", "bytes", "nan", "lists", "structs", "huge", "negative", "true"],
)
def test_columns_of_other_types_in_results_are_no_traceback(column, values, readers, tmp_path):
    reader = readers["results"]
    table = pq.read_table(io.BytesIO(reader.content))
    changed = table.set_column(table.column_names.index(column), column, values)
    buffer = io.BytesIO()
    pq.write_table(changed, buffer)
    check(reader, buffer.getvalue(), tmp_path)
    shutil.rmtree(tmp_path)
