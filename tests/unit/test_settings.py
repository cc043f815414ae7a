"""The settings: read once, every wrong one named, no secret repeated."""

import re
from pathlib import Path

import pytest

from qms_mcp.errors import InvalidInputError
from qms_mcp.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "database_url": "postgresql://me:hunter2@db.example:5432/qms",
    "database_url_direct": "postgresql://me:hunter2@db.example:5432/qms",
    "database_url_sql": "postgresql://me:hunter2@db.example:5432/qms",
    "qms_access_token": "hunter2",
    "qms_jwt_secret": "hunter2",
    "supabase_anon_key": "hunter2",
    "supabase_service_role_key": "hunter2",
    "anthropic_api_key": "hunter2",
    "anthropic_auth_token": "hunter2",
    "voyage_api_key": "hunter2",
    "openai_api_key": "hunter2",
    "qms_embedding_api_key": "hunter2",
    "langfuse_public_key": "hunter2",
    "langfuse_secret_key": "hunter2",
    "ml_retrain_webhook_secret": "hunter2",
}
WANTED = {
    "SUPABASE_URL", "SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY", "ANTHROPIC_API_KEY", "LANGFUSE_PUBLIC_KEY",
    "LANGFUSE_SECRET_KEY", "LANGFUSE_HOST", "ML_RETRAIN_THRESHOLD", "ML_MIN_SAMPLES_FOR_RETRAIN",
    "ML_QUALITY_THRESHOLD", "DATABASE_URL", "DATABASE_URL_DIRECT", "QMS_HOME", "QMS_ACCESS_TOKEN",
}  # fmt: skip


def read(**variables: str) -> Settings:
    return Settings.from_environment(variables)


def test_an_empty_environment_means_the_embedded_database_and_the_defaults() -> None:
    settings = read()
    assert settings.embedded
    assert not settings.langfuse_configured
    assert (settings.ml_retrain_threshold, settings.ml_min_samples_for_retrain) == (0.3, 1000)
    assert settings.ml_quality_threshold == 0.7
    assert settings.qms_jwt_audience == "authenticated"


def test_every_variable_that_is_promised_is_read() -> None:
    assert {name.upper() for name in Settings.model_fields} >= WANTED


def test_an_empty_variable_counts_as_not_set() -> None:
    assert read(DATABASE_URL="", QMS_RATE_LIMIT="  ").model_fields_set == set()


def test_other_variables_of_the_environment_are_left_alone() -> None:
    assert read(PATH="/usr/bin", QMS_SOMETHING_ELSE="1").model_fields_set == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "mysql://db.example/qms", "PostgreSQL URL"),
        ("QMS_HOME", "data", "an absolute path"),
        ("QMS_LINGER_SECONDS", "soon", "number"),
        ("SUPABASE_URL", "ours.example", "URL"),
        ("LANGFUSE_HOST", "cloud", "URL"),
        ("ML_RETRAIN_THRESHOLD", "30", "less than or equal to 1"),
        ("ML_MIN_SAMPLES_FOR_RETRAIN", "0", "greater than or equal to 1"),
        ("ML_QUALITY_THRESHOLD", "-1", "greater than or equal to 0"),
        ("QMS_RATE_LIMIT", "a lot", "pattern"),
        ("QMS_STATEMENT_TIMEOUT_MS", "5", "greater than or equal to 50"),
        ("QMS_LOG_LEVEL", "LOUD", "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(name: str, value: str, expected: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(**{name: value})
    assert re.search(rf"{name}: expected .*{re.escape(expected)}", refused.value.message)
    assert "qms-mcp doctor" in refused.value.hint


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(QMS_LOG_LEVEL="LOUD", ML_QUALITY_THRESHOLD="7", QMS_HOME="data")
    for name in ("QMS_LOG_LEVEL", "ML_QUALITY_THRESHOLD", "QMS_HOME"):
        assert name in refused.value.message


def test_a_secret_in_the_wrong_variable_is_not_repeated() -> None:
    for name in ("DATABASE_URL", "SUPABASE_URL", "QMS_LOG_LEVEL", "QMS_RATE_LIMIT", "QMS_HOME"):
        with pytest.raises(InvalidInputError) as refused:
            read(**{name: "sk-hunter2"})
        assert "hunter2" not in refused.value.prose()
        assert refused.value.__cause__ is None


def test_secrets_are_never_shown() -> None:
    settings = read(**{name.upper(): value for name, value in SECRETS.items()})
    for shown in (repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()):
        assert "hunter2" not in shown


def test_every_field_that_may_hold_a_secret_is_kept_secret() -> None:
    suspicious = re.compile(r"key|token|secret|database_url|password")
    held = {name for name in Settings.model_fields if suspicious.search(name)}
    assert held - {"qms_jwt_jwks_url", "qms_embedding_tokens_per_minute"} == set(SECRETS)


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().qms_model = "another"  # type: ignore[misc]


def test_a_home_may_start_with_a_tilde() -> None:
    assert read(QMS_HOME="~/records").qms_home == Path.home() / "records"


def test_every_field_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_example_file_lists_every_variable_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = re.findall(r"^#? ?([A-Z][A-Z_]+)=", text, re.MULTILINE)
    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_file_can_be_used_as_it_is() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    given = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert read(**given).model_fields_set == set()


def test_the_readme_lists_every_variable() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [name.upper() for name in Settings.model_fields if f"`{name.upper()}`" not in text]
    assert missing == []
