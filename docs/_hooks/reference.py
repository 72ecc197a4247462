"""Parts of pages that are made from the sources: a page names one as ``<!-- generate: NAME -->``.

Nothing here imports torch, so that the site can be built without it.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from qabench import errors
from qabench.cli import app

ROOT = Path(__file__).parents[2]
_PLACE = re.compile(r"^<!-- generate: (\S+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the parts that a page names."""
    return _PLACE.sub(lambda match: _PARTS[match[1]](), markdown)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(one) for one in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def commands() -> str:
    """What ``--help`` prints, of the program and of each command."""
    top = click.Context(app, info_name="qabench", terminal_width=88, **app.context_settings)
    parts = [_help(app, top)]
    for name, command in sorted(app.commands.items()):
        context = click.Context(command, info_name=name, parent=top, terminal_width=88)
        parts += [f"## qabench {name}", _help(command, context)]
    return "\n\n".join(parts)


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```"


def exit_codes() -> str:
    """The errors and their exit codes."""
    found = [
        one
        for _, one in inspect.getmembers(errors, inspect.isclass)
        if one is not errors.SignalError
    ]
    rows = [["0", "", "done"], ["2", "", "wrong usage of the command line"]]
    rows += [[str(one.exit_code), f"`{one.__name__}`", one.__doc__ or ""] for one in found]
    signals = {130: "interrupted (SIGINT)", 143: "ended by SIGTERM"}
    rows += [
        [str(code), "`SignalError`", f"{what}; the same command resumes the run"]
        for code, what in signals.items()
    ]
    return table(["code", "exception", "meaning"], sorted(rows, key=lambda row: int(row[0])))


def checks() -> str:
    """The checks of :mod:`qabench.testing`, read without importing torch."""
    rows = (_check(*one.split(".")) for one in _check_names())
    return table(["what must hold", "why it matters", "how to fix it"], rows)


def _check_names() -> list[str]:
    for node in _module("__init__").body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_CHECKS":
            return [ast.unparse(one) for one in node.value.elts]
    raise LookupError("qabench.testing has no _CHECKS")


def _check(module: str, name: str) -> list[str]:
    tree = _module(module)
    texts = {
        ast.unparse(node.targets[0]): node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    (found,) = (one for one in tree.body if getattr(one, "name", "") == name)
    words = {
        keyword.arg: eval(ast.unparse(keyword.value), {}, texts)
        for keyword in found.decorator_list[0].keywords
    }
    must_hold = f"`{name}`<br>{ast.get_docstring(found)}"
    return [must_hold, words["matters"], words["fix"]]


def _module(name: str) -> ast.Module:
    return ast.parse((ROOT / "qabench" / "testing" / f"{name}.py").read_text("utf-8"))


def schema(name: str) -> str:
    """Every key of a schema, a table for each section."""
    document = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    parts = []
    for title, section in _sections(document, "", document):
        heading = f"## {title}\n\n{section.get('description', '')}\n\n" if title else ""
        parts.append(heading + _keys(section, document))
    return "\n\n".join(parts)


def _sections(
    node: Mapping[str, Any], path: str, document: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object with named keys, with its dotted name."""
    node = _resolved(node, document)
    if node.get("properties"):
        yield path, node
    for key, one in node.get("properties", {}).items():
        yield from _sections(one, f"{path}.{key}" if path else key, document)
    if "items" in node:
        yield from _sections(node["items"], f"{path}[]", document)
    if isinstance(node.get("additionalProperties"), dict):
        yield from _sections(node["additionalProperties"], f"{path}.NAME", document)


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref", "")
    found = document["$defs"][reference.rpartition("/")[2]] if reference else {}
    return {**_resolved(found, document), **node} if reference else node


def _keys(section: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """The keys of one section; where some have defaults the others are marked that must be there,
    else those that need not.
    """
    nodes = {key: _resolved(node, document) for key, node in section["properties"].items()}
    has_defaults = any("default" in node for node in nodes.values())
    note = "required" if has_defaults else "optional"
    rows = []
    for key, node in nodes.items():
        is_marked = (key in section.get("required", ())) is has_defaults
        row = [f"`{key}`" + f" ({note})" * is_marked, _type(node), node.get("description", "")]
        if has_defaults:
            row.insert(2, f"`{json.dumps(node['default'])}`" if "default" in node else "")
        rows.append(row)
    header = ["key", "type", *(["default"] if has_defaults else []), "meaning"]
    return table(header, rows)


def _type(node: Mapping[str, Any]) -> str:
    """The type and its limits, in words."""
    if "enum" in node or "const" in node:
        return " or ".join(f"`{json.dumps(one)}`" for one in node.get("enum", [node.get("const")]))
    kinds = node.get("type", "any")
    words = kinds if isinstance(kinds, str) else " or ".join(kinds)
    limits = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
    }
    found = [f"{sign} {node[one]}" for one, sign in limits.items() if one in node]
    return ", ".join([words, *found])


_PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "exit-codes": exit_codes,
    "checks": checks,
    "benchmark-schema": lambda: schema("benchmark"),
    "report-schema": lambda: schema("report"),
}
