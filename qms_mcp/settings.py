"""Every environment variable, read once into one frozen model.

Nothing else in the project reads the environment. A wrong value is named with what was expected, all wrong ones at
once; the value itself is not repeated, because it may be a secret pasted into the wrong variable.
"""

import json
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from qms_mcp.errors import InvalidInputError


def _postgres_url(value: object) -> object:
    text = str(value)
    if text.startswith(("postgresql://", "postgres://")) or "=" in text:
        return value
    raise ValueError("a PostgreSQL URL such as postgresql://user:password@host:5432/database")


def _absolute(value: object) -> object:
    path = Path(str(value)).expanduser()
    if not path.is_absolute():
        raise ValueError("an absolute path, or one that starts with ~")
    return path


def _folders(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(_absolute(part.strip()) for part in value.split(os.pathsep) if part.strip())


def _hosts(value: object) -> object:
    if not isinstance(value, str):
        return value
    hosts = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    if any(re.search(r"[\s/@*?#]", host) for host in hosts):
        raise ValueError("host names such as docs.example.com or localhost:8080, with commas between")
    return hosts


def _prices(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise ValueError('JSON such as {"claude-sonnet-5-5": [3, 15]}') from None


PostgresUrl = Annotated[SecretStr, BeforeValidator(_postgres_url)]
Fraction = Annotated[float, Field(ge=0, le=1)]
UsDollars = Annotated[float, Field(ge=0)]


class Settings(BaseModel):
    """What the environment says. Each field is the variable of the same name in capitals."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    # Where the records are
    database_url: PostgresUrl | None = Field(
        default=None, description="PostgreSQL 15 or newer with pgvector; left out, the embedded database is used."
    )
    database_url_direct: PostgresUrl | None = Field(
        default=None,
        description="The same database past any pooler, as the owner: for migrations. Default: DATABASE_URL.",
    )
    database_url_sql: PostgresUrl | None = Field(
        default=None,
        description="The same database as a login in role qms_sql, for the SQL tools. Default: DATABASE_URL.",
    )
    qms_home: Annotated[Path, BeforeValidator(_absolute)] | None = Field(
        default=None, description="Folder of the embedded database and the spool. Default: the user's data folder."
    )
    qms_linger_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=5.0, description="How long the embedded database stays up after its last user has gone."
    )

    # Who is acting
    qms_access_token: SecretStr | None = Field(
        default=None, description="A Supabase access token (JWT) of the person on whose behalf the server works."
    )
    qms_organization: str | None = Field(
        default=None, description="Slug or id of the organization, for someone who belongs to several."
    )
    qms_jwt_audience: str = Field(default="authenticated", description="The audience a token must have.")
    qms_jwt_secret: SecretStr | None = Field(
        default=None, description="Secret of HS256 tokens (legacy Supabase projects)."
    )
    qms_jwt_jwks_url: AnyHttpUrl | None = Field(
        default=None, description="Where ES256 and RS256 keys are. Default: the Supabase project's."
    )
    supabase_url: AnyHttpUrl | None = Field(default=None, description="Address of the Supabase project.")
    supabase_anon_key: SecretStr | None = Field(default=None, description="Public key of the Supabase project.")
    supabase_service_role_key: SecretStr | None = Field(default=None, description="Service key; used for storage only.")

    # Models and observability
    anthropic_api_key: SecretStr | None = Field(
        default=None, description="Key of the Claude API; without it, no model is used."
    )
    anthropic_base_url: AnyHttpUrl | None = Field(
        default=None, description="Another address of the Claude API (a gateway)."
    )
    anthropic_auth_token: SecretStr | None = Field(
        default=None, description="Bearer token of a gateway, in place of ANTHROPIC_API_KEY."
    )
    qms_claude_via: Literal["api", "bedrock", "vertex"] = Field(
        default="api",
        description="How agents reach Claude: its API, or AWS or Google with the credentials of the machine.",
    )
    qms_model: str = Field(default="claude-sonnet-5-5", description="Model that writes SQL when a key is set.")
    qms_model_strong: str = Field(default="claude-opus-5-5", description="Model of agents with the hardest work.")
    qms_model_balanced: str = Field(default="claude-sonnet-5-5", description="Model of most agents.")
    qms_model_fast: str = Field(
        default="claude-haiku-5-5", description="Model of agents with simple work, and the one that sorts requests."
    )
    qms_model_prices: Annotated[dict[str, tuple[UsDollars, UsDollars]], BeforeValidator(_prices)] = Field(
        default={},
        description='US dollars for a million tokens, in and out: {"claude-sonnet-5-5": [3, 15]}. Default: assumed.',
    )
    qms_model_effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(
        default=None, description="Effort of the strong and the balanced model. Default: the model's own."
    )
    qms_agents_at_once: Annotated[int, Field(ge=1, le=100)] = Field(
        default=10, description="How many agents one process runs at once, over all dispatches."
    )
    qms_agents_in: Literal["auto", "server", "workers"] = Field(
        default="auto",
        description="Where agents run: in the server, in `qms-mcp worker` processes, or in those when some are there.",
    )
    qms_approve_above_usd: UsDollars = Field(
        default=5.0, description="Estimated US dollars above which a person is asked before agents are sent."
    )
    qms_model_timeout_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=90.0, description="How long a model may be silent before its reply counts as lost."
    )
    langfuse_public_key: SecretStr | None = Field(default=None, description="Langfuse project key.")
    langfuse_secret_key: SecretStr | None = Field(default=None, description="Langfuse project secret.")
    langfuse_host: AnyHttpUrl = Field(
        default=AnyHttpUrl("https://cloud.langfuse.com"), description="Address of Langfuse."
    )

    # Documents
    qms_ingest_roots: Annotated[tuple[Path, ...], BeforeValidator(_folders)] = Field(
        default=(),
        description="Folders documents may be read from, with : between (; on Windows). Default: inbox in QMS_HOME.",
    )
    qms_ingest_hosts: Annotated[tuple[str, ...], BeforeValidator(_hosts)] = Field(
        default=(), description="Hosts documents may be fetched from: docs.example.com,localhost:8080. Default: none."
    )
    qms_ingest_max_megabytes: Annotated[int, Field(ge=1, le=2000)] = Field(
        default=100, description="Size up to which a file is ingested."
    )
    qms_originals_bucket: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="Private bucket of SUPABASE_URL for the originals of documents. Default: a folder in QMS_HOME.",
    )

    # Vectors for search
    voyage_api_key: SecretStr | None = Field(default=None, description="Key of Voyage AI, for models of theirs.")
    openai_api_key: SecretStr | None = Field(default=None, description="Key of OpenAI, for embedding models of theirs.")
    qms_embedding_base_url: AnyHttpUrl | None = Field(
        default=None, description="Address of an OpenAI-compatible endpoint that makes vectors, up to /v1."
    )
    qms_embedding_api_key: SecretStr | None = Field(
        default=None, description="Key of that endpoint, if it wants one; sent to no other address."
    )
    qms_embedding_price_per_million: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="US dollars for a million tokens. Default: the list price, where it is known."
    )
    qms_embedding_requests_per_minute: Annotated[int, Field(ge=1)] = Field(
        default=300, description="How many requests a minute a provider of vectors is sent at most."
    )
    qms_embedding_tokens_per_minute: Annotated[int, Field(ge=1000)] = Field(
        default=1_000_000, description="How many tokens a minute a provider of vectors is sent at most."
    )

    qms_embed_in_server: bool = Field(
        default=True, description="Whether a server makes vectors in the background; false where `qms-mcp embed` does."
    )

    # The improvement loop
    ml_retrain_threshold: Fraction = Field(default=0.3, description="Drift severity from which retraining is proposed.")
    ml_min_samples_for_retrain: Annotated[int, Field(ge=1)] = Field(
        default=1000, description="Samples needed to retrain."
    )
    ml_quality_threshold: Fraction = Field(
        default=0.7, description="Score from which a sample is good enough to learn from."
    )
    ml_retrain_webhook: AnyHttpUrl | None = Field(
        default=None, description="Address that is told when a training begins and when it proposes a version."
    )
    ml_retrain_webhook_secret: SecretStr | None = Field(
        default=None, description="What those messages are signed with (HMAC-SHA256)."
    )

    # Operations
    qms_alert_urls: SecretStr | None = Field(
        default=None, description="Where alerts are told: addresses of apprise, with commas between them."
    )
    qms_alert_webhook: SecretStr | None = Field(default=None, description="Address that alerts are posted to as JSON.")
    qms_audit_anchor: str | None = Field(
        default=None, description="Where the head of the audit trail is written down each night: FILE, URL or git:DIR."
    )

    # Limits
    qms_rate_limit: str = Field(
        default="600/minute",
        pattern=r"^\d+/(second|minute|hour)$",
        description="Calls per organization, e.g. 600/minute.",
    )
    qms_statement_timeout_ms: Annotated[int, Field(ge=50, le=600_000)] = Field(
        default=10_000, description="How long a statement of the SQL tools may run."
    )
    qms_page_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=0, description="Port of the approval page on 127.0.0.1; 0 for any that is free."
    )
    qms_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="WARNING", description="Detail of the log on stderr."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; an empty variable counts as not set.

        Raises:
            InvalidInputError: A variable has a value that can't be used; all such variables are named.
        """
        source = os.environ if environment is None else environment
        given = {name: source[name.upper()] for name in cls.model_fields if source.get(name.upper(), "").strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as wrong:
            listed = "; ".join(f"{str(e['loc'][0]).upper()}: {_expected(e)}" for e in wrong.errors())
            raise InvalidInputError(
                f"The configuration can't be used. {listed}.",
                hint="Correct the variable or unset it; `qms-mcp doctor` checks again.",
            ) from None

    @property
    def embedded(self) -> bool:
        """Whether the embedded database is used."""
        return self.database_url is None

    @cached_property
    def langfuse_configured(self) -> bool:
        """Whether calls go to Langfuse."""
        return self.langfuse_public_key is not None and self.langfuse_secret_key is not None


def _expected(error: Any) -> str:
    return "expected " + str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should be ")
