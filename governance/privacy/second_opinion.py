"""A second detector, independent of the first, looks at a sample of what passed: how much is still in there?

It shares no pattern with ours: it is what others wrote and maintain, stock recognizers of Presidio for personal data
and plugins of detect-secrets for secrets. Chosen is what was precise on anonymised text: 9,445 log lines (Loghub),
1,318 annotated texts (presidio-research), 7,748 texts of tickets (Endava), and the simulated company. Left out, with
their false alarms there: phone numbers (any number of seven digits), UK NHS numbers (212), medical and tax numbers (12
of hexadecimal ids), bank accounts, driver licences and passports (any number), URLs and dates (no personal data by
themselves), and of detect-secrets the high-entropy strings (10: words in quotes), the Telegram token (1) and the
public addresses, which Presidio finds too. Those kept are narrowed: a card has 14 digits or more (9 step counters of 13
digits); an address is not 0.0.0.0 or of the machine itself (15), and no version (Chrome/124.0.0.0); a finding scores
0.4 or more (16 social security numbers in any nine digits); what follows `password:` has a letter and a digit (`reset`
and `null` are no secrets). So names, phones and logins have no second opinion; planted canaries look after those.

The unit is the record, as the sample is drawn by record: a share of texts would have no honest interval, because the
texts of one record come together.
"""

from __future__ import annotations

import hashlib
import heapq
import ipaddress
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

import polars as pl

from governance.privacy.checks import OWN_TOKEN
from governance.privacy.findings import attribute_field
from governance.privacy.policy import LeakCheck
from governance.signals import RESOURCE, Signal, resource_entries

if TYPE_CHECKING:
    from detect_secrets.plugins.base import RegexBasedDetector
    from presidio_analyzer import PatternRecognizer

# In place of an entity, where a text was too much for a detector: somebody must look at it.
NOT_JUDGED = "NOT_JUDGED"

LEAKS_SCHEMA = pl.Schema({"record_id": pl.String, "field": pl.String, "entity": pl.String})

# What the first detector left in place of a value; what is left around it is looked at.
_OWN = re.compile(rf"<[A-Z_]+(?::[A-Z_]+)?>|{OWN_TOKEN.pattern}")
_BLANK = "‡"
# Names of systems by their form, which joins need: no text, and any digits in them are chance.
_JOIN_KEYS = frozenset(("record_id", "trace_id", "span_id", "parent_span_id"))

_RECOGNIZERS = (
    "CreditCardRecognizer",
    "EmailRecognizer",
    "IbanRecognizer",
    "IpRecognizer",
    "MacAddressRecognizer",
    "UkNinoRecognizer",
    "UsSsnRecognizer",
)
_PLUGINS = (
    "artifactory.ArtifactoryDetector",
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "cloudant.CloudantDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "ibm_cloud_iam.IbmCloudIamDetector",
    "ibm_cos_hmac.IbmCosHmacDetector",
    "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "private_key.PrivateKeyDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "softlayer.SoftlayerDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "twilio.TwilioKeyDetector",
)
# Letters and digits, not cut by what the first detector left.
_SECRET_WORD = re.compile(rf"(?=\S*[A-Za-z])(?=\S*[0-9])[^\s{_BLANK}]{{6,}}(?=\s|$)")
# `Chrome/` or `version ` before four numbers; a whole field can be a version as well.
_BEFORE_A_VERSION = re.compile(r"(?:[A-Za-z]/|\bv|version[\s:=\"']{0,3})$", re.IGNORECASE)
_LEAST_SCORE, _LEAST_CARD_DIGITS = 0.4, 14
# Stock patterns backtrack, and Presidio passes over one that takes too long: in windows none does. The longest value
# of theirs fits into what two windows share.
_WINDOW, _OVERLAP = 2_000, 300


@dataclass(frozen=True)
class LeakRate:
    """The share of records with a leak, with the two-sided Clopper-Pearson interval: exact for small counts."""

    leaking: int
    sampled: int
    confidence: float

    @property
    def rate(self) -> float:
        """Of the sample; 0 where there is none."""
        return self.leaking / self.sampled if self.sampled else 0.0

    @property
    def low(self) -> float:
        """The least rate that the sample allows to believe."""
        from scipy.special import betaincinv

        if not self.leaking:
            return 0.0
        return float(betaincinv(self.leaking, self.sampled - self.leaking + 1, (1 - self.confidence) / 2))

    @property
    def high(self) -> float:
        """The largest rate that the sample allows to believe; 1 where there is none."""
        from scipy.special import betaincinv

        if self.leaking == self.sampled:
            return 1.0
        return float(betaincinv(self.leaking + 1, self.sampled - self.leaking, (1 + self.confidence) / 2))


@dataclass(frozen=True)
class Opinion:
    """What the second detector says of one day: the rate, and where to look (LEAKS_SCHEMA), never what was found."""

    rate: LeakRate
    leaks: pl.DataFrame

    def __add__(self, other: Opinion) -> Opinion:
        """What it says of two parts of a day together."""
        rate = replace(
            self.rate,
            leaking=self.rate.leaking + other.rate.leaking,
            sampled=self.rate.sampled + other.rate.sampled,
        )
        return Opinion(rate, pl.concat([self.leaks, other.leaks]).sort(pl.all()))


