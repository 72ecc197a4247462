"""The head that is checked: each check builds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from qabench.heads import Head
from qabench.plugins.discovery import build_head, discover, filled_options
from qabench.plugins.hookspecs import HeadSpec

# Divisible by common numbers of attention heads.
HIDDEN_SIZE = 48


@dataclass(frozen=True, slots=True)
class HeadFactory:
    """Builds a plugin's head, a new one for every check.

    Attributes:
        spec: one that the plugin's ``qabench_heads`` returns.
        options: head options that differ from their defaults.
        owner: plugin and version, to begin a sentence about them; empty for the plugin's name.
    """

    spec: HeadSpec
    options: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""

    def build(self, seed: int = 0) -> Head:
        """A freshly initialised head for states of ``HIDDEN_SIZE``.

        Args:
            seed: of torch's generator.

        Raises:
            PluginError: an option is unknown or wrong, or ``build`` raises or does not return a
                head.
        """
        options = filled_options(self.spec, self.options)
        torch.manual_seed(seed)
        return build_head(self.spec, HIDDEN_SIZE, options, self.owner)


def installed(name: str, /, **options: Any) -> HeadFactory:
    """The factory of an installed plugin, whose hook is checked too.

    Raises:
        PluginError: there is no such plugin, or it is broken.
    """
    head = discover().head(name)
    return HeadFactory(head.spec, options, str(head))
