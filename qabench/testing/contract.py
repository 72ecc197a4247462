"""Checks of a head's specification, signatures, initial values and saved file."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors.torch import load, save
from torch import Tensor

from qabench.errors import PluginError
from qabench.heads import Head
from qabench.plugins.discovery import checked_spec
from qabench.testing.check import check
from qabench.testing.learning import practised
from qabench.testing.planted import ORDINARY, planted, predict, same
from qabench.testing.subject import HeadFactory

# Larger than any initial value; a forbidden transition of a CRF is -100 or -10,000.
ABSURD = 1e5


@check(
    matters="options and their defaults are in every report, and a wrong one stops a run late",
    fix="correct the HeadSpec; each option is a JSON Schema with a default that is valid",
)
def specification_is_valid(factory: HeadFactory) -> str | None:
    """The HeadSpec has a usable name, a summary of one line, and options with valid defaults."""
    try:
        checked_spec(factory.spec)
    except PluginError as error:
        return str(error)
    return None


@check(
    matters="qabench calls every head in the same way, with positional or keyword arguments",
    fix="let loss take (states, batch), spans (states, batch, n_best, max_answer_tokens); "
    "any further argument needs a default",
)
def signatures_are_those_of_head(factory: HeadFactory) -> str | None:
    """The arguments of loss and spans have the names and the order of qabench.heads.Head."""
    head = factory.build()
    for method in ("loss", "spans"):
        wanted = list(inspect.signature(getattr(Head, method)).parameters)[1:]
        signature = inspect.signature(getattr(head, method))
        given = list(signature.parameters.values())
        optional = all(
            one.default is not one.empty or one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
            for one in given[len(wanted) :]
        )
        if [one.name for one in given[: len(wanted)]] != wanted or not optional:
            return f"{method} takes {signature}, not ({', '.join(wanted)})"
    return None


@check(
    matters="the same seed must give the same run, and uninitialised memory differs from run to "
    "run",
    fix="initialise every parameter and buffer with torch's functions and torch's own generator; "
    "torch.empty does not initialise",
)
def initial_values_follow_the_seed(factory: HeadFactory) -> str | None:
    """Two heads of one seed are equal bit for bit; all values are finite and of normal size."""
    with _unset_memory_is_nan():
        first, second = (factory.build(seed=7).state_dict() for _ in range(2))
    for name, value in first.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            return f"{name} has entries that are NaN or infinite, or were never set"
        if value.is_floating_point() and value.numel() and value.abs().max() > ABSURD:
            return f"{name} has entries as large as {float(value.abs().max()):.3g}"
        if name not in second or not torch.equal(value, second[name]):
            return f"{name} differs between two heads that were built with the same seed"
    return None


@contextmanager
def _unset_memory_is_nan() -> Iterator[None]:
    """torch.empty gives NaN; otherwise such memory would often hold zeros by chance."""
    mode = torch.get_deterministic_debug_mode()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_deterministic_debug_mode("warn")
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]
        torch.set_deterministic_debug_mode(mode)


@check(
    matters="a run saves the head at its end, and what is not in the file is lost",
    fix="keep everything that predictions depend on in parameters or persistent buffers, and let "
    "no two share memory",
)
def saved_heads_predict_the_same(factory: HeadFactory) -> str | None:
    """A head that loads a saved state_dict predicts the same spans, bit for bit."""
    head, batch = practised(factory), planted(ORDINARY)
    # As qabench.training.model.save_model writes it.
    content = save({name: value.contiguous() for name, value in head.state_dict().items()})
    other = factory.build(seed=1)
    loaded: dict[str, Tensor] = load(content)
    other.load_state_dict(loaded)
    if same(predict(head, batch), predict(other, batch)):
        return None
    return "a head that loaded the saved values predicts other spans"
