"""Where the checkout is, and the real data that may lie beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
SQUAD = SHARED / "data" / "squad_v2_small"
DEV = SQUAD / "dev.json"
