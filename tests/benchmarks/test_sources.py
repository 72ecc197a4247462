"""The table of data sources: what is special about one is an attribute of its entry."""

from __future__ import annotations

import dataclasses
import re

import pytest
from support.places import ROOT

from qabench.base.packaged import schema
from qabench.benchmarks import settings as benchmark
from qabench.benchmarks import sources
from qabench.benchmarks.catalogue import entries
from qabench.benchmarks.sources import SOURCES, Source, golds_by_people, read
from qabench.views.hints import Given, next_steps

DATA = {"on_bad_record": "fail", "split_seed": 0}


def settings_of(source: str, **changed: str) -> sources.DataSettings:
    return sources.DataSettings(source=source, **{"train": "train", "dev": "dev"} | DATA | changed)


def test_the_schema_has_the_sources_of_the_table():
    source = schema("benchmark")["properties"]["data"]["properties"]["source"]
    assert source["enum"] == list(SOURCES)
    assert source["default"] in SOURCES
    assert all(f"`{name}`:" in source["description"] for name in SOURCES)


def test_no_module_asks_for_a_source_by_its_name():
    asks = re.compile(rf"[=!]= [\"']({'|'.join(SOURCES)})[\"']")
    modules = (ROOT / "qabench").rglob("*.py")
    assert [path.name for path in modules if asks.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("one", SOURCES.values(), ids=lambda one: one.name)
def test_paths_are_relative_to_the_benchmark_file_and_names_of_splits_are_left(one, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        f'name = "mine"\n[data]\nsource = "{one.name}"\ntrain = "a"\ndev = "b"\n'
        'repository = "some/data"\nrevision = "abc"\n[backbone]\nname = "some/encoder"\n'
    )
    data = benchmark.load(str(path)).data
    places = [str(tmp_path / "a"), str(tmp_path / "b")] if one.has_paths else ["a", "b"]
    assert [data.train, data.dev] == places


def test_the_next_benchmark_exists():
    known = {one.name for one in entries()}
    assert {one.next.name for one in SOURCES.values() if one.next} <= known


def test_golds_are_by_people_unless_a_source_says_otherwise():
    assert not golds_by_people({"data": {"source": "generated"}})
    for settings in ({}, {"data": {}}, {"data": {"source": "hub"}}, {"data": {"source": ["x"]}}):
        assert golds_by_people(settings)


def test_a_new_source_is_an_entry_of_the_table(monkeypatch):
    small = read(settings_of("generated"), "dev")
    suggested = sources.NextBenchmark("squad_v1", "the real thing")
    mine = Source("mine", lambda data, place: small, golds_by_people=False, next=suggested)
    monkeypatch.setitem(sources.SOURCES, "mine", mine)
    assert read(settings_of("mine"), "anywhere") is small
    assert not golds_by_people({"data": {"source": "mine"}})
    one = dataclasses.replace(benchmark.load("quickstart"), data=settings_of("mine"))
    assert "squad_v1   # the real thing" in next_steps(one, Given(), ["a"], [])[0]
