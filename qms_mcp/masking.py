"""What may be kept of an argument or an answer.

Secrets are masked twice: by the name of their key, and by their shape wherever they stand in a text. A large value
is kept as its size, its SHA-256 and its beginning, so that it can be recognised without being stored.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

MASK = "[masked]"
_LIMIT_BYTES = 8_192
_HEAD_CHARACTERS = 2_000
_LONGEST_SEARCHED = 1_000_000  # a longer text is kept by its beginning only, and only that is searched
_MAX_DEPTH = 12

# Words that end the name of a secret: `apiKey`, `client_secret`, `DB_PASSWORD`, `aws_secret_access_key`.
_SECRET_KEY = re.compile(
    r"""
    ( pass(word|wd|phrase|code)?s? | pwd | secrets? | tokens? | jwt | cookies? | credentials? | authorization
    | (api|private|secret|access|service|role|anon|signing|encryption) [-_]? keys? | session[-_]?id | dsn
    | (password|secret|token|key) [-_]? hash ) $
    | ^ (auth|bearer) $
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A number under such a name is a secret too; under `max_tokens` it is a number.
_SECRET_NUMBER_KEY = re.compile(r"(pass(word|wd|phrase|code)?s?|pwd|secrets?|\bpin)$", re.IGNORECASE)
# What secrets look like, each with letters that must stand in a text (in lower case) before it is searched at all:
# most texts hold no such letters, and a call does not wait for a dozen expressions.
_SECRET_TEXTS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = tuple(
    (markers, re.compile(pattern))
    for markers, pattern in (
        # a JSON web token
        (("eyj",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}"),
        # keys of model providers, Langfuse, Supabase, GitHub, AWS, Slack
        (("sk-",), r"\bsk-(?:ant|lf|proj)?-?[A-Za-z0-9_-]{16,}"),
        (("pk-lf-",), r"\bpk-lf-[A-Za-z0-9-]{8,}"),
        (("sbp_", "sb_"), r"\bsb(?:p|_secret|_publishable)_[A-Za-z0-9_]{16,}"),
        (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
        (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
        (("akia",), r"\bAKIA[0-9A-Z]{16}\b"),
        (("xox",), r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
        (
            ("private key-----",),
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,40}-----)?",
        ),
        # user:password in a URL
        (("://",), r"(?<=://)[^\s/:@]*:[^\s/@]+(?=@)"),
        # PASSWORD 'x', password = x, "password": "x", Bearer x
        (
            ("passw", "pwd"),
            (
                r"""(?i:\b(?:password|passwd|pwd)(?:["']?\s{0,9}(?:=>|[=:])\s{0,9}|\s{1,9}(?:to\s{1,9})?))"""
                r"""(?:'(?:[^']|'')+'|"[^"]+")"""
                r"""|(?i:\b(?:password|passwd|pwd)\s{0,9}=\s{0,9})[^\s'";&,)]+"""
            ),
        ),
        (("bearer",), r"(?i:\bbearer\s{1,9})[A-Za-z0-9._~+/-]{16,}=*"),
    )
)


_ANY_MARKER = re.compile("|".join(re.escape(marker) for markers, _ in _SECRET_TEXTS for marker in markers))


def keepable(value: Any) -> Any:
    """Return `value` as it may be kept: JSON, without secrets, and not large. Never fails."""
    try:
        masked = _masked(value, _MAX_DEPTH)
        text = json.dumps(masked, ensure_ascii=False)
    except Exception as reason:  # noqa: BLE001 - a call is never lost to what it holds
        return {"unkept": f"{type(value).__name__}: {type(reason).__name__}"}
    if len(text) <= _LIMIT_BYTES // 4 or len(text.encode()) <= _LIMIT_BYTES:
        return masked
    return _recognisable(text)


def mask_text(text: str) -> str:
    """Return `text` with everything that looks like a secret masked, and only with characters a database keeps."""
    plain = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    if len(plain) > _LONGEST_SEARCHED:
        return json.dumps(_recognisable(plain), ensure_ascii=False)
    return _without_secrets(plain)


def _recognisable(text: str) -> dict[str, Any]:
    content = text.encode()
    head = _without_secrets(text[: 2 * _HEAD_CHARACTERS])[:_HEAD_CHARACTERS]
    return {"cut": True, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "head": head}


def _without_secrets(text: str) -> str:
    lowered = text.lower()
    if _ANY_MARKER.search(lowered) is None:
        return text
    for markers, pattern in _SECRET_TEXTS:
        if any(marker in lowered for marker in markers):
            text = pattern.sub(MASK, text)
    return text


def _masked(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and value - value == 0:  # JSON has no infinity and no NaN
        return value
    if depth == 0 and not isinstance(value, (str, float)):
        return "[nested deeper than is kept]"
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {
            mask_text(str(key)): MASK if _is_secret(str(key), item) else _masked(item, depth - 1) for key, item in pairs
        }
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [_masked(item, depth - 1) for item in cast("Sequence[Any]", value)]
    return mask_text(str(value))


def _is_secret(key: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return False
    return (_SECRET_NUMBER_KEY if isinstance(value, (int, float)) else _SECRET_KEY).search(key) is not None
