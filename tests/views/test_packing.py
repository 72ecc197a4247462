"""Columns and JSON come out of a page as they went in, each column in its smallest type."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.unpacking import TYPES, plain, unpack

from qabench.views.page.packing import pack, smallest

WHOLE = st.lists(st.integers(-(2**33), 2**33)) | st.lists(st.integers(-200, 300))
FLOATS = st.lists(st.floats(allow_nan=False, width=64))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXTS.filter(lambda name: name != "type"), WHOLE | FLOATS), st.lists(TEXTS))
def test_columns_and_texts_come_out_as_they_went_in(columns, texts):
    arrays = {
        name: np.array(values, float if any(isinstance(one, float) for one in values) else int)
        for name, values in columns.items()
    }
    packed = pack({"texts": texts, "columns": [arrays]})
    assert re.fullmatch("[A-Za-z0-9+/]*={0,2}", packed)
    assert plain(unpack(packed)) == {"texts": texts, "columns": [columns]}


@pytest.mark.parametrize(
    ("least", "most", "type"),
    [
        (0, 255, "uint8"),
        (-1, 127, "int8"),
        (0, 256, "uint16"),
        (-1, 128, "int16"),
        (-(2**15), 2**15 - 1, "int16"),
        (0, 2**16, "uint32"),
        (-1, 2**15, "int32"),
        (0, 2**32 - 1, "uint32"),
        (-1, 2**31, "float64"),
        (0, 2**32, "float64"),
    ],
)
def test_a_column_takes_the_smallest_type_that_holds_it(least, most, type):
    found = smallest(np.array([most, least]))
    assert found.dtype == type
    assert found.tolist() == [most, least]


def test_numbers_with_decimals_keep_all_of_them():
    assert smallest(np.array([0.1, 1e300])).tolist() == [0.1, 1e300]


def test_a_column_begins_where_its_type_may_begin():
    columns = [np.arange(3), np.arange(5) / 2, np.array([70_000]), np.arange(0), np.array([-300])]
    assert plain(unpack(pack(columns))) == plain(columns)


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        pack({"odds": float("nan")})


def test_the_page_knows_every_type():
    from importlib.resources import files

    script = files("qabench.views.page").joinpath("page.js").read_text("utf-8")
    (listed,) = re.findall(r"const TYPES = Object\.fromEntries\(\[(.*?)\]", script, flags=re.S)
    assert sorted(re.split(r",\s+", listed)) == sorted(TYPES)
