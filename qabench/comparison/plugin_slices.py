"""The slices of plugins, after those of qabench."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from qabench.comparison.slices import GROUPS, Slice, slices
from qabench.data.examples import QAExample
from qabench.plugins.calling import Contribution, HookFailure, attempt, contributions, warn
from qabench.plugins.hookspecs import SliceSpec

HOOK = "qabench_slices"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,39}")
# The page has a filter of that name.
_TAKEN = {*GROUPS, "article"}
_LONGEST = 60
_MOST = 50

Kinds = list[str | None]


def every_slice(
    examples: Sequence[QAExample], window_counts: NDArray[np.integer] | None = None
) -> tuple[Slice, ...]:
    """The slices of qabench, then those of plugins; a plugin that fails is named and left out.

    Args:
        examples: the N questions.
        window_counts: (N,) windows of each question, for the group ``windows``.
    """
    found: dict[str, tuple[Contribution[SliceSpec], Kinds]] = {}
    for one in contributions(HOOK, SliceSpec):
        if isinstance(one, HookFailure):
            warn(one)
            continue
        group = one.value.group
        if problem := _problem(group, {name: owner for name, (owner, _) in found.items()}):
            warn(HookFailure(one.plugin, HOOK, problem))
            continue
        work = partial(_kinds, one.value, examples)
        kinds = attempt(one.plugin, HOOK, work, f"group {group!r}: ")
        if isinstance(kinds, HookFailure):
            warn(kinds)
        else:
            found[group] = one, kinds
    return slices(examples, window_counts, {group: kinds for group, (_, kinds) in found.items()})


def _problem(group: object, others: dict[str, Contribution[SliceSpec]]) -> str | None:
    if not isinstance(group, str) or not _NAME.fullmatch(group):
        return (
            f"group {group!r} is not made of letters, digits, spaces, '_' and '-', at most 40 "
            f"characters"
        )
    if group in _TAKEN:
        return f"group {group!r} is qabench's own; choose another name"
    if group in others:
        return f"group {group!r} is also one of {others[group].plugin}; uninstall one of them"
    return None


def _kinds(spec: SliceSpec, examples: Sequence[QAExample]) -> Kinds:
    kinds = [_kind(spec, example) for example in examples]
    if len(set(kinds)) > _MOST:
        raise ValueError(f"it has more than {_MOST} kinds of questions")
    return kinds


def _kind(spec: SliceSpec, example: QAExample) -> str | None:
    kind = spec.kind(example)
    if kind is None:
        return None
    if not isinstance(kind, str) or not kind.isprintable() or not 0 < len(kind) <= _LONGEST:
        raise ValueError(
            f"kind {kind!r} of question {example.id!r} is not one line of at most {_LONGEST} "
            f"characters"
        )
    return kind
