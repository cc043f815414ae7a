"""Quantiles and probabilities of the distributions that intervals and tests are made of: scipy's, with types.

`scipy.special` is used rather than `scipy.stats`: the same numbers, and it loads in a tenth of the time.
"""

from typing import Any, cast


def _special() -> Any:
    import scipy.special  # noqa: PLC0415

    return cast("Any", scipy.special)


def normal_quantile(probability: float) -> float:
    """Return z with P(Z <= z) = probability, of the standard normal distribution; infinite at 0 and 1."""
    return float(_special().ndtri(probability))


def normal_probability(z: float) -> float:
    """Return P(Z <= z) of the standard normal distribution; accurate far out on the left."""
    return float(_special().ndtr(z))


def t_quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t with `df` degrees of freedom."""
    return float(_special().stdtrit(df, probability))


def t_probability(t: float, df: float) -> float:
    """Return P(T <= t) of Student's t with `df` degrees of freedom."""
    return float(_special().stdtr(df, t))


def chi2_quantile(probability: float, df: float) -> float:
    """Return the quantile of the chi-square distribution with `df` degrees of freedom, which need not be whole."""
    return 2.0 * gamma_quantile(probability, df / 2.0)


def chi2_tail(x: float, df: float) -> float:
    """Return P(X > x) of the chi-square distribution with `df` degrees of freedom."""
    return float(_special().gammaincc(df / 2.0, x / 2.0))


def f_tail(f: float, df1: float, df2: float) -> float:
    """Return P(F > f) of Fisher's F with `df1` and `df2` degrees of freedom."""
    return float(_special().fdtrc(df1, df2, f))


def f_quantile(probability: float, df1: float, df2: float) -> float:
    """Return the quantile of Fisher's F with `df1` and `df2` degrees of freedom."""
    return float(_special().fdtri(df1, df2, probability))


def gamma_quantile(probability: float, shape: float) -> float:
    """Return the quantile of the gamma distribution with scale 1."""
    return float(_special().gammaincinv(shape, probability))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return the quantile of the beta distribution."""
    return float(_special().betaincinv(a, b, probability))


def binomial_probability(k: float, n: float, p: float) -> float:
    """Return P(X <= k) of a binomial count; k = -1 gives 0."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else float(_special().betainc(n - k, k + 1, 1.0 - p))
