"""What the ledger keeps: no secrets, nothing large, nothing a database refuses."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qms_mcp.masking import MASK, keepable, mask_text

JWT = "eyJhbGciOiJIUzI1NiJ9" + "." + "eyJzdWIiOiIxMjM0In0" + "." + "c2lnbmF0dXJl"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "key",
    [
        "password", "PASSWORD", "db_password", "passphrase", "pwd", "secret", "client_secret", "clientSecret",
        "token", "accessToken", "refresh_token", "api_key", "apiKey", "api-key", "private_key", "secret_key",
        "aws_secret_access_key", "service_role_key", "anon_key", "Authorization", "cookie", "set-cookie", "jwt",
        "credentials", "session_id", "password_hash", "dsn", "bearer",
    ],
)  # fmt: skip
def test_a_value_is_masked_by_the_name_of_its_key(key: str) -> None:
    assert keepable({"outer": [{key: "open sesame"}]}) == {"outer": [{key: MASK}]}
    assert keepable({key: {"nested": "open sesame"}}) == {key: MASK}


def test_a_number_is_masked_under_a_password_and_kept_under_a_count_of_tokens() -> None:
    assert keepable({"password": 1234, "max_tokens": 4096, "has_token": True, "token": None}) == {
        "password": MASK,
        "max_tokens": 4096,
        "has_token": True,
        "token": None,
    }


@pytest.mark.parametrize(
    "key", ["name", "primary_key", "foreign_key", "author", "tokenizer", "secretary", "passed", "key", "cursor"]
)
def test_harmless_keys_keep_their_values(key: str) -> None:
    assert keepable({key: "plain"}) == {key: "plain"}


@pytest.mark.parametrize(
    "secret",
    [
        JWT,
        "sk-" + "ant-api03-abcdefghijklmnopqrst",
        "sk-" + "lf-12345678-1234-1234-1234-123456789012",
        "pk-" + "lf-12345678-1234-1234-1234-123456789012",
        "sbp_" + "0123456789abcdef0123",
        "sb_" + "secret_0123456789abcdef",
        "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789",
        "github_" + "pat_abcdefghijklmnopqrstuvwxyz",
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "xoxb-" + "1234567890-abcdef",
        PRIVATE_KEY,
        PRIVATE_KEY[:60],
    ],
)
def test_a_secret_is_masked_by_its_shape_wherever_it_stands(secret: str) -> None:
    kept = json.dumps(keepable({"sql": f"SELECT '{secret}' AS x", "list": [secret], secret: 1}))
    assert secret[12:40].strip() not in kept
    assert "AS x" in kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("postgresql://me:hunter2@db:5432/qms", "postgresql://[masked]@db:5432/qms"),
        ("redis://:hunter2@cache/0", "redis://[masked]@cache/0"),
        ("ALTER ROLE a PASSWORD 'it''s mine' VALID", "ALTER ROLE a [masked] VALID"),
        ("host=db password=hunter2 user=me", "host=db [masked] user=me"),
        ('{"password": "hunter2", "user": "me"}', '{"[masked], "user": "me"}'),
        ("Authorization: Bearer abcdefghijklmnop.q", "Authorization: [masked]"),
        ("SELECT password FROM users", "SELECT password FROM users"),
        ("WHERE column_name IN ('password', 'email')", "WHERE column_name IN ('password', 'email')"),
    ],
)
def test_a_password_is_masked_in_a_text(text: str, kept: str) -> None:
    assert mask_text(text) == kept


def test_a_large_value_is_kept_as_its_size_its_sum_and_its_beginning() -> None:
    kept = keepable({"rows": ["x" * 100] * 1000})
    assert kept["cut"] is True
    assert kept["bytes"] > 100_000
    assert len(kept["sha256"]) == 64
    assert len(json.dumps(kept)) < 3_000
    assert keepable({"rows": ["x" * 100] * 1000}) == kept
    assert keepable({"rows": ["x" * 100] * 1001})["sha256"] != kept["sha256"]


def test_a_secret_at_the_cut_does_not_show_its_first_half() -> None:
    for before in range(1_900, 2_001, 7):
        assert "eyJhbGciOiJI" not in json.dumps(keepable({"t": "x" * before + " " + JWT + " " + "y" * 20_000}))
        assert "eyJhbGciOiJI" not in mask_text("x" * before + " " + JWT + " " + "y" * 2_000_000)


def test_nothing_a_database_refuses_is_kept() -> None:
    kept = json.dumps(
        keepable({"nul": "a\x00b", "half": "\ud800", "k\x00": 1, "nan": float("nan"), "inf": float("inf")}),
        ensure_ascii=False,
        allow_nan=False,
    )
    kept.encode()
    assert "\\u0000" not in kept


def test_deep_nesting_is_cut_and_never_fails() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    assert "nested deeper" in json.dumps(keepable(deep))


def test_what_cannot_be_kept_is_named_and_not_raised() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert keepable({"x": Hostile()}) == {"unkept": "dict: RuntimeError"}
    assert keepable(10**5_000) == {"unkept": "int: ValueError"}


@pytest.mark.parametrize(
    "unit", ["eyJ", "password ", "://", "-----BEGIN PRIVATE KEY-----", "sk-", "password '", "bearer ", "://a:"]
)
def test_hostile_repetition_costs_time_in_proportion_to_its_length(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.perf_counter()
        mask_text(text)
        return time.perf_counter() - started

    seconds(1_000)
    short = min(seconds(50_000) for _ in range(3))
    assert seconds(400_000) < 40 * short + 0.2  # 8 times the length; the square would be 64


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@settings(deadline=None, max_examples=150)
@given(JSON)
def test_whatever_comes_is_kept_as_json_a_database_takes(value: Any) -> None:
    text = json.dumps(keepable(value), ensure_ascii=False, allow_nan=False)
    assert len(text.encode()) <= 10_000
    assert "\\u0000" not in text


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=50), st.text(max_size=50))
def test_a_token_never_survives_its_surroundings(before: str, after: str) -> None:
    assert JWT not in mask_text(f"{before} {JWT} {after}")
