"""The methods there are, by name: every `Method` and `RecordMethod` of the modules in `methods/` and of the metrics.

There is no list to edit: a module that holds one in a constant is found.
"""

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from typing import cast

from qms_mcp.errors import NotFoundError
from qms_mcp.services.analysis.method import AnyMethod, Method, RecordMethod

_ELSEWHERE = ("qms_mcp.services.metrics.method", "qms_mcp.services.reports.facts")


@functools.cache
def methods() -> Mapping[str, AnyMethod]:
    """Return every method by its name.

    Raises:
        RuntimeError: Two have one name.
    """
    package = importlib.import_module("qms_mcp.services.analysis.methods")
    names = [module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
    found: dict[str, AnyMethod] = {}
    for name in (*names, *_ELSEWHERE):
        for value in vars(importlib.import_module(name)).values():
            if not isinstance(value, Method | RecordMethod):
                continue
            method = cast("AnyMethod", value)
            if found.setdefault(method.name, method) is not method:
                raise RuntimeError(f"two methods are called {method.name}")
    return found


def method_named(name: str) -> AnyMethod:
    """Return a method.

    Raises:
        NotFoundError: This version of the program has none of this name.
    """
    if name not in methods():
        raise NotFoundError(f"This version of qms-mcp has no method {name!r}.", hint=f"It has: {', '.join(methods())}.")
    return methods()[name]
