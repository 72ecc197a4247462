"""What was measured, as JSON, as tables for the terminal and as a page of the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from material import Material
from measuring import Comparison, Count, Finding, Growth, Memory
from tabulate import tabulate

from qabench.runs.provenance import environment
from qabench.training.hardware import Hardware

Document = Mapping[str, Any]
_PEERS = ("datasets", "pytorch-crf", "typer")

INTRODUCTION = """\
# Performance

Made by `python perf`; run it to measure your own machine. qabench and its peer run in turns (A B A
B) on one thread. Times are medians of wall seconds; a ratio is the peer's time by qabench's, with
the lowest and the highest of a single turn. The peers' ways are written from their documented
behaviour (`perf/peers`), and the results of both are compared each time.
"""


def machine() -> dict[str, Any]:
    """Where it is measured: versions, commit, processor, and how busy it is."""
    facts = asdict(environment(Hardware("cpu", platform.machine(), "fp32", 1)))
    facts["packages"] |= {name: _version(name) for name in _PEERS}
    return facts | {"processor": _processor(), "cores": os.cpu_count(), "load": _load()}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _load() -> float | None:
    """Mean number of running processes in the last minute; ``None`` where that is not told."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def document(material: Material, facts: Document, findings: Sequence[Finding]) -> dict[str, Any]:
    """Everything, as JSON types; seconds and ratios beside what they follow from."""
    size = material.windows
    return {
        "machine": facts,
        "data": material.source,
        "encoder": Path(material.backbone.name).name,
        "windows": {"max_length": size.max_length, "overlap": size.overlap},
        "comparisons": [_comparison(one) for one in findings if isinstance(one, Comparison)],
        "counts": [asdict(one) for one in findings if isinstance(one, Count)],
        "growth": [_growth(one) for one in findings if isinstance(one, Growth)],
        "memory": [asdict(one) for one in findings if isinstance(one, Memory)],
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    medians = {"ours_median": one.ours.median, "theirs_median": one.theirs.median}
    return asdict(one) | medians | {"ratio": one.ratio, "spread": one.spread}


def _growth(one: Growth) -> dict[str, Any]:
    return asdict(one) | {"exponent": one.exponent}


def tables(document: Document, format: str) -> str:
    """All findings, in one of tabulate's formats."""
    parts = [
        _table(
            [_comparison_row(one) for one in document["comparisons"]],
            ("stage", "what", "items", "qabench", "peer", "ratio", "beside", "results"),
            format,
        ),
        _table(
            [_count_row(one) for one in document["counts"]],
            ("stage", "counted", "qabench", "peer", "ratio", "beside"),
            format,
        ),
        _table(
            [_growth_row(one) for one in document["growth"]],
            ("stage", "time by", "sizes", "qabench, time per item", "exponent"),
            format,
        ),
        _table(
            [_memory_row(one) for one in document["memory"]],
            ("stage", "memory by", "sizes", "peak of the process"),
            format,
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(rows: Sequence[Sequence[str]], headers: Sequence[str], format: str) -> str:
    return tabulate(rows, headers, format, disable_numparse=True) if rows else ""


def _comparison_row(one: Document) -> list[str]:
    low, high = one["spread"]
    return [
        one["stage"],
        one["name"],
        f"{one['items']:,} {one['unit']}",
        _duration(one["ours_median"]),
        _duration(one["theirs_median"]),
        f"{one['ratio']:.1f}x ({low:.1f}-{high:.1f})",
        one["peer"],
        one["agreement"] if one["agrees"] else f"DIFFERENT: {one['agreement']}",
    ]


def _count_row(one: Document) -> list[str]:
    ours, theirs = one["ours"], one["theirs"]
    ratio = f"{theirs / ours:,.1f}x" if ours and not one["unit"] else ""
    values = [_amount(value, one["unit"]) for value in (ours, theirs)]
    return [one["stage"], one["name"], *values, ratio, one["peer"]]


def _growth_row(one: Document) -> list[str]:
    medians = [sorted(timing["seconds"]) for timing in one["timings"]]
    per_item = [
        _duration(seconds[len(seconds) // 2] / size)
        for seconds, size in zip(medians, one["sizes"], strict=True)
    ]
    sizes = ", ".join(f"{size:,}" for size in one["sizes"])
    exponent = f"{one['exponent']:.2f}"
    return [one["stage"], one["name"], f"{sizes} {one['unit']}", ", ".join(per_item), exponent]


def _memory_row(one: Document) -> list[str]:
    sizes = ", ".join(f"{size:,}" for size in one["sizes"])
    peaks = ", ".join(f"{peak:,.0f} MiB" for peak in one["mebibytes"])
    return [one["stage"], one["name"], f"{sizes} {one['unit']}", peaks]


def _amount(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.2%}"
    return f"{value:.1e}" if unit == "relative" else f"{value:,.0f}"


def _duration(seconds: float) -> str:
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 1 or unit == "µs":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError("the last unit fits every duration")


def page(document: Document) -> str:
    """The documentation page, from only the JSON document."""
    facts = document["machine"]
    packages = ", ".join(f"{name} {found}" for name, found in facts["packages"].items() if found)
    size = document["windows"]
    lines = [
        f"- {facts['processor']}, {facts['cores']} cores, one thread; {facts['platform']}",
        f"- load when it began: {_known(facts['load'])}",
        f"- Python {facts['python']}, {packages}",
        f"- commit {facts['git_commit'] or 'unknown'}",
        f"- {document['data']}; tokenizer and encoder {document['encoder']}, windows of "
        f"{size['max_length']} tokens that overlap by {size['overlap']}",
    ]
    return "\n".join(
        [
            INTRODUCTION,
            "Measured on",
            "",
            *lines,
            "",
            "An exponent of 1: time grows in proportion to the size. Below 1: part of it is fixed.",
            "",
            tables(document, "github"),
            "",
        ]
    )


def _known(load: float | None) -> str:
    return "not known" if load is None else f"{load:.2f} processes"
