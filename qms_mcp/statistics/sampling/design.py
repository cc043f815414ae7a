"""Plans for what is wanted: both risks held, or nothing nonconforming found.

    designed(0.01, 0.05, 0.06, 0.10)      # smallest n with P(accept at 1 %) >= 95 % and P(accept at 6 %) <= 10 %
    zero_acceptance(0.01, 0.95)           # 299: none nonconforming of 299 shows with 95 % that it is below 1 %

Sources: Montgomery, Introduction to Statistical Quality Control, 15.2.3 (by nomograph there, exactly here); Guenther,
Journal of Quality Technology 1 (1969), for the search; ISO 2859-1 clause 12.6 for the risks.
"""

import math

from qms_mcp.errors import InvalidInputError
from qms_mcp.statistics.quantiles import gamma_quantile
from qms_mcp.statistics.sampling.curve import Curve, Model

_MOST_AC = 1_000


def designed(
    aql: float, alpha: float, rql: float, beta: float, *, model: Model = "binomial", lot_size: int | None = None
) -> Curve:
    """Return the single plan with the smallest sample that holds both risks.

    Args:
        aql: Quality to be accepted, as a fraction, with a chance of at least 1 - alpha.
        alpha: Producer's risk at `aql`.
        rql: Quality to be accepted with a chance of at most beta.
        beta: Consumer's risk at `rql`.
        model: How counts are distributed.
        lot_size: For the hypergeometric model.

    Raises:
        InvalidInputError: The qualities or risks are not in order, or no plan below the lot size holds both risks.
    """
    _risks(aql, alpha, rql, beta, model)
    for ac in range(_MOST_AC + 1):
        n = _smallest_n(ac, rql, beta, model, lot_size)
        if n is None:
            break
        curve = Curve(n, ac, model, lot_size)
        if curve.acceptance(aql) >= 1.0 - alpha:
            return curve
    where = f" within a lot of {lot_size}" if lot_size is not None else ""
    raise InvalidInputError(
        f"No single plan{where} tells {aql:g} from {rql:g} with risks {alpha:g} and {beta:g}.",
        hint="Set the two qualities further apart, or allow larger risks.",
    )


def zero_acceptance(rql: float, confidence: float = 0.95, *, lot_size: int | None = None) -> Curve:
    """Return the smallest plan with Ac = 0 that accepts quality `rql` with a chance of at most 1 - confidence.

    Binomial: n = ln(1 - confidence) / ln(1 - rql), rounded up. For a finite lot hypergeometric, so smaller.

    Raises:
        InvalidInputError: `rql` or `confidence` is not between 0 and 1, or even the whole lot can't show it.
    """
    for value, name in ((rql, "The quality to be excluded"), (confidence, "The confidence")):
        if not 0.0 < value < 1.0:
            raise InvalidInputError(f"{name} lies between 0 and 1; given: {value:g}.", hint="1 % is 0.01.")
    model: Model = "binomial" if lot_size is None else "hypergeometric"
    n = _smallest_n(0, rql, 1.0 - confidence, model, lot_size)
    if n is None:
        raise InvalidInputError(
            f"No sample of a lot of {lot_size} shows with {confidence:.0%} that less than {rql:g} is nonconforming.",
            hint="Inspect the whole lot, or exclude a worse quality.",
        )
    return Curve(n, 0, model, lot_size)


def _smallest_n(ac: int, rql: float, beta: float, model: Model, lot_size: int | None) -> int | None:
    """Return the smallest n with which `rql` is accepted with a chance of at most beta; None if the lot has too few."""
    limit = lot_size if lot_size is not None else 10_000_000
    # The Poisson answer is an upper bound for the others, but for rounding.
    high = min(limit, math.ceil(gamma_quantile(1.0 - beta, ac + 1) / rql) + ac + 2)
    low = 1 if model == "poisson" else ac + 1
    if low > high or Curve(high, ac, model, lot_size).acceptance(rql) > beta:
        return None
    while low < high:
        middle = (low + high) // 2
        if Curve(middle, ac, model, lot_size).acceptance(rql) <= beta:
            high = middle
        else:
            low = middle + 1
    return low


def _risks(aql: float, alpha: float, rql: float, beta: float, model: Model) -> None:
    top = math.inf if model == "poisson" else 1.0
    if not 0.0 < aql < rql < top:
        raise InvalidInputError(
            f"The quality to accept ({aql:g}) has to be better than the one to reject ({rql:g}), both above 0.",
            hint="As fractions: 1 % is 0.01.",
        )
    if not (0.0 < alpha < 1.0 and 0.0 < beta < 1.0 and alpha + beta < 1.0):
        raise InvalidInputError(
            f"Risks of {alpha:g} and {beta:g} leave no plan.",
            hint="Usual: 0.05 for the producer, 0.10 for the consumer.",
        )
