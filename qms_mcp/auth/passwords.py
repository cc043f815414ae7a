"""Passwords with which a person approves: argon2id, never logged.

The database judges a password and no role of the server can read what it keeps. So the server asks for the parameters
and the salt, derives the encoding from what was typed, and hands that over to be compared.
"""

import base64
import unicodedata

from qms_mcp.errors import InvalidInputError

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_DIFFERENT = 5
_HASH_LENGTH = 32


def check_new(password: str) -> None:
    """Refuse a password that is too weak to stand for a person.

    Raises:
        InvalidInputError: It is too short, too long, or one character over and over.
    """
    if len(password) < MIN_LENGTH:
        raise InvalidInputError(
            f"The password needs at least {MIN_LENGTH} characters.", hint="A short sentence is good."
        )
    if len(password) > MAX_LENGTH:
        raise InvalidInputError(f"The password has more than {MAX_LENGTH} characters.")
    if len(set(password)) < MIN_DIFFERENT:
        raise InvalidInputError("The password repeats too few characters.", hint="A short sentence is good.")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - only people on a terminal need it

    return PasswordHasher().hash(_normal(password))


def matches(password_hash: str, password: str) -> bool:
    """Say whether this is the password."""
    from argon2 import PasswordHasher  # noqa: PLC0415
    from argon2.exceptions import VerificationError  # noqa: PLC0415

    try:
        return PasswordHasher().verify(password_hash, _normal(password))
    except VerificationError:
        return False


def derive(parameters: str, password: str) -> str:
    """Return the argon2id encoding of a typed password, made with the parameters and the salt of a stored one.

    Args:
        parameters: The stored encoding up to its last `$`, for example `$argon2id$v=19$m=65536,t=3,p=4$c2FsdA`.
        password: As it was typed.
    """
    from argon2.low_level import Type, hash_secret  # noqa: PLC0415

    _, _, version, costs, salt = parameters.split("$")
    cost = {name: int(number) for name, number in (part.split("=") for part in costs.split(","))}
    return hash_secret(
        _normal(password).encode(),
        base64.b64decode(salt + "=" * (-len(salt) % 4)),
        time_cost=cost["t"],
        memory_cost=cost["m"],
        parallelism=cost["p"],
        hash_len=_HASH_LENGTH,
        type=Type.ID,
        version=int(version.removeprefix("v=")),
    ).decode()


def _normal(password: str) -> str:
    """Return the same characters for the same keys, whichever way a terminal composes them (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
