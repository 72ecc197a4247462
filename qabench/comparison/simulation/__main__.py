"""The tables of docs/verdicts.md."""

from __future__ import annotations

import argparse
import itertools
import time

from tabulate import tabulate

from qabench.comparison.simulation.answers import LAYOUTS, Metric, Scene
from qabench.comparison.simulation.tables import (
    TYPICAL,
    Level,
    equality,
    families,
    levels,
    power,
)

EFFECTS = (0.0, 0.3, 0.8)
SEED_EFFECTS = (0.0, 0.08, 0.25)


def grid(metric: Metric, **changed: float) -> list[Scene]:
    """Every layout with every size of effects."""
    return [
        Scene(layout, article, seed, metric, **changed)  # type: ignore[arg-type]
        for layout, article, seed in itertools.product(LAYOUTS, EFFECTS, SEED_EFFECTS)
    ]


def main(arguments: list[str] | None = None) -> None:
    """Print every table."""
    parser = argparse.ArgumentParser(prog="python -m qabench.comparison.simulation")
    parser.add_argument("--replications", type=int, default=4000, help="of each cell")
    parser.add_argument("--cells", action="store_true", help="show every cell of the grid, too")
    parser.add_argument("--quick", action="store_true", help="a few cells, to see that it works")
    given = parser.parse_args(arguments)
    began, count = time.perf_counter(), given.replications
    worlds = {
        "EM": grid("EM"),
        "F1": grid("F1"),
        "EM, seeds act alike (correlation 0.8)": grid("EM", correlation=0.8),
        "EM, five heads in the report": grid("EM", heads=5),
        "EM, the second head's seeds spread 3 times as much": grid("EM", ratio=3.0),
    }
    step = 40 if given.quick else 1
    for place, (name, scenes) in enumerate(worlds.items()):
        scenes = scenes[::step]
        found = levels(scenes, count if place < 2 else max(count // 4, 50))
        print(f"\n{name}: {len(scenes)} cells of {found[0].count} comparisons\n")
        print(tabulate([one.summary() for one in found], Level.HEADERS, tablefmt="github"))
        if given.cells:
            rows = [row for one in found for row in one.rows()]
            print("\n" + tabulate(rows, Level.ROW_HEADERS, tablefmt="github"))
    for title, table in (
        (
            "Power at the smallest difference that is printed",
            power(max(count // 4, 50), TYPICAL[::step]),
        ),
        ("Equal within a margin", equality(max(count // 4, 50), TYPICAL[::step])),
        ("Five heads, ten pairs", families(max(count // 8, 20))),
    ):
        print(f"\n{title}\n\n{tabulate(table.rows, table.headers, tablefmt='github')}")
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
