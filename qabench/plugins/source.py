"""The source of a plugin: the files that its code is in, and their hash.

A plugin that is installed with ``pip install -e`` keeps its version while its code changes, so
only its files say whether a run was made with the same code.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from qabench.plugins.discovery import InstalledHead
from qabench.plugins.hookspecs import PROJECT

_CODE = (".py", ".so", ".pyd")
_LIBRARIES = {"site-packages", "dist-packages"}


def source_hash(head: InstalledHead) -> str:
    """sha256 over names and bytes of the source files of a head's plugin, as 64 hex digits.

    These are the modules that its distribution installs, the packages that its entry points name,
    and the package that builds the head, unless that is an installed library. Data files and other
    distributions are not part of it. A folder and a wheel with the same code have the same hash.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_files(head).items()):
        code = path.read_bytes()
        digest.update(f"{name} {len(code)}\n".encode())
        digest.update(code)
    return digest.hexdigest()


def _files(head: InstalledHead) -> dict[str, Path]:
    """Source files by their names relative to where they are imported from."""
    found = dict(_installed(head.distribution))
    roots: set[Path | None] = {_root(module) for module in _entry_modules(head.distribution)}
    builder = _root(_module_of(head.spec.build))
    # A library is a distribution of its own: torch has gigabytes.
    if builder is not None and not _LIBRARIES & set(builder.parts):
        roots.add(builder)
    for root in filter(None, roots):
        inside = root.rglob("*") if root.is_dir() else [root]
        found |= {one.relative_to(root.parent).as_posix(): one for one in inside}
    return {name: path for name, path in found.items() if path.suffix in _CODE and path.is_file()}


def _installed(name: str) -> Iterator[tuple[str, Path]]:
    """What a wheel installed; of a folder that is installed with ``-e`` almost nothing."""
    try:
        files = distribution(name).files or ()
    except PackageNotFoundError:
        return
    for file in files:
        # setuptools writes such a module with the folder's path into it.
        if not file.name.startswith("__editable__"):
            yield file.as_posix(), Path(str(file.locate()))


def _entry_modules(name: str) -> Iterator[str]:
    try:
        points = distribution(name).entry_points.select(group=PROJECT)
    except PackageNotFoundError:
        return
    yield from (point.module for point in points)


def _module_of(build: object) -> str:
    """The module of a function, a class, or what ``functools.partial`` wraps."""
    inner = getattr(build, "func", build)
    return str(getattr(inner, "__module__", None) or type(inner).__module__)


def _root(module: str) -> Path | None:
    """The folder of the outermost package of a module, or its file; ``None`` without a file.

    Namespace packages are passed over, because other distributions have modules in them too.
    """
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        try:
            spec = importlib.util.find_spec(".".join(parts[:length]))
        # A script, or a module that was made in memory.
        except (ImportError, ValueError):
            return None
        if spec is not None and spec.origin is not None and spec.has_location:
            origin = Path(spec.origin)
            return origin.parent if spec.submodule_search_locations is not None else origin
    return None
