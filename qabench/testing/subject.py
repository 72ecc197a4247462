"""The head that is checked, built as often as checks need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from qabench.heads import Head
from qabench.plugins.discovery import build_head, discover, filled_options
from qabench.plugins.hookspecs import HeadSpec

# Divisible by the numbers of attention heads that a head may be made of.
HIDDEN_SIZE = 48


@dataclass(frozen=True, slots=True)
class HeadFactory:
    """Builds one plugin's head anew for every check.

    Attributes:
        spec: what the plugin's ``qabench_heads`` returns.
        options: head options that differ from their defaults.
    """

    spec: HeadSpec
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, seed: int = 0) -> Head:
        """A freshly initialised head for states of ``HIDDEN_SIZE``, from torch's generator.

        Raises:
            PluginError: an option is unknown or wrong, ``build`` raises, or it returns no head.
        """
        options = filled_options(self.spec, self.options)
        torch.manual_seed(seed)
        return build_head(self.spec, HIDDEN_SIZE, options)


def installed(name: str, /, **options: Any) -> HeadFactory:
    """The factory of an installed plugin, whose hook is checked on the way.

    Raises:
        PluginError: there is no such plugin, or it is broken.
    """
    return HeadFactory(discover().head(name).spec, options)
