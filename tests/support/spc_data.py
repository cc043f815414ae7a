"""Published examples of quality statistics and their answers: where QMS_SHARED_DATA says, or beside the checkout."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def spc_file(name: str) -> Path:
    """Return a file of published data; the test is skipped where there is none."""
    path = Path(os.environ.get("QMS_SHARED_DATA", _BESIDE)) / "spc" / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; QMS_SHARED_DATA may name the folder that holds spc/")
    return path


def spc_rows(name: str) -> list[list[str]]:
    """Return the rows of a file, without its header."""
    with spc_file(name).open(encoding="utf-8", newline="") as file:
        return [row for row in csv.reader(file) if row][1:]


def spc_columns(name: str) -> dict[str, list[Any]]:
    """Return a file by column: numbers where every value is one, text elsewhere."""
    with spc_file(name).open(encoding="utf-8", newline="") as file:
        header, *rows = [row for row in csv.reader(file) if row]
    return {column: _numbers([row[at] for row in rows]) for at, column in enumerate(header)}


def spc_column(name: str, column: str) -> list[float]:
    """Return one numeric column of a file."""
    return [float(value) for value in spc_columns(name)[column]]


def answers() -> dict[str, dict[str, Any]]:
    """Return the published answers by file (or by the name of an example)."""
    return json.loads(spc_file("answers.json").read_text(encoding="utf-8"))["datasets"]


def _numbers(values: list[str]) -> list[Any]:
    try:
        return [float(value) for value in values]
    except ValueError:
        return values
