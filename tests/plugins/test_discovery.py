"""Discovery of plugins: the broken are named, the others go on."""

from __future__ import annotations

import math
import time
from importlib.metadata import EntryPoint

import pytest

from qabench import HeadSpec, hookimpl
from qabench.errors import PluginError
from qabench.plugins import guarding
from qabench.plugins.discovery import InstalledHead, Registry, discover


class Distribution:
    name, version = "some-dist", "1.2"


def entry(monkeypatch, name: str, plugin: object) -> EntryPoint:
    point = EntryPoint(name, f"no_such_module_{name}", "qabench")
    object.__setattr__(point, "dist", Distribution())
    if plugin is not None:
        original = EntryPoint.load

        def load(self, plugin=plugin, name=name, original=original):
            return plugin if self.name == name else original(self)

        monkeypatch.setattr(EntryPoint, "load", load)
    return point


def plugin_of(*specs: object):
    class Plugin:
        @hookimpl
        def qabench_heads(self):
            return list(specs)

    return Plugin()


def spec(name: str = "good", **given) -> HeadSpec:
    fields = {"summary": "one line", "build": lambda size, options: None, **given}
    return HeadSpec(name=name, **fields)


def test_installed_heads_are_found_with_their_distributions():
    ours = {"spanbert_linear", "spanbert_crf", "biaffine"}
    found = [head for head in discover().heads if head.name in ours]
    if not found:
        pytest.skip("no head of this repository is installed here")
    for head in found:
        assert head.distribution == "qabench-" + head.name.replace("_", "-")
        assert head.version == "0.1.0"


def test_an_unknown_plugin_names_the_nearest(monkeypatch):
    registry = discover([entry(monkeypatch, "good", plugin_of(spec("spanbert_linear")))])
    with pytest.raises(PluginError, match="did you mean 'spanbert_linear'"):
        registry.head("spanbert_liner")


def test_an_unknown_plugin_with_no_near_name_lists_what_is_installed(monkeypatch):
    registry = discover([entry(monkeypatch, "good", plugin_of(spec("abc")))])
    with pytest.raises(PluginError, match="choose from abc"):
        registry.head("zzzzzz")


def test_no_plugin_at_all_is_said():
    with pytest.raises(PluginError, match="no plugin is installed"):
        discover([]).head("any")


def test_two_plugins_of_one_name_are_an_error_that_names_both_owners():
    heads = (InstalledHead(spec(), "dist-a", "1"), InstalledHead(spec(), "dist-b", "2"))
    registry = Registry(heads, ())
    assert registry.duplicates == {"good"}
    with pytest.raises(PluginError, match="dist-a and dist-b; uninstall one"):
        registry.head("good")


def test_a_plugin_that_fails_to_import_is_named_and_the_others_go_on(monkeypatch):
    points = [entry(monkeypatch, "bad", None), entry(monkeypatch, "good", plugin_of(spec()))]
    registry = discover(points)
    assert [head.name for head in registry.heads] == ["good"]
    assert registry.broken[0].name == "bad"
    assert "ModuleNotFoundError" in registry.broken[0].reason
    with pytest.raises(PluginError, match=r"'bad' from some-dist 1\.2 is broken"):
        registry.head("bad")


class Panic(BaseException):
    """As pyo3 raises for a panic in Rust."""


@pytest.mark.parametrize("error", [SystemExit("bye"), pytest.skip.Exception("bye"), Panic("bye")])
def test_a_plugin_that_raises_anything_on_import_is_broken_and_the_others_still_work(
    monkeypatch, error
):
    points = [entry(monkeypatch, "good", plugin_of(spec())), entry(monkeypatch, "bad", None)]
    load = EntryPoint.load

    def raise_it(self):
        if self.name == "bad":
            raise error
        return load(self)

    monkeypatch.setattr(EntryPoint, "load", raise_it)
    registry = discover(points)
    assert [head.name for head in registry.heads] == ["good"]
    assert registry.broken[0].reason == f"{type(error).__name__}: bye"


def test_ctrl_c_during_an_import_ends_the_command(monkeypatch):
    def interrupt(self):
        raise KeyboardInterrupt

    point = entry(monkeypatch, "bad", None)
    monkeypatch.setattr(EntryPoint, "load", interrupt)
    with pytest.raises(KeyboardInterrupt):
        discover([point])


def test_a_plugin_that_takes_seconds_to_import_is_named_while_it_does(monkeypatch, caplog):
    monkeypatch.setattr(guarding, "PATIENCE", 0.01)

    def wait(self):
        while not caplog.messages:
            time.sleep(0.01)
        return plugin_of(spec())

    point = entry(monkeypatch, "slow", None)
    monkeypatch.setattr(EntryPoint, "load", wait)
    assert [head.name for head in discover([point]).heads] == ["good"]
    (message,) = caplog.messages
    assert message.startswith("Plugin 'slow' (some-dist 1.2) takes more than 0.01 s to be imported")


def test_a_quick_import_is_not_named(monkeypatch, caplog):
    monkeypatch.setattr(guarding, "PATIENCE", 0.2)
    discover([entry(monkeypatch, "good", plugin_of(spec()))])
    time.sleep(0.3)
    assert not caplog.messages


