"""Components of variance when cells are of unequal size: Henderson's method III, fitting constants.

Reductions in the sum of squares R(. | .) of the fixed models are set equal to their expectations under the random
model; the coefficient of a component in E[R] is the trace of Z'(P1 - P0)Z, P being the projections. Where sizes are
equal it gives the usual ANOVA. Source: Henderson, Biometrics 9 (1953); Searle, Casella and McCulloch, Variance
Components (1992), 5.5. It is unbiased; F tests of part and operator don't exist, that of the interaction is exact.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.measurement.components import Name
from qms_mcp.statistics.measurement.squares import Source, source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qms_mcp.statistics.measurement.study import Study

_LARGEST = 4_000_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """Estimates, possibly negative, with the table they rest on."""

    repeatability: float
    raw: dict[Name, float]
    table: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class _Space:
    """An orthonormal basis of what a fixed model can fit."""

    basis: "NDArray[np.float64]"

    @property
    def rank(self) -> int:
        return int(self.basis.shape[1])

    def fitted(self, columns: "NDArray[np.float64]") -> float:
        """Return the sum of squares of the projections of columns."""
        return float(((self.basis.T @ columns) ** 2).sum())


def unequal_components(study: "Study", alpha_pool: float) -> Fitted:
    """Return components of a study with cells of unequal size.

    Raises:
        InvalidInputError: Nothing was repeated, or parts and operators are not connected (as when each operator
        measured
            parts of its own), or the study is too large for this.
    """
    import numpy as np  # noqa: PLC0415

    flat = [
        (at_part, at_operator, value)
        for at_part, row in enumerate(study.cells)
        for at_operator, cell in enumerate(row)
        for value in cell
    ]
    index = np.array([(at_part, at_operator) for at_part, at_operator, _ in flat])
    y = np.array([value for *_, value in flat])
    y = y - y[0]
    y = (y - y.mean())[:, None]
    part, operator = _indicators(index[:, 0]), _indicators(index[:, 1])
    cells = _indicators(index[:, 0] * len(study.operators) + index[:, 1])
    if cells.size > _LARGEST:
        raise InvalidInputError(
            f"The study is unbalanced and too large for that ({cells.shape[0]} readings in {cells.shape[1]} cells).",
            hint="Leave out the parts that were not measured equally often.",
        )
    both = _space(np.hstack([part, operator]))
    if both.rank < part.shape[1] + operator.shape[1] - 1:
        raise InvalidInputError(
            "Parts and operators are not connected: some operators share no part, directly or through others.",
            hint="If every operator measured parts of its own, the study is nested: use method nested.",
        )
    spaces = _Spaces(_space(part), _space(operator), both, _space(cells))
    return _solved(spaces, y, part, operator, cells, alpha_pool)


@dataclass(frozen=True, slots=True)
class _Spaces:
    part: _Space
    operator: _Space
    both: _Space
    cells: _Space


def _solved(
    spaces: _Spaces,
    y: "NDArray[np.float64]",
    part: "NDArray[np.float64]",
    operator: "NDArray[np.float64]",
    cells: "NDArray[np.float64]",
    alpha_pool: float,
) -> Fitted:
    total = float((y**2).sum())
    error = source("repeatability", y.shape[0] - spaces.cells.rank, max(0.0, total - spaces.cells.fitted(y)))
    inter = _difference("operator_by_part", spaces.cells, spaces.both, y, error)
    of_part = _difference("part", spaces.both, spaces.operator, y)
    of_operator = _difference("operator", spaces.both, spaces.part, y)
    table = tuple(row for row in (of_part, of_operator, inter, error) if row.df)
    if not error.df and not inter.df:
        raise InvalidInputError("No part was measured again: nothing was repeated.", hint="Measure parts twice.")
    pool = not inter.df or not error.df or alpha_pool == 0.0 or (inter.p is not None and inter.p > alpha_pool)
    if pool:
        error, interaction = source("repeatability", error.df + inter.df, error.ss + inter.ss), 0.0
    else:
        interaction = (inter.ss - inter.df * error.ms) / _trace(spaces.cells, spaces.both, cells)
    raw: dict[Name, float] = {
        "part": _component(of_part, spaces.both, spaces.operator, part, cells, interaction, error.ms)
    }
    if of_operator.df:
        raw["operator"] = _component(of_operator, spaces.both, spaces.part, operator, cells, interaction, error.ms)
    if not pool:
        raw["operator_by_part"] = interaction
    return Fitted(error.ms, raw, table)


def _component(
    row: Source,
    larger: _Space,
    smaller: _Space,
    own: "NDArray[np.float64]",
    cells: "NDArray[np.float64]",
    interaction: float,
    error: float,
) -> float:
    rest = row.ss - row.df * error - interaction * _trace(larger, smaller, cells)
    return rest / _trace(larger, smaller, own)


def _difference(
    name: str, larger: _Space, smaller: _Space, y: "NDArray[np.float64]", against: Source | None = None
) -> Source:
    return source(name, larger.rank - smaller.rank, max(0.0, larger.fitted(y) - smaller.fitted(y)), against)


def _trace(larger: _Space, smaller: _Space, columns: "NDArray[np.float64]") -> float:
    return larger.fitted(columns) - smaller.fitted(columns)


def _indicators(index: "NDArray[np.int64]") -> "NDArray[np.float64]":
    import numpy as np  # noqa: PLC0415

    return (index[:, None] == np.unique(index)[None, :]).astype(np.float64)


def _space(columns: "NDArray[np.float64]") -> _Space:
    import numpy as np  # noqa: PLC0415

    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return _Space(left[:, sizes > 1e-10 * sizes[0]])
