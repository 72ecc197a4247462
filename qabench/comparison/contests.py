"""Finished runs as systems over seeds, and systems on the same questions as contests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qabench.base.arrays import Doubles
from qabench.base.files import named_below
from qabench.base.terminal import safe
from qabench.comparison.plugin_slices import every_slice
from qabench.comparison.slices import Slice
from qabench.errors import ReportError
from qabench.reports import report_file, unfinished
from qabench.reports.report import Report
from qabench.reports.unfinished import Unfinished, Unread
from qabench.scoring.outcomes import Outcomes
from qabench.scoring.records import Record
from qabench.scoring.scores import Score


@dataclass(frozen=True)
class System:
    """A head with its options and recipe, run with one seed or several.

    Attributes:
        label: its name, different from those of the contest's other systems.
        records: one for each seed, by seed.
    """

    label: str
    records: tuple[Record, ...]

    @property
    def first(self) -> Report:
        """The report of the lowest seed."""
        return self.records[0].report

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, rising."""
        return tuple(one.seed for one in self.records)

    def final(self, score: Score) -> Doubles:
        """(S, N) scores by seed and question at the runs' null threshold, 0 to 1.

        Raises:
            ReportError: results by question are missing.
        """
        return np.stack([one.final(score) for one in self.records])

    def values(self, key: str) -> list[float]:
        """An official score in percent, of each seed that has it."""
        found = (one.report.scores.official.get(key) for one in self.records)
        return [value for value in found if value is not None]

    @property
    def keeps_best_epoch(self) -> bool:
        """Whether the tune half chose the epoch that each run is of."""
        training: Mapping[str, Any] = self.first.settings.get("training", {})
        return training.get("keep_epoch") == "best"

    @property
    def budget(self) -> tuple[object, ...] | None:
        """What must be equal for a fair comparison; ``None`` where it is unknown."""
        report = self.first
        if report.budget is None or report.train is None or report.backbone is None:
            return None
        windows = report.settings.get("windows", {})
        return (
            report.budget.epochs,
            report.train.questions,
            report.settings.get("training", {}).get("keep_epoch", "last"),
            *(windows.get(name) for name in ("max_length", "overlap", "max_question_tokens")),
            report.backbone.weights_sha256,
        )


