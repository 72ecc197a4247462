"""The device that was asked for, or an error."""

from __future__ import annotations

import dataclasses
import os

import pytest
import torch

from qabench.base.gpus import show_only
from qabench.benchmarks import settings as benchmark
from qabench.errors import BenchmarkError, RunError
from qabench.training.hardware import pick_hardware


@pytest.fixture(scope="module")
def training(benchmark_file):
    return benchmark.load(str(benchmark_file)).training


@pytest.fixture
def machine(monkeypatch):
    """A machine with an accelerator of some type, or none."""

    def make(kind: str | None, gpus: int = 0) -> None:
        device = None if kind is None else torch.device(kind)
        monkeypatch.setattr(torch.accelerator, "is_available", lambda: kind is not None)
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: device)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)

    return make


def picked(training, device: str) -> tuple[str, str]:
    found = pick_hardware(dataclasses.replace(training, device=device))
    return found.device, found.precision


@pytest.mark.parametrize(
    ("present", "asked", "used"),
    [
        (None, "auto", ("cpu", "fp32")),
        (None, "cpu", ("cpu", "fp32")),
        ("cuda", "auto", ("cuda", "bf16")),
        ("cuda", "cpu", ("cpu", "fp32")),
        ("cuda", "cuda", ("cuda", "bf16")),
        ("cuda", "cuda:3", ("cuda", "bf16")),
        ("mps", "mps", ("mps", "fp32")),
        ("mps", "auto", ("mps", "fp32")),
    ],
)
def test_the_device_that_was_asked_for_is_used(training, machine, present, asked, used):
    machine(present, gpus=1)
    assert picked(training, asked) == used


@pytest.mark.parametrize(
    ("present", "asked"),
    [(None, "cuda"), (None, "cuda:1"), (None, "mps"), ("mps", "cuda"), ("cuda", "mps")],
)
def test_a_device_that_is_absent_is_an_error(training, machine, present, asked):
    machine(present)
    with pytest.raises(RunError, match=f"training.device is '{asked}', but torch .* sees no such"):
        picked(training, asked)


def test_one_gpu_of_several_that_was_not_chosen_in_time_is_an_error(training, machine):
    machine("cuda", gpus=2)
    with pytest.raises(RunError, match="choose GPUs with CUDA_VISIBLE_DEVICES"):
        picked(training, "cuda:1")


def test_a_numbered_gpu_for_several_processes_is_an_error(training, machine, monkeypatch):
    machine("cuda", gpus=1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(RunError, match="set it to 'cuda'"):
        picked(training, "cuda:0")


@pytest.mark.parametrize(
    ("device", "before", "after"),
    [
        ("cuda:1", None, "1"),
        ("cuda:1", "4,6", "6"),
        ("cuda:0", "GPU-abc,GPU-def", "GPU-abc"),
        ("cuda:2", "4,6", ""),
        ("cuda", "4,6", "4,6"),
        ("cpu", None, None),
        ("auto", "4,6", "4,6"),
    ],
)
def test_a_process_sees_only_the_gpu_that_was_asked_for(device, before, after, monkeypatch):
    # Set first, so that whatever is there is put back.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    show_only(device)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == after


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "cuda:01", "CPU", "cuda:1 "])
def test_a_device_that_torch_has_no_name_for_is_an_error(benchmark_file, device):
    with pytest.raises(BenchmarkError, match=r"training\.device is .* but must match"):
        benchmark.load(str(benchmark_file), [f"training.device='{device}'"])
