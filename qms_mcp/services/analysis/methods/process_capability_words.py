"""What a capability study says: its blocks as they travel, the verdict on a required index, the headline."""

from typing import Any

from qms_mcp.services.analysis.method import significant
from qms_mcp.statistics.capability.study import Block, Study
from qms_mcp.statistics.intervals import Interval

_THOUSAND = 1_000
_PER_CENT = 1e4


def block_of(
    block: Block, names: tuple[str, str, str, str], points: tuple[float, float, float] | None = None
) -> dict[str, Any]:
    """Return a block with its indices under the names they have: cp, cpk, cpu, cpl or pp, ppk, ppu, ppl."""
    spread, nearest, upper, lower = names
    found = block.indices
    fields: dict[str, Any] = {
        "sigma": _number(block.sigma),
        "sigma_from": block.says,
        "df": None if block.df is None else significant(block.df, 5),
        spread: _number(found.spread),
        f"{spread}_interval": _ends(block.spread_interval),
        nearest: significant(found.nearest),
        f"{nearest}_interval": _ends(block.nearest_interval),
        f"{nearest}_at_least": _number(block.nearest_bound),
        upper: _number(found.upper),
        lower: _number(found.lower),
        "cpm": _number(found.target),
        "cpm_interval": _ends(block.target_interval),
        "cpmk": _number(found.target_nearest),
        "points": None if points is None else [significant(point) for point in points],
    }
    if block.expected is not None:
        expected = block.expected
        fields["ppm_below"] = _number(expected.below)
        fields["ppm_above"] = _number(expected.above)
        fields["ppm"] = significant(expected.total)
        fields["z_bench"] = _number(expected.z_bench)
    return {name: value for name, value in fields.items() if value is not None}


def verdict_of(made: Study, required: float | None, level: float) -> dict[str, Any] | None:
    """Return whether the data demonstrate the index that is required: its one-sided lower bound reaches it.

    It is Cpk where there is one, else Ppk. Nothing is demonstrated of a process that is not stable.
    """
    if required is None:
        return None
    index, block = ("Cpk", made.within) if made.within is not None else ("Ppk", made.overall)
    seen = made.stability
    bound, unstable = block.nearest_bound, seen is not None and seen.stable is not True and seen.signals > 0
    if bound is None:
        because = "there is no bound, because the number of values is not known or too large for a bootstrap"
    elif unstable:
        because = "the process is not stable" if seen and seen.stable is False else "the chart has a signal"
    else:
        because = f"with {100 * level:g} % confidence {index} is at least {bound:.3g}"
    demonstrated = bound is not None and bound >= required and not unstable
    return {
        "index": index,
        "required": required,
        "result": "demonstrated" if demonstrated else "not demonstrated",
        "because": because,
    }


def headline_of(made: Study, verdict: dict[str, Any] | None, level: float) -> str:
    """Return the study in a sentence or three."""
    unstable = made.stability is not None and made.stability.stable is False
    said = [_index(name, block, level) for name, block in _blocks(made)]
    if unstable and made.within is None:
        parts = [f"The process is not stable, so Cp and Cpk are withheld; {said[0]} describes only what was made."]
    else:
        parts = [", ".join(said) + ("; the process is not stable." if unstable else ".")]
    if verdict is not None:
        parts.append(f"{verdict['required']:g} is {verdict['result']}: {verdict['because']}.")
    parts.append(_outside(made))
    return " ".join(part for part in parts if part)


def _blocks(made: Study) -> list[tuple[str, Block]]:
    if made.within is not None and made.stability is None:
        return [("Cpk = Ppk", made.within)]
    return [*([("Cpk", made.within)] if made.within is not None else []), ("Ppk", made.overall)]


def _index(name: str, block: Block, level: float) -> str:
    interval = block.nearest_interval
    ends = "" if interval is None else f" ({100 * level:g} % interval {interval.low:.2f} to {interval.high:.2f})"
    return f"{name} {block.indices.nearest:.2f}{ends}"


def _outside(made: Study) -> str:
    said = list[str]()
    if made.overall.expected is not None:
        said.append(f"expected outside {_share(made.overall.expected.total)}")
    if made.observed is not None:
        outside = (made.observed.below or 0) + (made.observed.above or 0)
        said.append(f"seen outside {outside} of {made.observed.n}")
    return (", ".join(said)).capitalize() + "." if said else ""


def _share(ppm: float) -> str:
    if ppm >= _PER_CENT:
        return f"{ppm / _PER_CENT:.3g} %"
    return f"{significant(ppm, 3):,.0f} ppm" if ppm >= _THOUSAND else f"{ppm:.3g} ppm"


def _number(value: float | None) -> float | None:
    return None if value is None else significant(value)


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [significant(end) for end in interval]
