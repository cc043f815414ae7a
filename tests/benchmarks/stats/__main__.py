"""Run every simulation with one seed and write docs/statistics-measurements.md.

python -m tests.benchmarks.stats [--quick] [--seed 20260101] [--only trends] [--out FILE]
"""

import argparse
import importlib
import pkgutil
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib.metadata import version
from pathlib import Path
from typing import cast

from tests.benchmarks import stats
from tests.benchmarks.stats import Row

SEED = 20_260_101
OUT = Path(__file__).parents[3] / "docs" / "statistics-measurements.md"
WORKERS = 2
_VERDICT = {True: "yes", False: "**no**", None: ""}


def modules() -> list[str]:
    """Return the names of the modules that simulate."""
    return sorted(found.name for found in pkgutil.iter_modules(stats.__path__) if not found.name.startswith("_"))


def measure(name: str, seed: int, quick: bool) -> tuple[str, str, list[Row], float]:
    """Run one module; return its name, what it says of itself, its rows and how many seconds it took."""
    module = importlib.import_module(f"{stats.__name__}.{name}")
    begun = time.perf_counter()
    rows = cast("list[Row]", module.simulate(seed, quick))
    return name, (module.__doc__ or "").strip(), rows, time.perf_counter() - begun


def written(measured: Sequence[tuple[str, str, list[Row], float]], seed: int) -> str:
    """Return the report."""
    lines = [
        "# Detectors under simulation",
        "",
        "How often each detector is wrong when nothing is there, and how often it finds what is. `make bench-stats`",
        f"writes this file; seed {seed}, {_software()}. An interval holds what chance in the simulation leaves open",
        "(95 %); a row without an expectation is only reported.",
    ]
    judged = [row for _, _, rows, _ in measured for row in rows if row.within is not None]
    fell = sum(not row.within for row in judged)
    lines += ["", f"{len(judged)} rows have an expectation; {len(judged) - fell} are within it and {fell} are not."]
    for name, says, rows, _ in measured:
        lines += ["", f"## {name.replace('_', ' ').capitalize()}", "", says, ""]
        lines += ["| detector | case | measured | interval | expected | runs | as expected |"]
        lines += ["| --- | --- | ---: | ---: | --- | ---: | --- |"]
        lines += [_line(row) for row in rows]
    return "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    cells = (
        row.detector,
        row.case,
        f"{row.measured:.4g}",
        f"{row.low:.4g} to {row.high:.4g}",
        row.expected,
        f"{row.n:,}",
        _VERDICT[row.within],
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _software() -> str:
    return f"Python {platform.python_version()}, numpy {version('numpy')}, scipy {version('scipy')}"


def main() -> None:
    """Measure, and write what was measured."""
    parser = argparse.ArgumentParser(description="Simulate every detector.")
    parser.add_argument("--quick", action="store_true", help="few repetitions: does it run at all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", nargs="*", default=None, help="modules; all if left out")
    parser.add_argument("--out", type=Path, default=None, help="the file; by default the one in docs, if all are run")
    chosen = parser.parse_args()
    names = modules() if chosen.only is None else chosen.only
    measured = list[tuple[str, str, list[Row], float]]()
    with ProcessPoolExecutor(WORKERS) as pool:
        for done in as_completed([pool.submit(measure, name, chosen.seed, chosen.quick) for name in names]):
            name, _, rows, seconds = done.result()
            fell = sum(row.within is False for row in rows)
            sys.stdout.write(f"{name}: {len(rows)} rows, {fell} not as expected, {seconds:.0f} s\n")
            sys.stdout.flush()
            measured.append(done.result())
    measured.sort(key=lambda one: names.index(one[0]))
    text = written(measured, chosen.seed)
    whole = chosen.only is None and not chosen.quick
    out = chosen.out or (OUT if whole else None)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
