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
        RunError: fp16 on a CPU.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    accelerator = torch.accelerator.current_accelerator() if settings.device == "auto" else None
    if accelerator is None or not torch.accelerator.is_available():
        device, name, best = "cpu", platform.machine(), "fp32"
    elif accelerator.type == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        device, name, best = "cuda", torch.cuda.get_device_name(), "bf16" if bf16 else "fp16"
    else:
        device, name, best = accelerator.type, accelerator.type, "fp32"
    precision = best if settings.precision == "auto" else settings.precision
    if device == "cpu" and precision == "fp16":
        raise RunError("fp16 does not train on a CPU; set training.precision to bf16 or fp32.")
    return Hardware(device, name, precision, torch.get_num_threads())


def parameter_count(module: nn.Module) -> int:
    """Trainable parameters of a module."""
    return sum(one.numel() for one in module.parameters() if one.requires_grad)


def is_main_process() -> bool:
    """Whether this process writes; under torchrun and accelerate launch every process computes."""
    return int(os.environ.get("RANK", "0")) == 0
