"""Parquet files of strangers: the same rows as pyarrow's, in memory that the file's size bounds."""

from __future__ import annotations

import io
from contextlib import nullcontext

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pq
from support.arrow_memory import counted

from qabench.base import parquet
from qabench.base import untrusted as hostile
from qabench.base.parquet import ParquetError
from qabench.base.untrusted import TrapError
from qabench.data.readers import read_file
from qabench.errors import DataError, ReportError
from qabench.scoring import outcomes

LIMIT = 1 << 20
LONG = "x" * 20_000
ROWS = 1_000

Source = io.BytesIO


def stored(table: pa.Table, **options: object) -> Source:
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", **options)
    content.seek(0)
    return content


def read(source: Source, columns: list[str]) -> list[dict[str, object]]:
    return [row for batch in parquet.batches(source, columns) for row in parquet.rows(batch)]


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(hostile, "_LARGEST_UNPACKED", LIMIT)


texts = st.none() | st.text(max_size=3) | st.just("the same")
lists = st.none() | st.lists(texts, max_size=3)
row = st.fixed_dictionaries(
    {
        "text": texts,
        "large": texts,
        "number": st.none() | st.integers(0, 9),
        "list": lists,
        "pair": st.none() | st.fixed_dictionaries({"text": lists, "start": st.just([1])}),
        "pairs": st.none()
        | st.lists(st.none() | st.fixed_dictionaries({"text": texts, "start": st.just(1)})),
    }
)
TEXTS = pa.list_(pa.string())
SCHEMA = pa.schema(
    {
        "text": pa.string(),
        "large": pa.large_string(),
        "number": pa.int32(),
        "list": pa.large_list(pa.string()),
        "pair": pa.struct({"text": TEXTS, "start": pa.list_(pa.int64())}),
        "pairs": pa.list_(pa.struct({"text": pa.string(), "start": pa.int64()})),
    }
)


writings = st.fixed_dictionaries(
    {
        "use_dictionary": st.booleans(),
        "row_group_size": st.integers(1, 9),
        # The writer goes over from references to texts as soon as it is reached.
        "dictionary_pagesize_limit": st.sampled_from([1, 1 << 20]),
        "write_batch_size": st.integers(1, 9),
    }
)


@settings(deadline=None)
@given(st.lists(row, max_size=9), writings)
def test_rows_are_those_that_pyarrow_reads(rows, writing):
    table = pa.Table.from_pylist(rows, SCHEMA)
    source = stored(table, **writing)
    assert read(source, SCHEMA.names) == table.to_pylist()
    assert read(source, ["pair", "number"]) == table.select(["number", "pair"]).to_pylist()


def many(value: object, type: pa.DataType, **options: object) -> Source:
    """A file with one value in each row."""
    return stored(pa.table({"a": pa.array([value] * ROWS, type)}), **options)


TRAPS = {
    "list": ([LONG], pa.list_(pa.string())),
    "list of one length": ([LONG], pa.list_(pa.string(), 1)),
    "list of lists": ([[LONG]], pa.list_(pa.large_list(pa.string()))),
    "map": ([(LONG, LONG)], pa.map_(pa.string(), pa.string())),
    "structure": ({"text": LONG}, pa.struct({"text": pa.string()})),
    "list of structures": ([{"text": LONG}], pa.list_(pa.struct({"text": pa.string()}))),
}


@pytest.mark.parametrize("name", TRAPS)
def test_one_value_in_many_rows_is_refused_before_it_is_copied(name, small_limit):
    source = many(*TRAPS[name])
    assert len(source.getvalue()) < LIMIT / 100
    refused = pytest.raises(TrapError, match=f"more than {LIMIT} bytes, over 100 times its size")
    with counted() as pool, refused:
        read(source, ["a"])
    assert pool.max_memory() < LIMIT


@pytest.mark.parametrize("type", [pa.string(), pa.large_string(), pa.binary()], ids=str)
def test_a_text_of_many_rows_is_one_object(type, small_limit):
    source = many(LONG.encode(), type)
    with counted() as pool:
        texts = {id(row["a"]) for row in read(source, ["a"])}
    assert len(texts) == 1
    assert pool.max_memory() < LIMIT


LONG_LISTS = {
    "nothing": (None, pa.string()),
    "a number": (7, pa.int64()),
    "yes": (True, pa.bool_()),
}


@pytest.mark.parametrize("name", LONG_LISTS)
def test_long_lists_in_many_rows_are_refused(name, small_limit):
    value, type = LONG_LISTS[name]
    source = many([value] * 500, pa.list_(type))
    assert len(source.getvalue()) < LIMIT / 100
    with pytest.raises(TrapError):
        read(source, ["a"])


