"""Blocks of code in Markdown pages, found by sybil, and a session that runs them as a reader would.

All blocks of a page share a folder and a namespace. What a block is follows from its language:

- ``python`` runs, ``pycon`` is a doctest;
- ``sh`` is commands that must succeed, ``console`` commands with what they print;
- ``toml``, ``json`` and ``ini`` must parse, and a benchmark must load;
- a block with a ``title`` becomes a file of that name, and code in it waits to be used.

A comment right above a block says what is special about it: ``<!-- not run: WHY -->`` (commands
are still parsed), ``<!-- slow: WHY -->``, ``<!-- needs: MODULE OR FILE -->``.
"""

from __future__ import annotations

import configparser
import contextlib
import doctest
import importlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import click
from sybil import Document, Example
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from qabench.benchmarks import settings
from qabench.cli import app, main

_INFO = re.compile(r'(?P<language>\w*)(?: title="(?P<title>[^"]+)")?[^\n]*\n')
_MARK = re.compile(r"<!-- (?P<mark>not run|slow|needs): (?P<detail>.+) -->\n[ \t]*\Z")
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block:
    """One fenced block; ``example`` is what sybil calls it."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.language, title, self.text = example.region.lexemes.values()
        self.title = title or ""
        mark = _MARK.search(example.document.text[: example.start])
        self.mark, self.detail = mark.groups() if mark else ("", "")
        self.place = f"{Path(example.path).name}:{example.line}"
        example.parsed = self.text

    def commands(self) -> list[tuple[str, str]]:
        """Command lines, and what stands below each in a ``console`` block."""
        text = self.text.replace("\\\n", " ")
        if self.language == "sh":
            return [(line, "") for line in text.splitlines() if line.strip()]
        parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
        return [(command, output) for command, _, output in (one.partition("\n") for one in parts)]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(one) for one in Document.parse(str(page), RawFencedCodeBlockLexer(_INFO))]


def qabench_commands(page: Path) -> Iterator[str]:
    """Every line of the page's code that calls qabench."""
    shell = [block for block in blocks(page) if block.language in ("sh", "console")]
    lines = [line for block in shell for line, _ in block.commands()]
    return (line for line in lines if "qabench" in _words(line))


def parse(line: str) -> None:
    """Hold a command line against the real parser, without running it.

    Raises:
        click.UsageError: the command does not take these options or arguments.
    """
    words = _words(line)
    words = words[words.index("qabench") + 1 :]
    ends = [place for place, word in enumerate(words) if set(word) <= set("|&>;")]
    words = words[: ends[0]] if ends else words
    try:
        context = app.make_context("qabench", list(words))
        name, command, rest = app.resolve_command(context, list(words))
        command.make_context(name, rest, parent=context)
    except click.exceptions.Exit:
        pass  # --help


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&>;")
    lexer.whitespace_split = True
    # A program may be called by its path; QABENCH=../qabench is no call.
    called = re.compile(r"[^=]*/qabench")
    return ["qabench" if called.fullmatch(word) else word for word in lexer]


class Session:
    """A reader with a folder and a shell; a page's own names are kept by sybil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, block: Block) -> None:
        """Do what a block says; an error is an ``AssertionError`` or the code's own."""
        block.example.namespace["__name__"] = "__main__"
        path = self.folder / (block.title or f"untitled.{block.language}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, "utf-8")
        if not (block.title and block.language == "python"):
            self.KINDS[block.language](self, block, path)

    def _python(self, block: Block, _: Path) -> None:
        PythonEvaluator()(block.example)

    def _doctest(self, block: Block, _: Path) -> None:
        regions = list(DocTestStringParser(DocTestEvaluator(_FLAGS))(block.text, block.place))
        assert regions, f"{block.place} has no example"
        for region in regions:
            line = block.example.line + 1 + region.parsed.lineno
            Example(block.example.document, line, 1, region, block.example.namespace).evaluate()

    def _toml(self, block: Block, path: Path) -> None:
        if "backbone" in tomllib.loads(block.text):
            settings.load(str(path))

    def _json(self, block: Block, path: Path) -> None:
        for one in block.text.splitlines() if path.suffix == ".jsonl" else [block.text]:
            json.loads(one)

    def _ini(self, block: Block, _: Path) -> None:
        configparser.ConfigParser(interpolation=None).read_string(block.text)

    def _commands(self, block: Block, _: Path) -> None:
        for line, expected in block.commands():
            words = shlex.split(line, comments=True)
            if words[0] == "qabench":
                code, output = _called(words)
            elif words[:3] == ["pip", "install", "-e"]:
                code, output = self._install(words[3])
            else:
                code, output = _in_a_shell(line)
            if block.language == "sh":
                assert code == 0, f"{block.place}: {line}\n{output}"
            elif not doctest.OutputChecker().check_output(expected, output, _FLAGS):
                raise AssertionError(f"{block.place}: {line}\nprints\n{output}\nnot\n{expected}")

    def _install(self, requirement: str) -> tuple[int, str]:
        """Of an editable install without the network: the built plugin, behind its own folder."""
        site, folder = self.folder / ".site", self.folder / requirement.partition("[")[0]
        sys.path[:0] = [str(folder), str(site)]
        pip = "python -m pip install --quiet --no-index --no-deps --no-build-isolation --target"
        return _in_a_shell(f"{pip} {site} {folder}")

    KINDS: ClassVar = {
        "python": _python,
        "pycon": _doctest,
        "sh": _commands,
        "console": _commands,
        "toml": _toml,
        "json": _json,
        "ini": _ini,
    }


def _in_a_shell(line: str) -> tuple[int, str]:
    """Exit code and output of another program, with this Python and all that it can import."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def _called(words: list[str]) -> tuple[int, str]:
    """Exit code and output of qabench, in this process: torch is imported but once."""
    importlib.invalidate_caches()
    # A plugin's files may have changed since the last command.
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(Path.cwd())):
            del sys.modules[name]
    output, argv = io.StringIO(), sys.argv
    sys.argv = words
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            main()
    except SystemExit as done:
        return int(done.code or 0), output.getvalue()
    finally:
        sys.argv = argv
    return 0, output.getvalue()
