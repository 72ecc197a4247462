"""Which GPU a process sees; to be decided before torch looks for GPUs."""

from __future__ import annotations

import os

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def show_only(device: str) -> None:
    """Let this process see only the GPU ``cuda:N``; other devices change nothing.

    The number counts the GPUs that the environment shows, as torch does. One that is not there
    leaves no GPU to be seen.
    """
    kind, _, number = device.partition(":")
    if kind != "cuda" or not number:
        return
    visible = os.environ.get(_VISIBLE)
    shown = dict(enumerate(visible.split(","))) if visible else {int(number): number}
    os.environ[_VISIBLE] = shown.get(int(number), "")
