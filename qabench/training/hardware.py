"""Where a run computes."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

import torch
from torch import nn

from qabench.benchmarks.settings import TrainingSettings
from qabench.errors import RunError


@dataclass(frozen=True, slots=True)
class Hardware:
    """Where a run computes.

    Attributes:
        device: cpu, cuda or another accelerator of torch.
        name: of the processor.
        precision: of the encoder's autocast: fp32, bf16 or fp16. Heads compute in float32.
        threads: of torch on the CPU.
    """

    device: str
    name: str
    precision: str
    threads: int

    def __str__(self) -> str:
        threads = f", {self.threads} thread{'s' * (self.threads != 1)}"
        return f"{self.device} ({self.name}), {self.precision}{threads * (self.device == 'cpu')}"


def pick_hardware(settings: TrainingSettings) -> Hardware:
    """Choose device and precision, and set torch's threads if the benchmark gives a number.

    Raises:
        RunError: the device is not there; fp16 on a CPU.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = _device(settings.device)
    if device == "cpu":
        name, best = platform.machine(), "fp32"
    elif device == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        name, best = torch.cuda.get_device_name(), "bf16" if bf16 else "fp16"
    else:
        name, best = device, "fp32"
    precision = best if settings.precision == "auto" else settings.precision
    if device == "cpu" and precision == "fp16":
        raise RunError("fp16 does not train on a CPU; set training.precision to bf16 or fp32.")
    return Hardware(device, name, precision, torch.get_num_threads())


def _device(asked: str) -> str:
    """The type of the device that was asked for."""
    if asked == "cpu":
        return "cpu"
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    present = "cpu" if found is None else found.type
    kind, _, number = asked.partition(":")
    if kind not in ("auto", present):
        raise RunError(
            f"training.device is {asked!r}, but torch {torch.__version__} sees no such device "
            f"here; set it to 'auto' or 'cpu', or install a torch for this device."
        )
    if number and (torch.cuda.device_count() > 1 or "LOCAL_RANK" in os.environ):
        raise RunError(
            f"training.device is {asked!r}, but this process is to use another GPU; set it to "
            f"'cuda', and choose GPUs with CUDA_VISIBLE_DEVICES."
        )
    return present


def parameter_count(module: nn.Module) -> int:
    """Trainable parameters of a module."""
    return sum(one.numel() for one in module.parameters() if one.requires_grad)


def is_main_process() -> bool:
    """Whether this process writes; under torchrun and accelerate launch every process computes."""
    return int(os.environ.get("RANK", "0")) == 0
