"""A pickle that shows whether it was unpickled."""

from __future__ import annotations

import os
from pathlib import Path


class Payload:
    """Unpickling this makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)
