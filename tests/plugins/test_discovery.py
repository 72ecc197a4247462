"""Discovery of plugins: the broken are named, the others go on."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from qabench import HeadSpec, hookimpl
from qabench.errors import PluginError
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
    return HeadSpec(name=name, summary="", build=lambda size, options: None, **given)


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


def test_a_plugin_that_exits_on_import_does_not_end_the_command(monkeypatch):
    point = entry(monkeypatch, "bad", None)

    def leave(self):
        raise SystemExit("bye")

    monkeypatch.setattr(EntryPoint, "load", leave)
    assert "SystemExit: bye" in discover([point]).broken[0].reason


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


def test_a_plugin_without_any_hook_is_said(monkeypatch):
    broken = discover([entry(monkeypatch, "bad", object())]).broken
    assert "implements no qabench hook" in broken[0].reason


def test_head_options_get_their_defaults_and_a_typo_is_named():
    dropout = {"dropout": {"type": "number", "minimum": 0, "default": 0.1}}
    head = InstalledHead(spec(options=dropout), "dist", "1")
    assert head.options({}) == {"dropout": 0.1}
    assert head.options({"dropout": 0.5}) == {"dropout": 0.5}
    with pytest.raises(PluginError, match=r"unknown key 'dropuot' .did you mean 'dropout'"):
        head.options({"dropuot": 0.5})
    with pytest.raises(PluginError, match="dropout is -1, but must be at least 0"):
        head.options({"dropout": -1})
