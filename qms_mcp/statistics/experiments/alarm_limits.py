"""From which sum on a watch over good and bad runs gives the alarm, for a wanted number of runs between false alarms.

The watch is the Bernoulli cumulative sum S = max(0, S + w), with w = ln(p1/p0) after a bad run and ln((1-p1)/(1-p0))
after a good one (M. R. Reynolds, Z. G. Stoumbos, A CUSUM chart for monitoring a proportion when inspecting
continuously, Journal of Quality Technology 31 (1999), 87-108). Its run length is that of a Markov chain (D. Brook,
D. A. Evans, An approach to the probability distribution of CUSUM run length, Biometrika 59 (1972), 539-549), here on a
grid of which a good run is a whole number of steps. A bad run is rounded up to one, so that the real watch alarms no
more often.
"""

from math import ceil, isfinite, log

from qms_mcp.errors import InvalidInputError

_STEPS = 8  # of a good run
_MOST_STATES = 1_500


def alarm_limit(usual: float, unacceptable: float, average_run_length: float) -> float:
    """Return the limit, in units of log-likelihood.

    Args:
        usual: p0, the share of bad runs at which there may be a false alarm once in so many runs.
        unacceptable: p1, the share it is best at finding.
        average_run_length: Runs until an alarm, on average, when the share is the usual one.

    Raises:
        InvalidInputError: The shares are none, or not in order, or the run length is not above 1.
    """
    if not (0 < usual < unacceptable < 1 and isfinite(average_run_length) and average_run_length > 1):
        raise InvalidInputError("0 < usual < unacceptable < 1 and an average run length above 1 are needed.")
    step = log((1 - usual) / (1 - unacceptable)) / _STEPS
    # exp(h) is a lower bound of the run length (Lorden 1971), so that the limit is never above this.
    highest = ceil(log(average_run_length) / step)
    if highest > _MOST_STATES:
        return log(average_run_length)
    low, high = 1, highest
    while low < high:
        middle = (low + high) // 2
        if run_length(usual, unacceptable, usual, middle) >= average_run_length:
            high = middle
        else:
            low = middle + 1
    return min(low * step, log(average_run_length))


def run_length(usual: float, unacceptable: float, real: float, states: int) -> float:
    """Return the average run length from 0 on the grid.

    Args:
        usual: p0 of the watch.
        unacceptable: p1 of the watch.
        real: The share there really is.
        states: The limit, in steps of the grid.
    """
    import numpy as np  # noqa: PLC0415 - heavy

    step = log((1 - usual) / (1 - unacceptable)) / _STEPS
    up = ceil(log(unacceptable / usual) / step - 1e-9)
    chain = np.eye(states)
    places = np.arange(states)
    chain[places, np.maximum(0, places - _STEPS)] -= 1 - real
    staying = places[: max(0, states - up)]
    chain[staying, staying + up] -= real
    return float(np.linalg.solve(chain, np.ones(states))[0])
