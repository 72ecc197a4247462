"""A new plugin: a complete distribution with a small head and its tests, for its author to edit."""

from __future__ import annotations

import keyword
import shlex
import shutil
from dataclasses import dataclass
from importlib import metadata, util
from importlib.resources import files
from pathlib import Path
from string import Template

from qabench import __version__
from qabench.base.files import draft_of
from qabench.base.terminal import commented
from qabench.errors import PluginError
from qabench.plugins.discovery import NAME, discover


@dataclass(frozen=True, slots=True)
class Names:
    """What the parts of a plugin are called.

    Attributes:
        head: what ``--plugin`` takes.
        distribution: what pip installs.
        package: what Python imports.
    """

    head: str
    distribution: str
    package: str


def names_of(head: str) -> Names:
    """The names of a new plugin that has one head.

    Raises:
        PluginError: no plugin can have this name, or something installed has it already.
    """
    names = Names(head, head.lower().replace("_", "-"), head.lower().replace("-", "_"))
    problem = _problem(names)
    if problem:
        raise PluginError(
            f"A new plugin cannot be called {head!r}, because {problem}; choose another name."
        )
    return names


def write_plugin(head: str, folder: Path) -> None:
    """Write the plugin's folder, whole or not at all.

    Args:
        head: the name of its head.
        folder: does not exist yet, or is empty.

    Raises:
        PluginError: the name or the folder cannot be used, or the folder cannot be written.
    """
    texts = _texts(names_of(head))
    target = folder.resolve()
    draft = draft_of(target)
    try:
        _check_free(target, folder)
        for name, text in texts.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        if target.exists():
            target.rmdir()
        draft.rename(target)
    except OSError as error:
        raise PluginError(
            f"The plugin cannot be written to {folder} ({error.strerror}); name another folder."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def next_steps(head: str, folder: Path) -> list[str]:
    """Commands to use next with a new plugin, each with its purpose."""
    quoted = shlex.quote(str(folder))
    install = shlex.quote(f"{folder}[test]")
    return commented(
        [
            (f"pip install -e {install}", "once; later edits take effect at once"),
            (f"pytest {quoted}", "its tests"),
            (f"qabench run --plugin {head}", "train and score it on the quickstart"),
        ]
    )


def _problem(names: Names) -> str | None:
    if not NAME.fullmatch(names.head) or not names.head[-1].isalnum():
        return "a name is letters, digits, '_' and '-', and ends with a letter or digit"
    if not names.package.isidentifier() or keyword.iskeyword(names.package):
        return f"Python could not import {names.package!r}"
    if names.package == "tests":
        return "that is the folder of its tests"
    registry = discover()
    if names.head in {*(one.name for one in registry.heads), *(b.name for b in registry.broken)}:
        return "a plugin of that name is installed"
    if _is_installed(names.distribution):
        return f"pip would replace the installed {names.distribution!r}"
    if _is_importable(names.package):
        return f"'import {names.package}' already means something else"
    return None


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _is_importable(package: str) -> bool:
    found = util.find_spec(package)
    # A folder without Python files, such as one made for the plugin, has no origin.
    return found is not None and found.origin is not None


def _check_free(target: Path, folder: Path) -> None:
    if target == Path.cwd():
        raise PluginError(f"{folder} is the current folder; name a new one.")
    if target.exists() and not target.is_dir():
        raise PluginError(f"{folder} is a file; name another folder.")
    if target.is_dir() and any(target.iterdir()):
        raise PluginError(f"{folder} is not empty; name another folder, or empty it.")


def _texts(names: Names) -> dict[str, str]:
    major, minor = __version__.split(".")[:2]
    values = {
        "head": names.head,
        "distribution": names.distribution,
        "package": names.package,
        "versions": f">={major}.{minor},<{major}.{int(minor) + 1}",
    }
    sources = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        f"{names.package}/__init__.py": "init.py",
        f"{names.package}/head.py": "head.py",
        f"tests/test_{names.package}.py": "test.py",
    }
    templates = files("qabench.plugins").joinpath("templates")
    return {
        name: Template(templates.joinpath(f"{source}.template").read_text("utf-8")).substitute(
            values
        )
        for name, source in sources.items()
    }
