"""Real quality events, where they are at hand: in the folder QMS_SHARED_DATA names, or beside the checkout."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def events_file(name: str) -> Path:
    """Return a file of real events; the test is skipped where there is none."""
    path = Path(os.environ.get("QMS_SHARED_DATA", _BESIDE)) / "events" / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; QMS_SHARED_DATA may name the folder that holds events/")
    return path
