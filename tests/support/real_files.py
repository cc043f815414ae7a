"""Real regulations, guidances and letters, where they are at hand: in QMS_SHARED_DATA, or beside the checkout."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def data_file(name: str) -> Path:
    """Return a real file by its path in that folder; the test is skipped where there is none."""
    path = Path(os.environ.get("QMS_SHARED_DATA", _BESIDE)) / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; QMS_SHARED_DATA may name the folder it is in")
    return path
