"""Kill runs at random points, run the same command again, and compare with an undisturbed run.

    python tests/support/kills.py BENCHMARK --plugin NAME --kills 40 --seed 0

One process imports torch and transformers and computes nothing; each run is a fork of it, with the
command line of ``qabench run``. A run dies at a random time, at a random event of a phase, or a
moment after one. Events are the phase's beginning, each batch, and each flush and rename of a file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import mmap
import os
import random
import select
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PHASES = ("start", "read", "window", "train", "validate", "checkpoint", "predict", "report")
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# What may differ in a report's budget: times, memory, and whether the run was interrupted.
UNEQUAL_BUDGET = (
    *("resumed", "train_seconds", "predict_seconds", "evaluation_seconds", "tokens_per_second"),
    *("seconds_per_step", "loader_share", "peak_memory_bytes", "peak_device_memory_bytes"),
)


@dataclass(frozen=True)
class Blow:
    """A signal, and when it comes.

    Attributes:
        phase: where it strikes; ``None``: only the time decides.
        event: number of the phase's event that it follows, from 1.
        delay: seconds after that event or the start; ``None``: right at the event.
    """

    signal: signal.Signals
    phase: int | None
    event: int
    delay: float | None


@dataclass(frozen=True)
class Attempt:
    """How a run ended: exit code or minus the signal, phase, batches by phase, events, output."""

    code: int
    phase: str
    steps: int
    predicted: int
    events: tuple[int, ...]
    seconds: float
    output: str

    @property
    def began_at(self) -> int:
        """Step of the checkpoint that it resumed from, or 0."""
        _, found, rest = self.output.partition("resuming from checkpoint-")
        return int(rest.split()[0]) if found else 0


class Watch:
    """What a run is doing, in memory that its killer shares."""

    _LAYOUT = struct.Struct(f"{len(PHASES) + 3}q")

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, self._LAYOUT.size)
        self.bell, self.ring = os.pipe()

    def read(self) -> tuple[int, int, int, tuple[int, ...]]:
        phase, steps, predicted, *events = self._LAYOUT.unpack(self.memory[:])
        return phase, steps, predicted, tuple(events)

    def _write(self, phase: int, steps: int, predicted: int, events: tuple[int, ...]) -> None:
        self.memory[:] = self._LAYOUT.pack(phase, steps, predicted, *events)

    def enter(self, phase: int) -> int:
        before, steps, predicted, events = self.read()
        self._write(phase, steps, predicted, events)
        return before

    def batch(self, trained: int, predicted: int) -> None:
        phase, steps, guesses, events = self.read()
        self._write(phase, steps + trained, guesses + predicted, events)

    def tick(self, blow: Blow | None) -> None:
        """Count an event of the phase, and die of the blow or ask for it if it is the one."""
        phase, steps, predicted, events = self.read()
        events = tuple(count + (place == phase) for place, count in enumerate(events))
        self._write(phase, steps, predicted, events)
        if blow is not None and (blow.phase, blow.event) == (phase, events[phase]):
            if blow.delay is None:
                os.kill(os.getpid(), blow.signal)
            else:
                os.write(self.ring, b"!")


def watch_run(watch: Watch, blow: Blow | None) -> None:
    """Make this process tell ``watch`` its phases and events."""
    import torch

    import qabench.training.model
    from qabench.runs import pipeline, sides
    from qabench.training.fine_tuning import FineTuner

    def phase(owner: Any, name: str, label: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            before = watch.enter(PHASES.index(label))
            watch.tick(blow)
            try:
                return original(*args, **kwargs)
            finally:
                watch.enter(before)

        setattr(owner, name, watched)

    def event(owner: Any, name: str, trained: int = 0, predicted: int = 0) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            watch.tick(blow)
            watch.batch(trained, predicted)
            return original(*args, **kwargs)

        setattr(owner, name, watched)

    for owner, name, label in (
        (pipeline, "read", "read"),
        (sides, "make_windows", "window"),
        (FineTuner, "fine_tune", "train"),
        (pipeline, "_predict", "predict"),
        (pipeline, "_write", "report"),
        (FineTuner, "evaluate", "validate"),
        (FineTuner, "_save_checkpoint", "checkpoint"),
    ):
        phase(owner, name, label)
    event(FineTuner, "training_step", trained=1)
    event(FineTuner, "prediction_step", predicted=1)
    for owner, name in (
        (os, "fsync"),
        (Path, "replace"),
        (Path, "rename"),
        (torch, "save"),
        (qabench.training.model, "save_file"),
    ):
        event(owner, name)


def attempt(arguments: list[str], output: Path, blow: Blow | None) -> Attempt:
    """Run the command line in a fork until its end or the blow."""
    watch, began = Watch(), time.perf_counter()
    process = os.fork()
    if process == 0:
        _child(watch, arguments, output, blow)
    os.close(watch.ring)
    struck = blow.phase if blow is not None else None
    if blow is not None and blow.delay is not None:
        # The bell rings at the event, or, when the run ends before it, as the pipe is closed.
        wait = blow.delay if blow.phase is None else None
        rung, _, _ = select.select([watch.bell], [], [], wait)
        if rung and os.read(watch.bell, 1):
            time.sleep(blow.delay)
        # Read before it unwinds what it is doing.
        struck = watch.read()[0]
        os.kill(process, blow.signal)
    _, status = os.waitpid(process, 0)
    os.close(watch.bell)
    place, steps, predicted, events = watch.read()
    return Attempt(
        os.waitstatus_to_exitcode(status),
        PHASES[place if struck is None else struck],
        steps,
        predicted,
        events,
        time.perf_counter() - began,
        output.read_text("utf-8") if output.exists() else "",
    )


def _child(watch: Watch, arguments: list[str], output: Path, blow: Blow | None) -> None:
    os.close(watch.bell)
    # It may be ignored where a shell started this in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    code, begun = 1, False
    try:
        from qabench.cli import main

        watch_run(watch, blow)
        begun = True
        sys.argv = ["qabench", *arguments]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException as error:
        import traceback

        # Before the command begins, there is only this script to interrupt.
        if begun or not isinstance(error, KeyboardInterrupt):
            traceback.print_exc()
        else:
            code = 130
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def contents(runs: Path) -> dict[str, Any]:
    """All that runs left, by path: bytes, and of a report what every run must repeat.

    The lock beside a run directory stays where it is, and the name of its last holder may. The
    sha256 of a report depends on what a clock says.
    """
    found: dict[str, Any] = {}
    for path in sorted(runs.rglob("*")):
        name = path.relative_to(runs).as_posix()
        if path.name in (".seed-0.lock", ".seed-0.holder", "report.sha256"):
            continue
        if path.name == "report.json":
            report = json.loads(path.read_text("utf-8"))
            del report["created"]
            # The checkout may be worked on meanwhile.
            del report["environment"]["git_commit"]
            for key in UNEQUAL_BUDGET:
                del report["budget"][key]
            found[name] = report
        else:
            found[name] = path.read_bytes() if path.is_file() else None
    return found


class Trials:
    """Runs of one command line, each in a folder of its own, and what was found about them."""

    def __init__(self, arguments: list[str], folder: Path, chance: random.Random) -> None:
        self.arguments = arguments
        self.folder = folder
        self.chance = chance
        self.problems: list[str] = []
        # By phase: blows that ended a run.
        self.kills: Counter[str] = Counter()
        self.signals: Counter[str] = Counter()
        self.whole = self._attempt("undisturbed", None)
        if self.whole.code != 0:
            raise SystemExit(self.whole.output)
        self.expected = contents(folder / "undisturbed" / "runs")
        # A step of the optimizer may take several batches, and the last of an epoch takes fewer.
        (report,) = (one for name, one in self.expected.items() if name.endswith("report.json"))
        self.optimizer_steps: int = report["budget"]["steps"]

    def _attempt(self, name: str, blow: Blow | None) -> Attempt:
        place = self.folder / name
        place.mkdir(exist_ok=True)
        runs = ["--runs-dir", str(place / "runs")]
        return attempt([*self.arguments, *runs], place / "output.txt", blow)

    def _blow(self, number: int) -> Blow:
        chosen = self.chance.choice(SIGNALS)
        place = number % (len(PHASES) + 1)
        # "start" has no events of its own.
        if place in (0, len(PHASES)):
            return Blow(chosen, None, 0, self.chance.uniform(0, self.whole.seconds))
        event = self.chance.randint(1, self.whole.events[place])
        delay = None if self.chance.random() < 0.5 else self.chance.uniform(0, 0.01)
        return Blow(chosen, place, event, delay)

    def trial(self, number: int) -> None:
        """One or two blows to the same run, then let it end and compare."""
        name, reached = f"trial-{number}", set()
        for again in range(1 + (self.chance.random() < 0.3)):
            blow = self._blow(number + 3 * again)
            struck = self._attempt(name, blow)
            if struck.code != 0:
                self.kills[struck.phase] += 1
                self.signals[blow.signal.name] += 1
                reached.add(struck.phase)
            self._check_end(name, struck, blow)
        last = self._attempt(name, None)
        if last.code != 0:
            self.problems.append(f"{name}: code {last.code} instead of resuming: {last.output}")
            return
        self._check_equal(name)
        self._check_no_repetition(name, last, reached)

    def _check_end(self, name: str, struck: Attempt, blow: Blow) -> None:
        allowed = {0, -blow.signal} | ({128 + blow.signal} - {128 + signal.SIGKILL})
        if struck.code not in allowed:
            self.problems.append(f"{name}: {blow} ended with {struck.code}: {struck.output}")
        if "Traceback" in struck.output:
            self.problems.append(f"{name}: {blow} ended with a traceback: {struck.output}")

    def _check_equal(self, name: str) -> None:
        found = contents(self.folder / name / "runs")
        for path in sorted(self.expected.keys() | found.keys()):
            if self.expected.get(path, "nothing") != found.get(path, "nothing"):
                self.problems.append(f"{name}: {path} is not that of the undisturbed run")

    def _check_no_repetition(self, name: str, last: Attempt, reached: set[str]) -> None:
        finished = "already finished" in last.output
        # Checkpoints are made where epochs end, so batches and steps keep their proportion.
        done = self.whole.steps * last.began_at // self.optimizer_steps
        due = 0 if finished else self.whole.steps - done
        if last.steps != due:
            self.problems.append(f"{name}: {last.steps} training batches, {due} were left")
        if reached & {"predict", "report"} and last.steps:
            self.problems.append(f"{name}: trained again after training was finished")
        if "report" in reached and last.predicted:
            self.problems.append(f"{name}: predicted again after prediction was finished")

    def summary(self) -> str:
        """A table of the kills by phase, and the problems."""
        lines = [f"{'phase':<12}{'kills':>6}"]
        lines += [f"{phase:<12}{self.kills[phase]:>6}" for phase in PHASES]
        lines.append(f"{'all':<12}{sum(self.kills.values()):>6}")
        lines.append(", ".join(f"{count} {name}" for name, count in sorted(self.signals.items())))
        lines.append(f"{len(self.problems)} problems")
        return "\n".join([*lines, *self.problems])


def main() -> None:
    """Exit code 1 if anything differs from the undisturbed run."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("benchmark")
    parser.add_argument("--plugin", default="spanbert_linear")
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    asked, settings = parser.parse_known_args()
    # Imported before the first fork, so that no run pays for it.
    for module in ("pyarrow.parquet", "transformers.models.bert", "qabench.comparison.leaderboard"):
        importlib.import_module(module)
    importlib.import_module("qabench.runs.pipeline").discover()
    command = ["run", "--benchmark", asked.benchmark, "--plugin", asked.plugin, *settings]
    with tempfile.TemporaryDirectory(prefix="qabench-kills-") as folder:
        trials = Trials(command, Path(folder), random.Random(asked.seed))
        number = 0
        while sum(trials.kills.values()) < asked.kills:
            trials.trial(number)
            number += 1
    print(f"seed {asked.seed}, {number} runs\n{trials.summary()}")
    sys.exit(bool(trials.problems))


if __name__ == "__main__":
    main()
