"""A wrong name is answered with the nearest names, by one function."""

from __future__ import annotations

from support.places import ROOT

from qabench.base.suggestions import did_you_mean


def test_the_nearest_names_come_first_and_are_at_most_three():
    known = ["squad_v1", "squad_v2", "quickstart", "squad_v3", "squad_v4"]
    assert did_you_mean("quickstrat", known, "") == "did you mean 'quickstart'?"
    assert did_you_mean("squad-v2", known, "").startswith("did you mean 'squad_v2' or 'squad_v")
    assert did_you_mean("squad-v2", known, "").count(" or ") == 2


def test_where_no_name_is_near_all_are_given_in_order():
    assert did_you_mean("zzz", ["b", "a", "b"], "") == "choose from a, b"


def test_where_no_name_is_known_that_is_said():
    assert did_you_mean("zzz", [], "nothing is installed") == "nothing is installed"


def test_no_other_module_looks_for_near_names():
    modules = (ROOT / "qabench").rglob("*.py")
    found = [path.name for path in modules if "difflib" in path.read_text("utf-8")]
    assert found == ["suggestions.py"]