@dataclass(frozen=True)
class Contest:
    """All systems that answered the same questions.

    Attributes:
        benchmark: its name.
        fingerprint: of the questions.
        systems: best EM first.
        unfinished: runs on the same questions without a report, which are in no system.
        unread: folders that may hold runs of it, and were not looked into.
    """

    benchmark: str
    fingerprint: str
    systems: tuple[System, ...]
    unfinished: tuple[Unfinished, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def first(self) -> Report:
        """Any report: what it says about the questions is true of all."""
        return self.systems[0].first

    @property
    def outcomes(self) -> Outcomes:
        """Any run's results: their questions are those of all.

        Raises:
            ReportError: they are missing.
        """
        return self.systems[0].records[0].outcomes

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """Kinds of questions, those of plugins among them.

        Raises:
            ReportError: results by question are missing.
        """
        return every_slice(self.outcomes.examples, self.outcomes.windows)

    @property
    def title(self) -> str:
        """Benchmark, number of questions and the data's fingerprint."""
        dev = self.first.dev
        return (
            f"{self.benchmark}: {dev.questions} questions ({dev.questions - dev.answerable} "
            f"without answer), data {dev.fingerprint[:12]}"
        )

    @property
    def budgets(self) -> tuple[tuple[System, ...], ...]:
        """The systems by equal budget: the largest class first; at the end those of unknown budget,
        a class each.
        """
        classes: dict[object, list[System]] = {}
        for system in self.systems:
            key: object = ("unknown", system.label) if system.budget is None else system.budget
            classes.setdefault(key, []).append(system)
        ranked = sorted(classes.values(), key=lambda one: (one[0].budget is None, -len(one)))
        return tuple(tuple(one) for one in ranked)

    def find(self, name: str) -> System | None:
        """The system of that label or plugin name; ``None`` where there is none.

        Raises:
            ReportError: several systems have that name.
        """
        labelled = [one for one in self.systems if one.label == name]
        found = labelled or [one for one in self.systems if one.first.plugin.name == name]
        if len(found) > 1:
            labels = ", ".join(repr(one.label) for one in found)
            raise ReportError(f"{self.title}: {name!r} may be any of {labels}; name one of them.")
        return found[0] if found else None


def gather(paths: Iterable[Path]) -> tuple[Contest, ...]:
    """The contests among report files, run directories and folders of those.

    Raises:
        ReportError: a path does not exist, holds no report, or holds an invalid one; or two
            different runs of one system have the same seed.
    """
    places = list(paths)
    _refuse_only_unfinished(places)
    records = [Record(report, path.parent) for path, report in report_file.find(places)]
    return of_records(records, unfinished.find(places), unfinished.unread(places))


def _refuse_only_unfinished(places: Sequence[Path]) -> None:
    """Refuse folders in which no run has finished, with the runs that they hold."""
    for place in places:
        if not place.is_dir() or named_below(place, report_file.FILE_NAME):
            continue
        begun = [one.note for one in unfinished.find([place])]
        begun += [one.note for one in unfinished.unread([place])]
        if begun:
            notes = "; ".join(note.removeprefix("! ") for note in begun)
            raise ReportError(f"No run in {place} is finished: {notes}.")


def of_records(
    records: Sequence[Record],
    unfinished: Sequence[Unfinished] = (),
    unread: Sequence[Unread] = (),
) -> tuple[Contest, ...]:
    """The contests of some runs; foreign systems join every contest on their questions.

    Args:
        records: finished runs.
        unfinished: runs to name beside them.
        unread: folders to name beside all of them.

    Raises:
        ReportError: two different runs of one system have the same seed.
    """
    foreign = [one for one in records if one.report.budget is None]
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        if record.report.budget is not None:
            key = (record.report.benchmark, record.report.dev.fingerprint)
            groups.setdefault(key, []).append(record)
    for record in foreign:
        fingerprint = record.report.dev.fingerprint
        joined = [key for key in groups if key[1] == fingerprint]
        for key in joined or [(record.report.benchmark, fingerprint)]:
            groups.setdefault(key, []).append(record)
    missing: dict[tuple[str, str], list[Unfinished]] = {}
    for one in unfinished:
        missing.setdefault((one.benchmark, one.fingerprint), []).append(one)
    return tuple(
        Contest(*key, _systems(_aligned(group)), tuple(missing.get(key, ())), tuple(unread))
        for key, group in sorted(groups.items())
    )


def _aligned(group: Sequence[Record]) -> list[Record]:
    """The runs with the questions in one order: fingerprints of data do not depend on it."""
    first, *others = group
    return [first, *(replace(one, like=first) for one in others)]


def opponents(a: Path, b: Path) -> tuple[Contest, System, System]:
    """The two systems whose runs lie in two places, and the contest of both.

    Raises:
        ReportError: as for :func:`gather`; or a place holds runs of several systems, or they
            answered different questions.
    """
    found = gather([a, b])
    if len(found) > 1:
        titles = "; ".join(contest.title for contest in found)
        raise ReportError(
            f"{a} and {b} are not one contest but {len(found)} ({titles}); name two systems that "
            f"answered the same questions."
        )
    return found[0], _system_in(found[0], a), _system_in(found[0], b)


def _system_in(contest: Contest, place: Path) -> System:
    inside = [system for system in contest.systems if _lies_in(system, place)]
    if len(inside) != 1:
        names = ", ".join(repr(system.label) for system in inside)
        raise ReportError(
            f"{place} holds runs of {len(inside)} systems ({names}); name the folder of one."
        )
    return inside[0]


def relabelled(
    contests: Sequence[Contest], names: Sequence[tuple[Path, str]]
) -> tuple[Contest, ...]:
    """The contests with other labels for the systems whose runs lie in some folders.

    Args:
        contests: as gathered.
        names: a folder and the label of the one system in it, in each contest that has one.

    Raises:
        ReportError: a folder holds no system or several, or a label is empty or twice in a contest.
    """
    found = list(contests)
    for folder, name in names:
        label = safe(name).strip()
        inside = [[one for one in contest.systems if _lies_in(one, folder)] for contest in found]
        if not label or not any(inside) or any(len(systems) > 1 for systems in inside):
            held = ", ".join(repr(one.label) for systems in inside for one in systems) or "none"
            raise ReportError(
                f"--label {folder} {name!r} must give a name to one system, and the systems whose "
                f"runs all lie in that folder are: {held}; name the folder of one."
            )
        found = [
            replace(
                contest,
                systems=tuple(
                    replace(one, label=label) if _lies_in(one, folder) else one
                    for one in contest.systems
                ),
            )
            for contest in found
        ]
    for contest in found:
        labels = [one.label for one in contest.systems]
        if twice := next((one for one in labels if labels.count(one) > 1), None):
            raise ReportError(
                f"{contest.title}: two systems would be called {twice!r}; give another --label."
            )
    return tuple(found)


def _lies_in(system: System, place: Path) -> bool:
    if not place.exists():
        return False
    folder = _folder(place)
    return all(record.folder.resolve().is_relative_to(folder) for record in system.records)


def _folder(place: Path) -> Path:
    return place.resolve() if place.is_dir() else place.resolve().parent


def _systems(group: Sequence[Record]) -> tuple[System, ...]:
    settings: dict[str, list[Record]] = {}
    for record in group:
        settings.setdefault(_setting(record.report), []).append(record)
    firsts = [of_one[0].report for of_one in settings.values()]
    systems = []
    for report, of_one in zip(firsts, settings.values(), strict=True):
        label = report.plugin.name
        twins = [one for one in firsts if one.plugin.name == label]
        if len(twins) > 1:
            label = f"{label} ({_difference(report, twins)})"
        systems.append(System(label, _by_seed(label, of_one)))
    return tuple(sorted(systems, key=_rank))


def _rank(system: System) -> tuple[float, str]:
    return -float(np.mean(system.values(Score.EM))), system.label


def _by_seed(label: str, records: Sequence[Record]) -> tuple[Record, ...]:
    """One record for each seed, rising; a copy of a run counts once."""
    found: dict[int, Record] = {}
    for record in records:
        known = found.setdefault(record.seed, record)
        if known.report.files != record.report.files:
            raise ReportError(
                f"{label} was run with seed {record.seed} twice, with different results, in "
                f"{known.folder} and {record.folder}; name one of them."
            )
    return tuple(found[seed] for seed in sorted(found))


def _setting(report: Report) -> str:
    """What runs must share, except the seed, for their scores to be averaged."""
    plugin = report.plugin
    shared = [report.settings, plugin.name, plugin.version, plugin.options, plugin.learning_rate]
    return json.dumps(shared, sort_keys=True)


def _difference(report: Report, twins: Sequence[Report]) -> str:
    """The settings in which systems of one name differ, as this one has them."""
    every = [_flat_setting(one) for one in twins]
    own = _flat_setting(report)
    keys = sorted(set().union(*every))
    differing = [key for key in keys if len({json.dumps(one.get(key)) for one in every}) > 1]
    if _HEAD_RATE in differing:
        # The rate that was used says it; where it is the encoder's, that one does.
        follows = all(one[_HEAD_RATE] == one.get(_RATE) for one in every)
        said = _HEAD_RATE if follows else f"training.{_HEAD_RATE}"
        differing = [key for key in differing if key != said]
    return safe(", ".join(f"{key}={own.get(key)}" for key in differing))


_HEAD_RATE, _RATE = "head_learning_rate", "training.learning_rate"


def _flat_setting(report: Report) -> dict[str, Any]:
    flat: dict[str, Any] = {"version": report.plugin.version, **report.plugin.options}
    flat[_HEAD_RATE] = report.plugin.learning_rate
    for section, values in report.settings.items():
        # The head's options are already there, with their defaults.
        if isinstance(values, dict) and section != "head":
            flat |= {f"{section}.{key}": value for key, value in values.items()}
    return flat
