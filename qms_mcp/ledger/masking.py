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
_MAX_DEPTH = 12

_SECRET_KEY = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|api[-_]?key|private[-_]?key|authorization|credential|cookie|jwt|session[-_]?id)"
    r"$|^(pwd|auth|bearer|dsn)$",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"""
      eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}     # a JSON web token
    | \bsk-(?:ant|lf|proj)?-?[A-Za-z0-9_-]{16,}                       # keys of model providers and Langfuse
    | \bpk-lf-[A-Za-z0-9-]{8,}
    | \bsb(?:p|_secret|_publishable)_[A-Za-z0-9_]{16,}                # Supabase keys
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bAKIA[0-9A-Z]{16}\b
    | \bxox[abprs]-[A-Za-z0-9-]{10,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?-----END\ [A-Z ]*PRIVATE\ KEY-----
    | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)                                 # user:password in a URL
    | (?i:\bpassword\s*[=:]\s*)'[^']+' | (?i:\bpassword\s*=\s*)[^\s'";]+
    | (?i:\bbearer\s+)[A-Za-z0-9._~+/-]{16,}=*
    """,
    re.VERBOSE | re.DOTALL,
)


def keepable(value: Any) -> Any:
    """Return `value` as it may be kept: JSON, without secrets, and not large."""
    masked = _masked(value, _MAX_DEPTH)
    text = json.dumps(masked, ensure_ascii=False, default=str)
    if len(text) <= _LIMIT_BYTES // 4 or len(text.encode()) <= _LIMIT_BYTES:
        return masked
    return {
        "cut": True,
        "bytes": len(text.encode()),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "head": text[:_HEAD_CHARACTERS],
    }


def mask_text(text: str) -> str:
    """Return `text` with everything that looks like a secret masked, and without NUL characters."""
    return _SECRET_TEXT.sub(MASK, text).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _masked(value: Any, depth: int) -> Any:
    if depth == 0:
        return "[nested deeper than is kept]"
    if isinstance(value, str):
        return mask_text(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # JSON has no infinity and no NaN
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {
            mask_text(str(key)): MASK if _is_secret(str(key), item) else _masked(item, depth - 1) for key, item in pairs
        }
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [_masked(item, depth - 1) for item in cast("Sequence[Any]", value)]
    return mask_text(str(value))


def _is_secret(key: str, value: Any) -> bool:
    return value is not None and not isinstance(value, (bool, int, float)) and _SECRET_KEY.search(key) is not None