def test_a_hook_of_a_wrong_signature_is_said(monkeypatch):
    class Plugin:
        @hookimpl
        def qabench_heads(self, config):
            return []

    broken = discover([entry(monkeypatch, "bad", Plugin())]).broken
    assert "wrong name or signature" in broken[0].reason
    assert "config" in broken[0].reason


def test_a_misspelt_hook_is_said(monkeypatch):
    class Plugin:
        @hookimpl
        def qabench_head(self):
            return []

    assert "qabench_head" in discover([entry(monkeypatch, "bad", Plugin())]).broken[0].reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (object(), "returned object, not a list"),
        (spec(), "returned HeadSpec, not a list"),
        (["a name"], "returned a str in its list"),
        ([spec("../up")], "is not made of letters"),
    ],
)
def test_a_hook_that_returns_something_else_is_said(monkeypatch, answer, reason):
    class Plugin:
        @hookimpl
        def qabench_heads(self):
            return answer

    assert reason in discover([entry(monkeypatch, "bad", Plugin())]).broken[0].reason


WRONG_FIELDS = {
    "its build is a str, which is not callable": {"build": "my_head.build"},
    "its summary is None, not one line": {"summary": None},
    "its summary is '', not one line": {"summary": ""},
    "its summary is 'a\\nb', not one line": {"summary": "a\nb"},
    "its learning rate is {'head': 0.1}, not a number above 0": {"learning_rate": {"head": 0.1}},
    "its learning rate is '1e-3', not a number above 0": {"learning_rate": "1e-3"},
    "its learning rate is True, not a number above 0": {"learning_rate": True},
    "its learning rate is nan, not a number above 0": {"learning_rate": math.nan},
    "its learning rate is inf, not a number above 0": {"learning_rate": math.inf},
    "its options are a list, not a mapping": {"options": ["width"]},
    "option 1 is {'default': 1}, not a JSON Schema": {"options": {1: {"default": 1}}},
    "option 'width' is 16, not a JSON Schema": {"options": {"width": 16}},
    "option 'width' is not a JSON Schema: 'whole' is not valid": {
        "options": {"width": {"type": "whole", "default": 1}}
    },
    "option 'width' is not a JSON Schema: 'a' is not of type 'number'": {
        "options": {"width": {"minimum": "a", "default": 1}}
    },
    "option 'width' has no default": {"options": {"width": {"type": "integer"}}},
    'the default of width is "wide", but must be of type integer': {
        "options": {"width": {"type": "integer", "default": "wide"}}
    },
    "the default of width is 0, but must be at least 1": {
        "options": {"width": {"minimum": 1, "default": 0}}
    },
    "the default of width is nan, but must be a finite number": {
        "options": {"width": {"default": math.nan}}
    },
    "the default of width is a object, which JSON does not have": {
        "options": {"width": {"default": object()}}
    },
    "option 'width' is not a JSON Schema that can be used": {
        "options": {"width": {"$ref": "#/nowhere", "default": 1}}
    },
    "option 'kind' is not a JSON Schema": {"options": {"kind": {"pattern": "(", "default": "a"}}},
}


@pytest.mark.parametrize("reason", WRONG_FIELDS)
def test_wrong_fields_of_a_head_are_said_when_the_plugin_is_read(monkeypatch, reason):
    plugin = plugin_of(spec(**WRONG_FIELDS[reason]))
    registry = discover([entry(monkeypatch, "bad", plugin)])
    assert registry.heads == ()
    assert f"head 'good': {reason}" in registry.broken[0].reason


def test_a_plugin_without_any_hook_is_said(monkeypatch):
    broken = discover([entry(monkeypatch, "bad", object())]).broken
    assert "implements no qabench hook" in broken[0].reason


@pytest.mark.parametrize("error", [SystemExit(0), Panic("no"), ZeroDivisionError("no")])
def test_a_head_that_cannot_be_built_names_plugin_version_call_and_line(error):
    def build(size, options):
        raise error

    head = InstalledHead(spec(build=build), "dist", "1")
    start = r"Plugin 'good' \(dist 1\) failed in build at test_discovery\.py:\d+: "
    with pytest.raises(PluginError, match=start + type(error).__name__):
        head.build(8, {})


def test_full_memory_is_not_the_plugins_fault():
    def build(size, options):
        raise MemoryError

    with pytest.raises(MemoryError):
        InstalledHead(spec(build=build), "dist", "1").build(8, {})


def test_head_options_get_their_defaults_and_a_typo_is_named():
    dropout = {"dropout": {"type": "number", "minimum": 0, "default": 0.1}}
    head = InstalledHead(spec(options=dropout), "dist", "1")
    assert head.options({}) == {"dropout": 0.1}
    assert head.options({"dropout": 0.5}) == {"dropout": 0.5}
    with pytest.raises(PluginError, match=r"unknown key 'dropuot' .did you mean 'dropout'"):
        head.options({"dropuot": 0.5})
    with pytest.raises(PluginError, match="dropout is -1, but must be at least 0"):
        head.options({"dropout": -1})
