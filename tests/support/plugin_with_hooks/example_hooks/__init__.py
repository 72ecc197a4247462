"""A plugin without a head: a benchmark, slices, a metric, and a line for each finished run."""

from pathlib import Path

from qabench import MetricSpec, SliceSpec, hookimpl

QABENCH_HOOKSPEC = (1, 0)


def shared_words(example):
    question = set(example.question.lower().split())
    shared = len(question.intersection(example.context.lower().split()))
    return "none" if shared == 0 else "one" if shared == 1 else "several"


def answered(questions):
    return 100 * sum(one.answer != "" for one in questions) / len(questions)


@hookimpl
def qabench_benchmarks():
    return sorted(Path(__file__).parent.glob("*.toml"))


@hookimpl
def qabench_slices():
    return [SliceSpec("words shared with context", shared_words)]


@hookimpl
def qabench_metrics():
    return [MetricSpec("answered", "questions that got an answer, percent", answered)]


@hookimpl
def qabench_run_finished(report, folder):
    with (folder.parent / "finished.txt").open("a") as file:
        print(f"seed {report.seed}: EM {report.scores.official['exact']:.2f}", file=file)
