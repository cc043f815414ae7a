"""Finding a framework and a clause the way people name them: `iso-13485`, `ISO 13485:2016`, `8.5.2`, `§ 820.35(a)`."""

import re
from collections.abc import Sequence

from qms_mcp.db.queries import query
from qms_mcp.db.transaction import Transaction
from qms_mcp.errors import NotFoundError
from qms_mcp.services.compliance.models import Clause, Framework

FRAMEWORKS = query("compliance.frameworks")
_CLAUSE = query("compliance.clause")
_DECORATION = re.compile(r"^(?:clause|section|§+|no\.?)\s*", re.IGNORECASE)


async def find_framework(transaction: Transaction, wanted: str) -> Framework:
    """Return the framework with this key or name; the one in force when no version is named.

    Raises:
        NotFoundError: There is none.
    """
    return choose(await transaction.fetch_all(FRAMEWORKS, row=Framework), wanted)


def choose(frameworks: Sequence[Framework], wanted: str) -> Framework:
    """Return the framework somebody means; those in force stand first.

    Raises:
        NotFoundError: None fits.
    """
    named = [one for one in frameworks if _plain(wanted) in {_plain(name) for name in _names(one)}]
    meant = [one for one in frameworks if _words(wanted) and _words(wanted) <= _words(" ".join(_names(one)))]
    in_force = [one for one in meant if one.in_force_until is None]
    if named:
        return named[0]
    for fitting in (in_force, meant):
        if len(fitting) == 1:
            return fitting[0]
    names = ", ".join(f"{framework.key} ({framework.name})" for framework in frameworks)
    raise NotFoundError(f"There is no framework {wanted[:60]!r}.", hint=f"There is: {names}.")


async def find_clause(transaction: Transaction, framework: Framework, wanted: str) -> Clause:
    """Return the clause with this number.

    Raises:
        NotFoundError: The framework has none.
    """
    number = _DECORATION.sub("", wanted.strip()).split(" ")[0].rstrip(".")
    found = await transaction.fetch_one(_CLAUSE, {"framework_id": framework.id, "number": number}, row=Clause)
    if found is None:
        raise NotFoundError(
            f"{framework.name} has no clause {wanted!r}.", hint=f"qms://framework/{framework.key} lists its clauses."
        )
    return found


def _names(framework: Framework) -> tuple[str, str, str]:
    return framework.name, framework.key, f"{framework.key} {framework.version}"


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.casefold()))


def _plain(text: str) -> str:
    return "".join(re.findall(r"[a-z0-9]+", text.casefold()))
