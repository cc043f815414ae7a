"""Access tokens: which hold, which do not, and that no error quotes one."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr

from qms_mcp.auth import tokens
from qms_mcp.auth.tokens import verify_token
from qms_mcp.errors import NotAuthenticatedError, UnavailableError
from qms_mcp.settings import Settings

pytestmark = pytest.mark.anyio

SECRET = "a secret of a project, long enough for HS256"  # noqa: S105 - made up
PERSON = uuid4()
_SHORT = 8  # parts of a real token are longer


@dataclass
class KeySet:
    """The key set of a project, served on loopback."""

    keys: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    fetched: int = 0
    status: int = 200
    url: str = ""

    def add(self, kid: str, private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
        public = private.public_key()
        described = (
            ECAlgorithm.to_jwk(public, as_dict=True)
            if isinstance(public, ec.EllipticCurvePublicKey)
            else RSAAlgorithm.to_jwk(public, as_dict=True)
        )
        self.keys.append({**described, "kid": kid, "use": "sig"})


@pytest.fixture
def key_set() -> Generator[KeySet]:
    served = KeySet()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.fetched += 1
            body = json.dumps({"keys": served.keys}).encode()
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    served.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def elliptic() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    made: dict[str, Any] = {
        "sub": str(PERSON), "aud": "authenticated", "iat": now, "exp": now + 600, "role": "authenticated",
    }  # fmt: skip
    made.update(changes)
    return {name: value for name, value in made.items() if value is not None}


def symmetric(**changes: object) -> str:
    return jwt.encode(claims(**changes), SECRET, "HS256")


def settings(**given: object) -> Settings:
    return Settings.model_validate({"qms_jwt_secret": SECRET, **given})


async def refusal(token: str, configured: Settings | None = None) -> str:
    with pytest.raises(NotAuthenticatedError) as refused:
        await verify_token(token, configured or settings())
    shown = refused.value.prose()
    assert all(part not in shown for part in token.split(".") if len(part) > _SHORT)
    return shown


async def test_a_token_signed_with_the_secret_names_its_person_and_its_end() -> None:
    end = int(time.time()) + 600
    verified = await verify_token(symmetric(exp=end), settings())
    assert verified.user_id == PERSON
    assert verified.expires_at == datetime.fromtimestamp(end, UTC) + tokens.LEEWAY


async def test_a_token_signed_with_an_elliptic_key_of_the_project_holds(
    key_set: KeySet, elliptic: ec.EllipticCurvePrivateKey
) -> None:
    key_set.add("one", elliptic)
    token = jwt.encode(claims(), elliptic, "ES256", headers={"kid": "one"})
    assert (await verify_token(token, settings(qms_jwt_jwks_url=key_set.url))).user_id == PERSON


async def test_a_token_signed_with_an_rsa_key_of_the_project_holds(key_set: KeySet, rsa_key: rsa.RSAPrivateKey) -> None:
    key_set.add("one", rsa_key)
    token = jwt.encode(claims(), rsa_key, "RS256", headers={"kid": "one"})
    assert (await verify_token(token, settings(qms_jwt_jwks_url=key_set.url))).user_id == PERSON


async def test_the_keys_are_fetched_once_for_many_tokens(key_set: KeySet, elliptic: ec.EllipticCurvePrivateKey) -> None:
    key_set.add("one", elliptic)
    token = jwt.encode(claims(), elliptic, "ES256", headers={"kid": "one"})
    for _ in range(3):
        await verify_token(token, settings(qms_jwt_jwks_url=key_set.url))
    assert key_set.fetched == 1


async def test_a_new_key_of_the_project_is_found_without_a_restart(
    key_set: KeySet, elliptic: ec.EllipticCurvePrivateKey
) -> None:
    configured = settings(qms_jwt_jwks_url=key_set.url)
    key_set.add("old", elliptic)
    await verify_token(jwt.encode(claims(), elliptic, "ES256", headers={"kid": "old"}), configured)
    tokens.key_set_at(key_set.url).cooldown_duration = 0
    fresh = ec.generate_private_key(ec.SECP256R1())
    key_set.keys.clear()
    key_set.add("new", fresh)
    renewed = jwt.encode(claims(), fresh, "ES256", headers={"kid": "new"})
    assert (await verify_token(renewed, configured)).user_id == PERSON
    retired = jwt.encode(claims(), elliptic, "ES256", headers={"kid": "old"})
    assert "does not know" in await refusal(retired, configured)


async def test_unknown_keys_do_not_make_the_server_ask_again_and_again(
    key_set: KeySet, elliptic: ec.EllipticCurvePrivateKey
) -> None:
    key_set.add("one", elliptic)
    configured = settings(qms_jwt_jwks_url=key_set.url)
    for number in range(5):
        token = jwt.encode(claims(), elliptic, "ES256", headers={"kid": f"unknown {number}"})
        assert "does not know" in await refusal(token, configured)
    assert key_set.fetched == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -60}, "expired at"),
        ({"iat": 120}, "not valid yet"),
        ({"nbf": 120}, "not valid yet"),
    ],
)
async def test_a_token_out_of_its_time_is_refused(changes: dict[str, int], reason: str) -> None:
    now = int(time.time())
    assert reason in await refusal(symmetric(**{name: now + offset for name, offset in changes.items()}))


@pytest.mark.parametrize("changes", [{"exp": -15}, {"iat": 15}, {"nbf": 15}])
async def test_clocks_may_differ_by_half_a_minute(changes: dict[str, int]) -> None:
    now = int(time.time())
    token = symmetric(**{name: now + offset for name, offset in changes.items()})
    assert (await verify_token(token, settings())).user_id == PERSON


@pytest.mark.parametrize("claim", ["exp", "iat", "aud", "sub"])
async def test_a_token_without_a_claim_it_needs_is_refused(claim: str) -> None:
    assert f"lacks the claim '{claim}'" in await refusal(symmetric(**{claim: None}))


async def test_a_token_for_another_audience_is_refused() -> None:
    assert "another audience" in await refusal(symmetric(aud="billing"))
    assert (await verify_token(symmetric(aud="billing"), settings(qms_jwt_audience="billing"))).user_id == PERSON


async def test_the_issuer_has_to_be_the_configured_project() -> None:
    ours = settings(supabase_url="https://ours.example")
    good = symmetric(iss="https://ours.example/auth/v1")
    assert (await verify_token(good, ours)).user_id == PERSON
    assert "another project" in await refusal(symmetric(iss="https://theirs.example/auth/v1"), ours)
    assert "lacks the claim 'iss'" in await refusal(symmetric(), ours)


@pytest.mark.parametrize("subject", ["owner", "", "1 OR 1=1", "00000000-0000-0000-0000"])
async def test_a_subject_that_is_no_user_id_is_refused(subject: str) -> None:
    assert "names no user" in await refusal(symmetric(sub=subject))


@pytest.mark.parametrize("changes", [{"role": "anon"}, {"role": "service_role"}, {"is_anonymous": True}])
async def test_keys_of_the_project_and_anonymous_sign_ins_are_no_people(changes: dict[str, object]) -> None:
    assert "belongs to no person" in await refusal(symmetric(**changes))


async def test_a_token_signed_with_another_secret_is_refused() -> None:
    token = jwt.encode(claims(), "another secret, which is long enough too", "HS256")
    assert "signature that does not" in await refusal(token)


async def test_a_changed_token_is_refused() -> None:
    head, body, signature = symmetric().split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(sub=str(uuid4()))).encode()).rstrip(b"=").decode()
    assert body != other
    assert "signature" in await refusal(f"{head}.{other}.{signature}")


async def test_a_token_without_a_signature_is_refused() -> None:
    assert "not accepted" in await refusal(jwt.encode(claims(), "", "none"))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_other_algorithms_are_refused_even_with_the_right_key(algorithm: str) -> None:
    token = jwt.encode(claims(), SECRET * 2, algorithm)
    assert "not accepted" in await refusal(token, settings(qms_jwt_secret=SECRET * 2))


async def test_the_public_key_does_not_work_as_a_secret(key_set: KeySet, rsa_key: rsa.RSAPrivateKey) -> None:
    key_set.add("one", rsa_key)
    public = rsa_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "typ": "JWT", "kid": "one"}) + b"." + part(claims())
    signature = base64.urlsafe_b64encode(hmac.new(public, signed, hashlib.sha256).digest()).rstrip(b"=")
    forged = (signed + b"." + signature).decode()
    assert "no secret is configured" in await refusal(
        forged, Settings.model_validate({"qms_jwt_jwks_url": key_set.url})
    )
    assert "signature" in await refusal(forged, settings(qms_jwt_jwks_url=key_set.url))


async def test_a_key_serves_only_the_algorithm_of_its_kind(
    key_set: KeySet, rsa_key: rsa.RSAPrivateKey, elliptic: ec.EllipticCurvePrivateKey
) -> None:
    key_set.add("rsa", rsa_key)
    key_set.add("elliptic", elliptic)
    configured = settings(qms_jwt_jwks_url=key_set.url)
    crossed = jwt.encode(claims(), elliptic, "ES256", headers={"kid": "rsa"})
    assert "another kind" in await refusal(crossed, configured)
    other = jwt.encode(claims(), rsa.generate_private_key(65537, 2048), "RS256", headers={"kid": "rsa"})
    assert "signature" in await refusal(other, configured)


async def test_a_token_that_names_no_key_is_refused(key_set: KeySet, elliptic: ec.EllipticCurvePrivateKey) -> None:
    key_set.add("one", elliptic)
    token = jwt.encode(claims(), elliptic, "ES256")
    assert "which key" in await refusal(token, settings(qms_jwt_jwks_url=key_set.url))


async def test_keys_that_cannot_be_fetched_are_an_outage_and_not_a_bad_token(
    key_set: KeySet, elliptic: ec.EllipticCurvePrivateKey
) -> None:
    token = jwt.encode(claims(), elliptic, "ES256", headers={"kid": "one"})
    key_set.status = 503
    for url in (key_set.url, "http://127.0.0.1:9/jwks.json"):
        with pytest.raises(UnavailableError, match="can't be fetched"):
            await verify_token(token, settings(qms_jwt_jwks_url=url))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhbGciOiJIUzI1NiJ9..", "x" * 20_000])
async def test_what_is_no_token_is_refused(token: str) -> None:
    await refusal(token)


async def test_without_configuration_the_error_says_what_to_set(elliptic: ec.EllipticCurvePrivateKey) -> None:
    assert "QMS_JWT_SECRET" in await refusal(symmetric(), Settings.model_validate({}))
    token = jwt.encode(claims(), elliptic, "ES256", headers={"kid": "one"})
    assert "SUPABASE_URL" in await refusal(token, Settings.model_validate({}))


async def test_a_secret_too_short_to_be_safe_is_refused() -> None:
    short = Settings.model_validate({"qms_jwt_secret": SecretStr("secret")})
    assert "too short" in await refusal(symmetric(), short)


async def test_thekey_set_at_of_a_project_follows_from_its_address() -> None:
    url = tokens.jwks_url(Settings.model_validate({"supabase_url": "https://ours.example/"}))
    assert url == "https://ours.example/auth/v1/.well-known/jwks.json"
    assert UUID(str(PERSON)) == PERSON
