"""Every block of code in the documentation works as it stands there."""

from __future__ import annotations

import configparser
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import click
import pytest
from support.doc_pages import Session, blocks, parse, qabench_commands
from support.places import DEV, ROOT

from qabench.cli import app
from qabench.errors import QABenchError
from qabench.testing import checks

DOCS = ROOT / "docs"
# Files that pages read, but that are no part of the repository: a sample of the real SQuAD v2.0.
BORROWED = {"squad-sample.json": DEV}
PAGES = sorted(DOCS.rglob("*.md"))
OTHERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("plugins/*/README.md"))]
RUN = [page for page in PAGES if any(block.mark != "not run" for block in blocks(page))]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def is_there(needed: str) -> bool:
    if needed in BORROWED:
        return BORROWED[needed].exists()
    return importlib.util.find_spec(needed) is not None


@pytest.mark.parametrize("page", RUN, ids=name)
def test_the_blocks_of_a_page_run_from_top_to_bottom(page, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for file in filter(is_there, BORROWED):
        shutil.copy(BORROWED[file], tmp_path / file)
    session = Session(tmp_path)
    for block in blocks(page):
        if block.mark == "not run" or (block.mark == "slow" and not request.config.option.slow):
            continue
        if block.mark == "needs" and not is_there(block.detail):
            continue
        session.run(block)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=name)
def test_every_block_is_of_a_kind_that_is_checked_or_says_why_not(page):
    unchecked = [
        f"{block.place} {block.language or 'no language'}"
        for block in blocks(page)
        if block.language not in Session.KINDS and block.mark != "not run"
    ]
    assert not unchecked


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=name)
def test_commands_of_a_page_are_those_of_the_parser(page):
    for line in qabench_commands(page):
        try:
            parse(line)
        except click.ClickException as error:
            pytest.fail(f"{name(page)}: {line}: {error.format_message()}")


@pytest.mark.parametrize(
    "needed",
    sorted({one.detail for page in PAGES for one in blocks(page) if one.mark == "needs"}),
)
def test_no_block_is_left_out_for_want_of_what_it_needs(needed):
    if not is_there(needed):
        pytest.skip(f"blocks that need {needed} were left out")


def test_the_parser_refuses_what_it_should():
    with pytest.raises(click.UsageError, match="No such option"):
        parse("qabench run --plugin a --epochs 3")
    with pytest.raises(click.UsageError, match="No such command"):
        parse("qabench predict model")
    parse("torchrun --nproc-per-node 2 -m qabench run --plugin a && ls > list")


@pytest.mark.parametrize(
    "text",
    [
        "```python\nassert 1 == 2\n```",
        "```pycon\n>>> 1 + 1\n3\n```",
        "```sh\nqabench score missing.json missing.json\n```",
        "```sh\nfalse\n```",
        "1. A list\n\n    ```sh\n    false\n    ```",
        "```console\n$ qabench version\nqabench 9\n```",
        "```console\n$ echo one\ntwo\n```",
        "```toml\nname = one\n```",
        '```toml\nname = "one"\n[backbone]\nnam = "bert"\n```',
        '```json\n{"id": 1,}\n```',
        '```json title="lines.jsonl"\n{"id": 1}\n{"id": 2,}\n```',
        "```ini\nkey without a section\n```",
        "```text\nanything\n```",
        "```\nanything\n```",
    ],
)
def test_a_block_that_is_wrong_fails(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(text)
    (block,) = blocks(page)
    with pytest.raises((AssertionError, ValueError, KeyError, QABenchError, configparser.Error)):
        Session(tmp_path).run(block)


def test_the_table_of_checks_is_that_of_the_kit(hook):
    rows = hook.checks().splitlines()[2:]
    expected = [[f"`{one.name}`<br>{one.summary}", one.matters, one.fix] for one in checks()]
    assert [row[2:-2].split(" | ") for row in rows] == expected


@pytest.mark.parametrize("schema", ["benchmark", "report"])
def test_the_reference_has_every_key_of_a_schema(hook, schema):
    def keys(node: object) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(keys, node), set())
        if not isinstance(node, dict):
            return set()
        own = node.get("properties", {})
        return set(own if isinstance(own, dict) else ()).union(*map(keys, node.values()))

    wanted = keys(json.loads((ROOT / "schemas" / f"{schema}.schema.json").read_text("utf-8")))
    text = hook.schema(schema)
    assert not [key for key in wanted if f"`{key}`" not in text]


def test_every_command_is_in_the_reference(hook):
    text = hook.commands()
    assert all(f"## qabench {command}\n" in text for command in app.commands)


@pytest.fixture(scope="module")
def hook():
    path = DOCS / "_hooks" / "reference.py"
    spec = importlib.util.spec_from_file_location("docs_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
