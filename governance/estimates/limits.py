"""Closed forms of the limits, as polars expressions: the same arithmetic as in `dbt_project/macros/estimates.sql`.

Each works on the columns that `governance.estimates.traces.summed` makes; "drawn" are the traces with a weight above 1.
"""

from __future__ import annotations

import polars as pl

# Two-sided 95 %: the normal quantile of 0.975.
Z = 1.959963984540054
# An interval is given from so many drawn traces on. That depends on the sample: one with many traces gets one more
# often. The lower limit of the number of traces allows for it (`_allowance`).
LEAST_TRACES = 30
# A share of which fewer drawn traces speak (for it, or against it) gets the limits of `share_limits`.
LEAST_OF_A_KIND = 10
# Of rows above (or below) a quantile the sample must be expected to have so many, or its limits would be guesses.
LEAST_BEYOND = 5
# Makes the limits conditional on at least LEAST_TRACES drawn traces: below the exact conditional limit from there to
# three times as many, and 0.5 % below the unconditional one from then on.
_ALLOWANCE_POWER = 7
# Numbers of traces are whole and coverage jumps with them: so much of one is added on either side.
WHOLE_TRACE = 0.15

TOO_FEW = "too_few_traces"


def effective_traces() -> pl.Expr:
    """How many traces of one weight would say as much as the drawn ones (Kish 1965)."""
    return pl.col("weights") ** 2 / pl.col("squared_weights")


def trace_limits() -> tuple[pl.Expr, pl.Expr]:
    """Limits of the number of traces that the drawn ones stand for, given that enough were drawn.

    Wilson and Hilferty's cube root for a Poisson count with half a count added (mid-p), the deviations narrowed by
    sqrt(1 - p) as for draws with probability p; the summand in p makes it right to second order (Cai 2005). With
    WHOLE_TRACE coverage is above 0.94 for every number of traces that was tried (tested).
    """
    kept = 1 - pl.col("variances") / pl.col("squared_weights")
    count = effective_traces() + 0.5 + kept * (Z**2 - 2) / 6
    step = Z * (1 - kept).sqrt() / (3 * count.sqrt())
    scale = pl.col("weights") / effective_traces()
    low = scale * (count * _at_least_zero(1 - 1 / (9 * count) - step) ** 3 - WHOLE_TRACE) * _allowance()
    high = scale * (count * (1 - 1 / (9 * count) + step) ** 3 + WHOLE_TRACE)
    return pl.max_horizontal(low, pl.col("drawn_traces").cast(pl.Float64)), high


def _allowance() -> pl.Expr:
    """What the lower limit is multiplied with because intervals are only given from LEAST_TRACES on.

    Whoever meets 30 traces where 10 were expected has an estimate three times too high; with the allowance the limits
    contain the truth in 95 % of the samples that have an interval at all, however rare those are.
    """
    share = LEAST_TRACES / (pl.col("drawn_traces") - 1)
    return pl.when(share < 1).then(1 - share**_ALLOWANCE_POWER).otherwise(0.0)


def student_t(freedom: pl.Expr) -> pl.Expr:
    """0.975 quantile of Student's t with so many degrees of freedom.

    Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5): at most 1e-4 off from 10 degrees on.
    """
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3


def margin() -> pl.Expr:
    """Half the width of the interval of a sum over traces, but for what the number of traces adds.

    Student's t times the standard error, and wider by the squared skewness of the sum. Without that, exponential and
    lognormal values (sigma 0.8) were covered in 92 % of samples of 20 traces; with it and `skew_shift` in 94 %, and in
    95 % of samples of 30 traces.
    """
    return student_t(effective_traces() - 1) * standard_error() * (1 + 1.5 * _skewness("cubes_with_error") ** 2)


def standard_error() -> pl.Expr:
    """Standard error of a sum over traces, but for what the number of traces adds."""
    count = effective_traces()
    return (pl.col("spread") * count / (count - 1)).sqrt()


def skew_shift() -> pl.Expr:
    """By how much both limits move because a sum and its estimated error go together where values are skewed.

    Second order Edgeworth (Hall 1992, 3.5) for draws with probability 1 / weight: the moments are those of
    `governance.estimates.traces.residual_moments`.
    """
    with_error, own = _skewness("cubes_with_error"), _skewness("cubes")
    return (with_error / 2 + (3 * with_error - own) * (Z**2 - 1) / 6) * pl.col("spread").sqrt()


def share_margin(quantile: float) -> pl.Expr:
    """Half the width of the interval of the sample's sum of what lies below a quantile.

    The variance of a share is known once the share is, but for how it is spread over the drawn traces: the further the
    quantile lies from the median, the more hangs on the few traces beyond. Degrees of freedom by Satterthwaite (1946),
    twice as many because the share of all traces is fixed and only that of the drawn ones varies: p95 is covered in
    95 % of samples (as often as Satterthwaite says: 96 %; with the normal quantile: 94 %).
    """
    beyond = pl.max_horizontal(pl.min_horizontal("traces_with", "traces_without"), pl.lit(4))
    lopsided = (1 - 2 * quantile) ** 2
    quotient = student_t(4 * beyond / lopsided) if lopsided > 0 else pl.lit(Z)
    return quotient * pl.col("spread").sqrt()


def whole_traces() -> pl.Expr:
    """Rows by which a sum of flags is uncertain because traces are whole, see WHOLE_TRACE."""
    return WHOLE_TRACE * pl.col("drawn_whole") / effective_traces()


def share_drift() -> pl.Expr:
    """By how much the limits of a sum whose error is known move where it is skewed (Cornish and Fisher 1938)."""
    return _skewness("cubes") * (Z**2 - 1) / 6 * pl.col("spread").sqrt()


def _skewness(moment: str) -> pl.Expr:
    """A third moment of the sum in units of its error, corrected for the size of the sample (Joanes and Gill 1998)."""
    count = effective_traces()
    skewness = pl.col(moment) / pl.col("spread") ** 1.5 * (count * (count - 1)).sqrt() / (count - 2)
    return pl.when(pl.col("spread") > 0).then(skewness).otherwise(0.0)


def share_limits(share: pl.Expr, count: pl.Expr, narrowing: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Wilson's score limits with continuity correction (Newcombe 1998) for a share among `count` independent traces.

    Conservative by intent: for shares that few drawn traces speak of, where no symmetric interval covers.
    """
    z, n, m = Z * narrowing, count, share
    width = 2 * (n + z**2)
    low_root = _at_least_zero(z**2 - 2 - 1 / n + 4 * m * (n * (1 - m) + 1)).sqrt()
    high_root = _at_least_zero(z**2 + 2 - 1 / n + 4 * m * (n * (1 - m) - 1)).sqrt()
    low = (2 * n * m + z**2 - 1 - z * low_root) / width
    high = (2 * n * m + z**2 + 1 + z * high_root) / width
    return (
        pl.when(m <= 0).then(0.0).otherwise(_at_least_zero(low)),
        pl.when(m >= 1).then(1.0).otherwise(pl.min_horizontal(high, pl.lit(1.0))),
    )


def _at_least_zero(number: pl.Expr) -> pl.Expr:
    return pl.max_horizontal(number, pl.lit(0.0))
