"""Blocks of code in Markdown pages, and a session that runs them as a reader would.

All blocks of a page share a folder and a namespace. What a block is follows from its language:

- ``python`` runs, ``pycon`` is a doctest, with a ``title`` either is a file of that name;
- ``sh`` is commands that must succeed, ``console`` commands with what they print;
- any other language is a file if it has a title, else not looked at.

A comment right above a block says what is special about it: ``<!-- not run: WHY -->`` (commands
are still parsed), ``<!-- slow: WHY -->``, ``<!-- needs: MODULE OR FILE -->``.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from qabench.cli import app, main

_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>not run|slow|needs): (?P<detail>.+?) -->\n)?"
    r"^```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its first line of code."""

    page: Path
    line: int
    language: str
    title: str
    mark: str
    detail: str
    text: str

    @property
    def is_file(self) -> bool:
        return bool(self.title)

    def commands(self) -> list[tuple[str, str]]:
        """Command lines, and what stands below each in a ``console`` block."""
        text = self.text.replace("\\\n", " ")
        if self.language == "sh":
            return [(line, "") for line in text.splitlines() if line.strip()]
        parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
        return [(command, output) for command, _, output in (one.partition("\n") for one in parts)]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start("text")) + 1,
            found["language"],
            found["title"] or "",
            found["mark"] or "",
            found["detail"] or "",
            found["text"],
        )
        for found in _BLOCK.finditer(text)
    ]


def qabench_commands(page: Path) -> Iterator[str]:
    """Every line of the page's code, fenced or indented, that calls qabench."""
    text = page.read_text("utf-8")
    shell = [block for block in blocks(page) if block.language in ("sh", "console")]
    lines = [line for block in shell for line, _ in block.commands()]
    lines += re.findall(r"^ {4}(qabench .*)$", _BLOCK.sub("", text), re.MULTILINE)
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
    """A reader with a folder, a Python namespace and a shell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.site = folder / ".site"

    def run(self, block: Block) -> None:
        """Do what a block says; an error is an ``AssertionError`` or the code's own."""
        if block.is_file:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        elif block.language == "python":
            # Tracebacks then name page and line.
            code = "\n" * (block.line - 1) + block.text
            exec(compile(code, str(block.page), "exec"), self.names)
        elif block.language == "pycon":
            self._doctest(block)
        elif block.language in ("sh", "console"):
            for line, output in block.commands():
                self._command(line, output, block)

    def _doctest(self, block: Block) -> None:
        place = f"{block.page.name}:{block.line}"
        test = doctest.DocTestParser().get_doctest(
            block.text, self.names, place, str(block.page), block.line - 1
        )
        assert test.examples, f"{place} has no example"
        said = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=_FLAGS)
        result = runner.run(test, out=said.write, clear_globs=False)
        assert result.failed == 0, said.getvalue()
        self.names.update(test.globs)

    def _command(self, line: str, expected: str, block: Block) -> None:
        words = shlex.split(line, comments=True)
        if words[0] == "qabench":
            code, output = _called(words)
        elif words[:3] == ["pip", "install", "-e"]:
            code, output = 0, self._install(words[3])
        else:
            code, output = _in_a_shell(line)
        place = f"{block.page.name}:{block.line}: {line}"
        if block.language == "sh":
            assert code == 0, f"{place}\n{output}"
        elif not doctest.OutputChecker().check_output(expected, output, _FLAGS):
            raise AssertionError(f"{place}\nprints\n{output}\nnot\n{expected}")

    def _install(self, requirement: str) -> str:
        """What an editable install of a plugin does: its folder on the path, its entry points
        known; without pip, which would want the network.
        """
        folder = self.folder / requirement.partition("[")[0]
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        name, version = project["name"], project["version"]
        info = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        groups = project["entry-points"].items()
        lines = [
            line
            for group, points in groups
            for line in (f"[{group}]", *(f"{point} = {value}" for point, value in points.items()))
        ]
        (info / "entry_points.txt").write_text("\n".join(lines))
        sys.path[:0] = [str(self.site), str(folder)]
        return ""


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
