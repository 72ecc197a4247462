"""How soon a command answers, beside the imports that peers' commands begin with."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from commands import CommandError, python, qabench
from material import Material, write_squad
from measuring import Comparison, DisagreementError, Finding, in_turns, verdict

from qabench.benchmarks.settings import load
from qabench.plugins.discovery import discover
from qabench.runs.pipeline import run
from qabench.runs.tasks import Plan

RUN_QA = (
    "import datasets, torch, transformers\n"
    "from transformers import AutoModelForQuestionAnswering, AutoTokenizer, HfArgumentParser\n"
    "from transformers import Trainer, TrainingArguments\n"
)
# One finished run of the quickstart, as short as it may be.
TINY = (
    "data.max_train_questions=16",
    "data.max_dev_questions=16",
    "training.epochs=1",
)


def findings(material: Material) -> Iterator[Finding]:
    """All of this stage."""
    # What each prints, by the words of the command line.
    commands = {
        ("--help",): "Usage",
        ("plugins",): "summary",
        ("benchmarks",): "squad_v2",
        ("report", str(_finished_run(material))): "always null",
        ("score", *_files(material)): "exact",
    }
    ours = {words: qabench(words) for words in commands}
    library = "typer" if importlib.util.find_spec("typer") else "click"
    theirs = {
        "run_qa's imports": python("-c", RUN_QA),
        f"import {library}": python("-c", f"import {library}"),
    }
    commands_of_all = [*ours.values(), *theirs.values()]
    if material.scale.repeats > 1:
        in_turns(commands_of_all, 1)
    timings = in_turns(commands_of_all, material.scale.repeats)
    for (words, expected), mine in zip(commands.items(), timings, strict=False):
        agrees, agreement = verdict(partial(_prints, ours[words], expected))
        for peer, other in zip(theirs, timings[len(ours) :], strict=True):
            name = f"qabench {words[0]}"
            yield Comparison("start-up", name, peer, mine, other, 1, "commands", agrees, agreement)


def _prints(command: Callable[[], str], expected: str) -> str:
    if expected not in command():
        raise DisagreementError(f"the command did not print {expected!r}")
    return f"prints {expected!r}"


def _files(material: Material) -> tuple[str, str]:
    """Questions, and predictions that answer none."""
    data, answers = material.folder / "some.json", material.folder / "none.json"
    write_squad(material.examples, data)
    answers.write_text(json.dumps({one.id: "" for one in material.examples}), "utf-8")
    return str(data), str(answers)


def _finished_run(material: Material) -> Path:
    """One made here."""
    heads = discover().heads
    if not heads:
        raise CommandError("no head is installed; for example: pip install ./plugins/spanbert_crf")
    runs = material.folder / "runs"
    plan = Plan(load("quickstart", TINY), [heads[0].name], [0], runs)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        run(plan, lambda line: None)
    return runs