def second_opinion(records: pl.DataFrame, signal: Signal, policy: LeakCheck, parts: int = 1) -> Opinion:
    """Look at a sample of anonymised records of one signal and day; the same records give the same sample.

    Args:
        parts: the records are those of one of so many parts of the day, about equal: the sample is that part of it.
    """
    chosen = _sample(records, math.ceil(policy.sample_size / parts))
    found = sorted(
        {
            (record_id or "", field, entity)
            for record_id, field, text in _texts(chosen, signal)
            for entity in _entities(text)
            if not (entity == "IP_ADDRESS" and field.endswith("version"))
        }
    )
    leaks = pl.DataFrame(found, LEAKS_SCHEMA, orient="row")
    return Opinion(LeakRate(leaks["record_id"].n_unique(), chosen.height, policy.confidence), leaks)


def _sample(records: pl.DataFrame, size: int) -> pl.DataFrame:
    """The records whose ids have the smallest hashes, in their order."""
    if records.height <= size:
        return records
    ids = records["record_id"].fill_null("").to_list()
    ranked = heapq.nsmallest(
        size, range(len(ids)), key=lambda row: (hashlib.blake2b(ids[row].encode(), digest_size=8).digest(), row)
    )
    return records[sorted(ranked)]


def _texts(records: pl.DataFrame, signal: Signal) -> Iterator[tuple[str | None, str, str]]:
    """(record id, field, text) of every text of the records."""
    ids = records["record_id"].to_list()
    for name, kind in signal.columns.items():
        if name == "attributes":
            for record_id, pairs in zip(ids, records[name].to_list(), strict=True):
                for pair in pairs or ():
                    if pair["value"]:
                        yield record_id, attribute_field(pair["key"]), pair["value"]
        elif name == RESOURCE:
            for record_id, resource in zip(ids, records[name].to_list(), strict=True):
                yield from ((record_id, attribute_field(key), text) for key, text in resource_entries(resource) if text)
        elif kind == pl.String and name not in _JOIN_KEYS:
            yield from ((one, name, text) for one, text in zip(ids, records[name].to_list(), strict=True) if text)
        elif kind == pl.List(pl.String):
            for record_id, texts in zip(ids, records[name].to_list(), strict=True):
                yield from ((record_id, name, text) for text in texts or () if text)


def _entities(text: str) -> Iterator[str]:
    """The entities that the second detector finds in a text, without what the first one left in it."""
    if "_" in text or "<" in text:
        text = _OWN.sub(_BLANK, text)
    for start in range(0, max(1, len(text) - _OVERLAP), _WINDOW - _OVERLAP):
        yield from _in_window(text[start : start + _WINDOW])


@lru_cache(maxsize=16_384)  # telemetry repeats itself; 33 MB at most
def _in_window(text: str) -> frozenset[str]:
    try:
        return frozenset((*_personal(text), *_secrets(text)))
    except Exception:  # code of others; its message could quote the text
        return frozenset((NOT_JUDGED,))


def _personal(text: str) -> Iterator[str]:
    for recognizer in _recognizers():
        for result in recognizer.analyze(text, recognizer.supported_entities, None):
            if result.score >= _LEAST_SCORE and _is_believed(result.entity_type, text, result.start, result.end):
                yield result.entity_type


def _is_believed(entity: str, text: str, start: int, end: int) -> bool:
    value = text[start:end]
    if _BLANK in value:
        return False
    if entity == "CREDIT_CARD":
        return sum(map(str.isdigit, value)) >= _LEAST_CARD_DIGITS
    if entity != "IP_ADDRESS":
        return True
    if _BEFORE_A_VERSION.search(text[max(0, start - 12) : start]):
        return False
    try:
        address = ipaddress.ip_interface(value.partition("%")[0]).ip
    except ValueError:
        return True
    return not (address.is_unspecified or address.is_loopback)


def _secrets(text: str) -> Iterator[str]:
    from detect_secrets.plugins.keyword import CONFIG_DENYLIST_REGEX_TO_GROUP, KeywordDetector

    for plugin in _plugins():
        if any(_BLANK not in value for value in plugin.analyze_string(text)):
            yield plugin.secret_type
    # What follows `password=`, with or without quotes: to the end of the line, of which the first word is the secret.
    values = KeywordDetector().analyze_string(text, denylist_regex_to_group=CONFIG_DENYLIST_REGEX_TO_GROUP)
    if any(_SECRET_WORD.match(value) for value in values):
        yield KeywordDetector.secret_type


@lru_cache(maxsize=1)
def _recognizers() -> tuple[PatternRecognizer, ...]:
    import tldextract
    from presidio_analyzer import predefined_recognizers

    # Presidio's e-mail recognizer asks for the list of public suffixes: the one in the package, not the network's.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    return tuple(getattr(predefined_recognizers, name)() for name in _RECOGNIZERS)


@lru_cache(maxsize=1)
def _plugins() -> tuple[RegexBasedDetector, ...]:
    """Their patterns alone: what would ask the issuer whether a secret is still valid is never called."""
    places = (name.rsplit(".", 1) for name in _PLUGINS)
    return tuple(getattr(import_module(f"detect_secrets.plugins.{module}"), name)() for module, name in places)
