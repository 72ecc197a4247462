"""Docstrings as Markdown: what they have of reStructuredText, translated."""

from __future__ import annotations

import contextlib
import re
from textwrap import dedent, indent

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data):`(~?)([^`]+)`")
_CODE = re.compile(
    r"^(?P<margin> *)\.\. code-block:: (?P<language>\w+)\n\n(?P<code>(?:(?P=margin) {4}.*\n?|\n)+)",
    re.MULTILINE,
)
_ADDED = re.compile(r"^\.\. versionadded:: (\S+)$", re.MULTILINE)


class Markdown(griffe.Extension):
    """Turns roles into cross references and directives into Markdown."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        """Translate the docstring of one object, before its sections are parsed."""
        if obj.docstring:
            obj.docstring.value = translated(obj.docstring.value, obj)


def translated(text: str, obj: griffe.Object) -> str:
    """A docstring of ``obj`` as Markdown."""
    text = _CODE.sub(_fenced, text)
    text = _ADDED.sub(r"*Since version \1.*", text)
    return _ROLE.sub(lambda match: _reference(match, obj), text)


def _fenced(match: re.Match[str]) -> str:
    code = dedent(match["code"]).strip("\n")
    return indent(f"```{match['language']}\n{code}\n```\n", match["margin"])


def _reference(match: re.Match[str], obj: griffe.Object) -> str:
    """A link where the reference has the target, else only its name."""
    target = match[2]
    shown = target.rpartition(".")[2] if match[1] else target
    # Whole dotted names are no names of this module.
    with contextlib.suppress(griffe.NameResolutionError):
        target = obj.resolve(target)
    return f'<autoref optional identifier="{target}"><code>{shown}</code></autoref>'
