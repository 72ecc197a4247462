"""The files that hosts, tools and contributors read are valid and say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from support.doc_pages import blocks
from support.places import ROOT

from qabench import __version__

FORMS = [path for path in ROOT.glob(".github/ISSUE_TEMPLATE/*.yml") if path.stem != "config"]
PROJECTS = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]


def read(path: Path | str) -> dict:
    path = ROOT / path
    text = path.read_text("utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text)


def test_the_workflow_runs_the_readmes_test_command_and_the_matrix():
    jobs = read(".github/workflows/test.yml")["jobs"].values()
    commands = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    shell = [block for block in blocks(ROOT / "README.md") if block.language == "sh"]
    (test_command,) = (line for block in shell for line, _ in block.commands() if "tox" in line)
    assert test_command in commands
    assert any(line.startswith("tox -m matrix") for line in commands)


def test_hooks_are_local_and_have_the_tested_versions():
    tested = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    repositories = read(".pre-commit-config.yaml")["repos"]
    assert [one["repo"] for one in repositories] == ["local"]
    hooks = {hook["id"]: hook for hook in repositories[0]["hooks"]}
    assert hooks.keys() == {"ruff", "ruff-format", "import-linter", "schemas", "benchmarks"}
    for name in ("ruff", "ruff-format", "import-linter"):
        (needed,) = hooks[name]["additional_dependencies"]
        assert needed in tested
    for name, files in (("schemas", "schemas/*.json"), ("benchmarks", "benchmarks/*.toml")):
        found = [str(path.relative_to(ROOT)) for path in ROOT.glob(files)]
        assert found
        assert all(re.search(hooks[name]["files"], one) for one in found)


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_the_host_wants(form):
    content = read(form)
    assert content.keys() >= {"name", "description", "body"}
    for part in content["body"]:
        assert part["type"] in {"markdown", "textarea"}
        assert part["attributes"].keys() & {"value", "label"}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.parent.name)
def test_every_package_has_one_version(project):
    assert read(project)["project"]["version"] == __version__


def test_the_citation_is_of_this_version_and_names_no_person():
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    assert citation["license"] == read("pyproject.toml")["project"]["license"]
    assert citation["authors"] == [{"name": "The qabench authors"}]


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == __version__


def test_the_tree_of_wings_is_that_of_the_package():
    tree = re.findall(r"^[├└]── (\S+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    package = [path for path in (ROOT / "qabench").iterdir() if not path.name.startswith("_")]
    wings = {f"{path.name}/" for path in package if (path / "__init__.py").exists()}
    assert set(tree) == wings | {path.name for path in package if path.suffix == ".py"}


def test_where_things_go_names_files_that_exist():
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = page.partition("## Where things go")[2].partition("\n## ")[0]
    places = re.findall(r"`([\w/]+(?:/|\.py))`", section)
    assert len(places) >= 10
    assert [one for one in places if not (ROOT / "qabench" / one).exists()] == []


def test_the_order_of_the_tree_is_that_of_the_contract():
    contracts = read("pyproject.toml")["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    height = {
        name: -place
        for place, layer in enumerate(layers)
        for name in layer.replace("qabench.", "").split(" | ")
    }
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    tree = re.findall(r"^[├└]── (\w+)", text, re.MULTILINE)
    assert [height[name] for name in tree] == sorted(height[name] for name in tree)