BATCH = 65_536


@pytest.mark.parametrize(("rows", "refused"), [(BATCH, False), (BATCH + 9, True)])
def test_a_text_counts_once_in_each_batch(rows, refused, small_limit):
    text = pa.array(["x" * 200_000])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), text)
    source = stored(pa.table({"a": column}))
    with pytest.raises(TrapError) if refused else nullcontext():
        assert len(read(source, ["a"])) == rows


def test_what_is_not_read_does_not_count(small_limit):
    table = pa.table({"a": ["yes"] * ROWS, "b": [LONG] * ROWS, "a.b": [[LONG]] * ROWS})
    assert len(read(stored(table), ["a"])) == ROWS


def test_a_file_up_to_the_limit_is_read(small_limit):
    lines = [f"{number:0100}" for number in range(LIMIT // 256)]
    assert read(stored(pa.table({"a": lines})), ["a"]) == [{"a": line} for line in lines]


def test_texts_that_are_stored_as_prefixes_of_others_are_refused():
    source = many(LONG, pa.string(), use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY")
    with pytest.raises(ParquetError):
        read(source, ["a"])


@pytest.mark.parametrize("nested", [False, True])
def test_bytes_of_one_length_are_refused(nested):
    value, type = LONG.encode(), pa.binary(len(LONG))
    source = many([value], pa.list_(type)) if nested else many(value, type)
    with pytest.raises(ParquetError, match=r"column 'a\S*' holds bytes of one length"):
        read(source, ["a"])


def test_lists_that_are_nested_too_deeply_are_refused():
    type, value = pa.string(), "deep"
    for _ in range(500):
        type, value = pa.list_(type), [value]
    with pytest.raises(ParquetError):
        read(stored(pa.table({"a": pa.array([value], type)})), ["a"])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(99) + b"PAR1"])
def test_a_damaged_file_is_one_line(content):
    for call in (parquet.schema, lambda source: list(parquet.batches(source, ["a"]))):
        with pytest.raises(ParquetError, match=r"^(ArrowInvalid|OSError): [^\n]+[^.\n]$"):
            call(io.BytesIO(content))


GOLD = {"text": LONG, "answer_start": 0}


def questions(**changed: object) -> pa.Table:
    """Short data, but for what is changed."""
    ids = [f"q{number}" for number in range(ROWS)]
    columns = {"id": ids, "title": [""] * ROWS, "question": ["Who?"] * ROWS}
    return pa.table(columns | {"context": ["Ada"] * ROWS, "answers": [[]] * ROWS} | changed)


GOLDS = {"context": [LONG] * ROWS, "answers": [[GOLD]] * ROWS}


def test_data_that_fill_memory_are_one_sentence(small_limit, tmp_path):
    path = tmp_path / "data.parquet"
    path.write_bytes(stored(questions(**GOLDS)).getvalue())
    with pytest.raises(DataError, match=r"data\.parquet: unpacks to more than .*; if you trust it"):
        read_file(path)


def test_results_that_fill_memory_are_one_sentence(small_limit, tmp_path):
    path = tmp_path / outcomes.FILE_NAME
    one = {"start": 0, "end": 0, "exact": 0.0, "f1": 0.0, "tune": True, "answer": ""}
    types = outcomes._types()
    more = {name: pa.array([value] * ROWS, types[name]) for name, value in one.items()}
    golds = {"answers": pa.array([[GOLD]] * ROWS, types["answers"])}
    table = questions(**GOLDS | golds | more).replace_schema_metadata({"format": outcomes.FORMAT})
    path.write_bytes(stored(table).getvalue())
    with pytest.raises(ReportError, match=r"questions\.parquet cannot be read \(unpacks to more"):
        outcomes.read(path)


def test_a_reference_that_leads_nowhere_is_damage():
    nowhere = pa.DictionaryArray.from_arrays(
        pa.array([0, 5], pa.int32()), pa.array(["x"]), safe=False
    )
    with pytest.raises(ParquetError):
        read(stored(pa.table({"a": nowhere})), ["a"])


def test_texts_are_read_only_where_they_are_asked_for():
    import pyarrow as pa

    chunks = [pa.array(["a", "bé"]), pa.array([], pa.string()), pa.array(["", "𝄞"])]
    texts = parquet.Texts(chunks)
    expected = ("a", "bé", "", "𝄞")
    assert (len(texts), tuple(texts), texts[1:3]) == (4, expected, expected[1:3])
    assert [texts[place] for place in range(-4, 4)] == [*expected, *expected]
    assert texts == expected
    assert texts != expected[:3]
    with pytest.raises(IndexError):
        texts[4]
    assert len(parquet.Texts([])) == 0
