"""Numbers as they stand in a sentence."""

_PLAIN = (1e-4, 1e7)
_RARE = 1e-4


def spoken(value: float, digits: int = 4) -> str:
    """Return a number with as many digits as somebody reads aloud: 1,234 or 0.0312."""
    if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1]:
        written = f"{value:.{digits}g}"
        number = float(written)
        return f"{number:,.0f}" if abs(number) >= 10 ** (digits - 1) else written
    return f"{value:.{digits - 1}e}"


def with_unit(value: float, unit: str) -> str:
    """Return a number and its unit, if it has one."""
    return f"{spoken(value)} {unit}".rstrip()


def p_value(p: float) -> str:
    """Return a p-value as it is printed."""
    return "p < 0.0001" if p < _RARE else f"p = {p:.2g}"


def one_in(chance: float) -> str:
    """Return a small chance as "once in so many"."""
    if chance <= 0:
        return "all but never"
    return f"once in {1 / chance:,.0f}" if chance > 1e-9 else "less than once in a billion"  # noqa: PLR2004


def listed(names: list[str], most: int = 5) -> str:
    """Return names in quotes, the first of them when they are many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(repr(name) for name in names[:most]) + more
