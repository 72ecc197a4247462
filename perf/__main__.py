"""Measures qabench beside the ways of its peers: ``python perf`` in the project's root.

The installed qabench is measured, on one thread. Exit code 1 where two ways differ in results.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Read once, by the libraries that are imported below and by the processes that are started.
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}

if TYPE_CHECKING:
    from material import Material, Scale
    from measuring import Finding

STAGES = ("windows", "crf", "answers", "scores", "training", "startup", "confidence", "load")


def main() -> int:
    """Parse, measure, print, write."""
    parser = _parser()
    options = parser.parse_args()
    for path in (options.data, options.encoder, options.run):
        if path is not None and not path.exists():
            parser.error(f"{path} does not exist; check the path")
    from qabench.errors import QABenchError

    _quieten()
    from commands import CommandError
    from material import FULL, SMALL

    try:
        return _measure(options, SMALL if options.small else FULL)
    except (QABenchError, CommandError) as error:
        print(f"perf: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    except ModuleNotFoundError as error:
        print(f"perf: {error}; install the test extra and both plugins.", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python perf", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, metavar="FILE", help="questions, instead of the quickstart's")
    add("--encoder", type=Path, metavar="FOLDER", help="BERT encoder with tokenizer.json")
    add("--run", type=Path, metavar="FOLDER", help="finished run of spanbert_crf, for confidence")
    add("--only", choices=STAGES, action="append", help="only this stage; again for more")
    add("--small", action="store_true", help="so little that it only shows that all works")
    add("--json", type=Path, default=Path("perf/results.json"), metavar="FILE")
    add("--page", type=Path, default=Path("docs/performance.md"), metavar="FILE")
    return parser


def _quieten() -> None:
    import datasets
    import torch
    import transformers

    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


def _measure(options: argparse.Namespace, scale: Scale) -> int:
    from material import gather
    from measuring import Comparison
    from outcome import document, machine, page, tables

    from qabench.base.files import write_json, write_text

    with tempfile.TemporaryDirectory() as folder:
        facts = machine()
        material = gather(options.data, options.encoder, options.run, scale, Path(folder))
        findings = list(_findings(material, options.only or STAGES))
        result = document(material, facts, findings)
    print(tables(result, "simple"))
    for path in (options.json, options.page):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_json(options.json, result)
    write_text(options.page, page(result))
    different = [one for one in findings if isinstance(one, Comparison) and not one.agrees]
    for one in different:
        print(f"perf: {one.stage}, {one.name}: {one.agreement}", file=sys.stderr)
    return 1 if different else 0


def _findings(material: Material, stages: list[str] | tuple[str, ...]) -> Iterator[Finding]:
    from importlib import import_module

    for stage in STAGES:
        if stage in stages:
            for finding in import_module(f"stages.{stage}").findings(material):
                print(f"{stage}: {finding.name}", file=sys.stderr)
                yield finding


if __name__ == "__main__":
    sys.exit(main())
