"""Answers that are not at their start: where they can be meant to be, and why they are off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

# Code points between a start and the place that is meant by it.
NEAR = 32
# A file has one cause if it explains this share of its misplaced answers, and several of them.
_MOST, _SEVERAL = 0.9, 3


@dataclass(frozen=True, slots=True)
class Misplaced:
    """An answer whose text is in the context, but not at its start."""

    text: str
    start: int
    context: str

    @property
    def near(self) -> int | None:
        """Its only place near the start; ``None`` if there is none, or several."""
        low = max(self.start - NEAR, 0)
        first = self.context.find(self.text, low, self.start + NEAR + len(self.text))
        if first < 0:
            return None
        again = self.context.find(self.text, first + 1, self.start + NEAR + len(self.text))
        return first if again < 0 else None

    def fits(self, place: int | None) -> bool:
        """Whether the text is at a place."""
        return place is not None and place >= 0 and self.context.startswith(self.text, place)


def _units(size: Callable[[str], int]) -> Callable[[Misplaced], int | None]:
    """The code point before which there are as many units as the start says."""

    def place(one: Misplaced) -> int | None:
        if one.start < 0:
            return None
        sums = accumulate(map(size, one.context), initial=0)
        return next((place for place, units in enumerate(sums) if units == one.start), None)

    return place


def _utf16(one: str) -> int:
    return 1 + (ord(one) > 0xFFFF)


def _utf8(one: str) -> int:
    return 1 + (ord(one) > 0x7F) + (ord(one) > 0x7FF) + (ord(one) > 0xFFFF)


def _two_for_break(one: str) -> int:
    return 1 + (one == "\n")


def _one_for_break(one: str) -> int:
    return int(one != "\r")


# Ways to count characters that differ from code points, as a sentence names them.
_COUNTS: dict[str, Callable[[Misplaced], int | None]] = {
    "starts count UTF-16 units": _units(_utf16),
    "starts count bytes of UTF-8": _units(_utf8),
    "starts count each line break as two characters, as in files with \\r\\n": _units(
        _two_for_break
    ),
    "starts count \\r\\n as one character": _units(_one_for_break),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the misplaced answers of one file are.

    Attributes:
        cause: why they are off, where one cause explains nearly all of them; else "".
        places: of each answer; ``None`` where it is in doubt.
    """

    cause: str
    places: tuple[int | None, ...]

    @property
    def placed(self) -> int:
        """How many are without doubt."""
        return sum(one is not None for one in self.places)


def place(answers: Sequence[Misplaced]) -> Placement:
    """Place the misplaced answers of a file.

    An answer is placed without doubt if its text occurs once near its start, or if it is where the
    cause of nearly all others puts it; where both differ it is in doubt.
    """
    near = [one.near for one in answers]
    explained = {name: [_at(one, count(one)) for one in answers] for name, count in _COUNTS.items()}
    explained |= dict(_shifts(answers, near))
    cause = max(explained, key=lambda name: _share(explained[name]), default="")
    if not cause or _share(explained[cause]) < _MOST or len(answers) < _SEVERAL:
        return Placement("", tuple(near))
    pairs = zip(explained[cause], near, strict=True)
    places = tuple(b if a is None else a if b in (a, None) else None for a, b in pairs)
    return Placement(cause, places)


def _at(one: Misplaced, place: int | None) -> int | None:
    return place if one.fits(place) else None


def _share(places: Sequence[int | None]) -> float:
    return sum(one is not None for one in places) / max(len(places), 1)


def _shifts(
    answers: Sequence[Misplaced], near: Sequence[int | None]
) -> Iterator[tuple[str, list[int | None]]]:
    """The distance that most starts are off by, if there is one."""
    pairs = zip(answers, near, strict=True)
    shifts = Counter(one.start - place for one, place in pairs if place is not None)
    for shift, _ in shifts.most_common(1):
        side = "great" if shift > 0 else "small"
        yield (
            f"starts are too {side} by {abs(shift)}",
            [_at(one, one.start - shift) for one in answers],
        )
