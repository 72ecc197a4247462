"""Kill a command at random moments, give it again, and compare with an undisturbed one.

    python tests/support/command_kills.py --kills 20 -- report runs --html {place}/page.html

``{place}`` is a folder of its own for each trial. As in ``kills.py``, each command is a fork.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from kills import SIGNALS, Attempt, Blow, attempt


def contents(place: Path) -> dict[str, Any]:
    """What a command left, by path; drafts, locks and what a clock says are left out."""
    found: dict[str, Any] = {}
    for path in sorted(place.rglob("*")):
        if path.is_dir() or path.name.endswith((".part", ".lock", ".holder", "report.sha256")):
            continue
        found[path.relative_to(place).as_posix()] = path.read_bytes()
        if path.name == "report.json":
            report = json.loads(path.read_text("utf-8"))
            del report["created"]
            found[path.relative_to(place).as_posix()] = report
    return found


def command(words: list[str], place: Path, output: Path, blow: Blow | None) -> Attempt:
    """The command in its place."""
    place.mkdir(exist_ok=True)
    return attempt([word.replace("{place}", str(place)) for word in words], output, blow)


def chosen(whole: Attempt, chance: random.Random) -> Blow:
    """At a random time, or at a flush or rename of a file."""
    number = chance.choice(SIGNALS)
    if whole.events[0] and chance.random() < 0.5:
        return Blow(number, 0, chance.randint(1, whole.events[0]), None)
    return Blow(number, None, 0, chance.uniform(0, whole.seconds))


def problems(words: list[str], kills: int, folder: Path, chance: random.Random) -> list[str]:
    """What was not as in the undisturbed command, after so many kills."""
    output = folder / "output.txt"
    whole = command(words, folder / "undisturbed", output, None)
    if whole.code != 0:
        raise SystemExit(whole.output)
    expected, found, killed, number = contents(folder / "undisturbed"), [], 0, 0
    while killed < kills:
        place, number = folder / f"trial-{number}", number + 1
        struck = command(words, place, output, chosen(whole, chance))
        killed += struck.code != 0
        if "Traceback" in struck.output:
            found.append(f"{place.name}: {struck.output}")
        half = contents(place)
        found += [
            f"{place.name}: {name} is not whole"
            for name in half.keys() & expected.keys()
            if half[name] != expected[name]
        ]
        again = command(words, place, output, None)
        # What was finished before the blow may be refused, or made again.
        if again.code != 0 and "already holds a report" not in again.output:
            found.append(f"{place.name}: code {again.code}: {again.output}")
        if contents(place) != expected:
            found.append(f"{place.name}: other files than those of the undisturbed command")
    return found


def main() -> None:
    """Exit code 1 if anything differs from the undisturbed command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("words", nargs="+")
    asked = parser.parse_args()
    # Imported before the first fork, so that no command pays for it.
    for module in ("transformers.models.bert", "qabench.runs.from_model", "qabench.views.page"):
        importlib.import_module(module)
    with tempfile.TemporaryDirectory(prefix="qabench-kills-") as folder:
        found = problems(asked.words, asked.kills, Path(folder), random.Random(asked.seed))
    print("\n".join([f"{asked.kills} kills, {len(found)} problems", *found]))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
