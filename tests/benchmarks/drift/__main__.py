"""`python -m tests.benchmarks.drift`: false alarms and power of every detector, as docs/drift-measurements.md."""

import time
from pathlib import Path

from qms_mcp.statistics.intervals import clopper_pearson
from tests.support.drift import KINDS, alarms

SEED = 20260101
REPORT = Path(__file__).parents[3] / "docs" / "drift-measurements.md"
SIZES = (100, 500, 2_000)
MOVES = (0.1, 0.3, 0.5)
_FALSE, _POWER = 4_000, 1_000
_FEW = {"vectors": 20}  # a simulation of vectors takes so many times as long
_SAYS = {
    "normal": "values, normal; moved by so many standard deviations",
    "skewed": "values, exponential; moved by so many standard deviations",
    "tied": "values, five steps; moved by so many standard deviations before rounding",
    "psi": "population stability index against its limit for n; normal values",
    "categories": "five categories; so much of 0.3 moves from the commonest to the next",
    "errors": "errors at 5 %; rising by 0.4 times so much",
    "vectors": "24 directions; one mean moves by three times so many standard deviations",
}
_HEAD = """# Drift: what was measured

Written by `make bench-drift` (seed {seed}). Each line is one detector on two simulated samples of n observations each,
tested at one per cent. False alarms are with nothing changed; their interval is exact (Clopper and Pearson, 95 %).
Power is the share of alarms when something has moved; what a move of 0.1, 0.3 or 0.5 means is said beside the name.
The stability index has a column of its own because it is reported and decides nothing.

| detector | n | false alarms % (95 %) | power at 0.1 % | at 0.3 % | at 0.5 % |
|---|---|---|---|---|---|
"""


def line(kind: str, n: int) -> str:
    """Return a line of the table."""
    times = _FALSE // _FEW.get(kind, 1)
    false = alarms(kind, n, times, moved=0.0, seed=SEED)
    low, high = clopper_pearson(false, times)
    tries = _POWER // _FEW.get(kind, 1)
    power = [alarms(kind, n, tries, moved=moved, seed=SEED + 1) / tries for moved in MOVES]
    shares = " | ".join(f"{share:.1%}".rstrip("%") for share in power)
    return f"| {kind}: {_SAYS[kind]} | {n} | {false / times:.2%} ({low:.2%} to {high:.2%}) | {shares} |"


def main() -> None:
    """Write the report."""
    began = time.monotonic()
    lines: list[str] = []
    for kind in KINDS:
        for n in SIZES:
            if kind == "vectors" and n > SIZES[1]:
                continue
            lines.append(line(kind, n))
            print(lines[-1], flush=True)  # noqa: T201 - it takes minutes
    REPORT.write_text(_HEAD.format(seed=SEED) + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{time.monotonic() - began:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
