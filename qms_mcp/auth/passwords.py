"""Passwords with which a person approves on a terminal: argon2id, never logged, never sent anywhere."""

import unicodedata

from qms_mcp.errors import InvalidInputError

MIN_LENGTH = 12
MAX_LENGTH = 256
MIN_DIFFERENT = 5


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


def _normal(password: str) -> str:
    """Return the same characters for the same keys, whichever way a terminal composes them (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
