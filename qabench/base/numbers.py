"""Numbers as text: one rounding and one minus sign in tables, sentences, figures and page."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"
_SMALLEST_P = 0.001


def fixed(value: float, decimals: int) -> str:
    """A number with so many decimals; what rounds to 0 has no sign."""
    text = f"{value:.{decimals}f}"
    return text.replace("-", MINUS) if float(text) else text.removeprefix("-")


def percent(value: float) -> str:
    """A score or share in percent, as every table and figure shows it: two decimals."""
    return fixed(value, 2)


def points(difference: float) -> str:
    """A difference of scores in percentage points: signed, one decimal."""
    text = fixed(difference, 1)
    return f"+{text}" if float(f"{difference:.1f}") > 0 else text


def unsigned(difference: float) -> str:
    """The size of a difference in percentage points: one decimal."""
    return fixed(abs(difference), 1)


def interval(low: float, high: float) -> str:
    """An interval of a difference, in percentage points; an end that is not 0 never reads so."""
    return f"{_end(low)} … {_end(high)}"


def _end(value: float) -> str:
    for decimals in (1, 2, 3, 4):
        text = fixed(value, decimals)
        if float(f"{value:.{decimals}f}"):
            return text if value < 0 else f"+{text}"
    return "0.0"


def p_value(p: float) -> str:
    """A p-value in a table: three decimals, ``<0.001`` below that."""
    return f"<{_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.3f}"


def p_phrase(p: float) -> str:
    """A p-value in a sentence, as in a table: ``p = 0.022``, ``p < 0.001``."""
    return f"p < {_SMALLEST_P}" if p < _SMALLEST_P else f"p = {p_value(p)}"
