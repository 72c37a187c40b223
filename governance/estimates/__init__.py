"""What sampled rows say of all rows: totals, rates, means and quantiles, each with an interval or with none.

Traces are kept or dropped whole, each by a draw of its own with probability 1 / weight (Poisson sampling of clusters):
a trace counts once, however many rows it has (Horvitz and Thompson 1952; Sarndal, Swensson and Wretman 1992, ch. 3, 5).
`dbt_project/macros/estimates.sql` says the same in SQL; governance/decisions/0014-estimates-that-cover.md says why so.
"""

from governance.estimates.policy import EstimatesPolicy, load_estimates_policy
from governance.estimates.quantiles import quantiles
from governance.estimates.ratios import means, rates
from governance.estimates.totals import totals

__all__ = ["EstimatesPolicy", "load_estimates_policy", "means", "quantiles", "rates", "totals"]
