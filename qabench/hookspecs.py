"""The contract between qabench and its plugins (pluggy project ``qabench``).

A plugin is an installed distribution with an entry point in the group ``qabench`` that names a
module (or object) with hook implementations:

.. code-block:: toml

    [project.entry-points.qabench]
    my_head = "my_head"

.. code-block:: python

    import qabench

    def build(hidden_size, options):
        from my_head.head import MyHead          # torch is imported only when a run needs it
        return MyHead(hidden_size)

    @qabench.hookimpl
    def qabench_heads():
        return [qabench.HeadSpec(name="my_head", summary="What it does", build=build)]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from qabench.heads import Head

PROJECT = "qabench"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One head that a plugin offers.

    Attributes:
        name: what ``qabench run --plugin`` selects; letters, digits, ``_`` and ``-``.
        summary: one line for ``qabench plugins``.
        build: called with the encoder's hidden size and the validated head options (defaults
            filled in); returns the head, freshly initialised from torch's seeded generator.
        options: JSON Schema of each option by name, with its ``default``, for example
            ``{"dropout": {"type": "number", "minimum": 0, "default": 0.1}}``.
        learning_rate: the head's own learning rate where the benchmark names none
            (``training.head_learning_rate``); ``None`` means the encoder's.
    """

    name: str
    summary: str
    build: Callable[[int, Mapping[str, Any]], Head]
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learning_rate: float | None = None


@hookspec
def qabench_heads() -> Iterable[HeadSpec]:
    """Return the heads this plugin offers.

    Called once per command, by ``qabench plugins`` and before a run. Keep it fast: import torch
    inside ``build``, not at the top of the module.

    .. versionadded:: 0.1
    """
    raise NotImplementedError
