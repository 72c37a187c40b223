"""Which rows are kept once all of them have been counted, and how many each kept one stands for.

Whole traces are kept or dropped, with their log records. Every kept row carries `weight` = 1 / the probability it had,
and `kept_because`. Probabilities never depend on the draw, so sums of weights are unbiased estimates of counts.
"""

from governance.sampling.budget import LogOffer, log_offer, log_volumes, rates_after, span_volumes, total_volumes
from governance.sampling.draws import draws, first_of, shares_of_the_first
from governance.sampling.keeping import Sample, count_untraced, sample_logs, sample_spans, template_rates
from governance.sampling.policy import (
    AlwaysKeep,
    Attribute,
    RollupLimits,
    SamplingPolicy,
    load_sampling_policy,
)
from governance.sampling.schemas import (
    NEWS_SCHEMA,
    OUTCOMES_SCHEMA,
    RATES_SCHEMA,
    RECORD_TEMPLATES_SCHEMA,
    SAMPLED_LOGS_SCHEMA,
    SAMPLED_SPANS_SCHEMA,
    TEMPLATE_RATES_SCHEMA,
    TRAITS_SCHEMA,
    VERDICTS_SCHEMA,
    VOLUMES_SCHEMA,
    require,
)
from governance.sampling.verdicts import Rates, TraceDay, verdicts

__all__ = [
    "NEWS_SCHEMA",
    "OUTCOMES_SCHEMA",
    "RATES_SCHEMA",
    "RECORD_TEMPLATES_SCHEMA",
    "SAMPLED_LOGS_SCHEMA",
    "SAMPLED_SPANS_SCHEMA",
    "TEMPLATE_RATES_SCHEMA",
    "TRAITS_SCHEMA",
    "VERDICTS_SCHEMA",
    "VOLUMES_SCHEMA",
    "AlwaysKeep",
    "Attribute",
    "LogOffer",
    "Rates",
    "RollupLimits",
    "Sample",
    "SamplingPolicy",
    "TraceDay",
    "count_untraced",
    "draws",
    "first_of",
    "load_sampling_policy",
    "log_offer",
    "log_volumes",
    "rates_after",
    "require",
    "sample_logs",
    "sample_spans",
    "shares_of_the_first",
    "span_volumes",
    "template_rates",
    "total_volumes",
    "verdicts",
]
