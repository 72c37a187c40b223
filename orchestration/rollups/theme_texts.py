"""What is read of a ticket or an answer: its plain words, without what anonymising left and what says nothing."""

from __future__ import annotations

import polars as pl

from governance.themes import ThemesPolicy

# One row per text: `document_id` is the ticket or answer within its source, `author` a pseudonym or stands for one.
TEXTS_SCHEMA = pl.Schema(
    {
        "signal": pl.String(),
        "source": pl.String(),
        "document_id": pl.String(),
        "author": pl.String(),
        "words": pl.String(),
    }
)
_READ_CHARACTERS = 8_000
# Placeholders (<CARD>, <SECRET:aws_key>), whole or cut off; then whatever holds a digit or a sign of ids, addresses and
# paths: pseudonyms (person_ab12_0123456789abcdef) too, whole or cut off.
_NOT_WORDS = (r"<[^<>\s]*>?", r"\S*[\d_@/\\=]\S*")
_WORD = r"\p{L}{3,30}"


def ticket_texts(tickets: pl.LazyFrame, events: pl.LazyFrame, policy: ThemesPolicy) -> pl.DataFrame:
    """The texts of the tickets of a day by their latest version of it (TEXTS_SCHEMA); one row per ticket.

    Args:
        tickets: checked tickets of the day, of all sources, with `source`.
        events: checked events of tickets of the day; comments of others than agents are read.
    """
    latest = (
        tickets.sort("event_at", "record_id")
        .group_by("source", "ticket_id", maintain_order=True)
        .agg(pl.col("subject", "description").last(), pl.coalesce("requester", "account_id").drop_nulls().last())
        .rename({"requester": "author"})
        .with_columns(words=_words(pl.concat_str("subject", "description", separator=" . ", ignore_nulls=True), policy))
    )
    is_customers = (pl.col("event_type") == "comment") & (pl.col("author_role").fill_null("") != "agent")
    comments = (
        events.filter(is_customers)
        .sort("event_at", "record_id")
        .group_by("source", "ticket_id", maintain_order=True)
        .agg(comments=pl.col("body").drop_nulls().str.join(" . "))
        .with_columns(comments=_words(pl.col("comments"), policy))
    )
    is_short = pl.col("words").str.split(" ").list.len() < policy.texts.comments_below_words
    more = pl.concat_str("words", "comments", separator=" ", ignore_nulls=True)
    return (
        latest.join(comments, on=["source", "ticket_id"], how="left")
        .with_columns(words=pl.when(is_short).then(more).otherwise("words").str.strip_chars())
        .select(
            "source",
            "words",
            signal=pl.lit("tickets"),
            document_id=pl.col("ticket_id"),
            author=pl.coalesce("author", "ticket_id"),
        )
        .select(TEXTS_SCHEMA.names())
        .sort("source", "document_id")
        .collect()
    )


def survey_texts(surveys: pl.LazyFrame, policy: ThemesPolicy) -> pl.DataFrame:
    """The words of the answers of a day (TEXTS_SCHEMA); one row per answer that has any."""
    return (
        surveys.filter(pl.col("body").is_not_null())
        .select(
            "source",
            signal=pl.lit("surveys"),
            document_id=pl.col("record_id"),
            author=pl.coalesce("respondent", "response_id", "record_id"),
            words=_words(pl.col("body"), policy),
        )
        .filter(pl.col("words") != "")
        .select(TEXTS_SCHEMA.names())
        .unique(["source", "document_id"], keep="first", maintain_order=True)
        .sort("source", "document_id")
        .collect()
    )


def _words(text: pl.Expr, policy: ThemesPolicy) -> pl.Expr:
    """The plain words of a text that say something, in order, lower-cased, with a space between; '' for none."""
    plain = text.fill_null("").str.head(_READ_CHARACTERS)
    for pattern in _NOT_WORDS:
        plain = plain.str.replace_all(pattern, " ")
    words = plain.str.to_lowercase().str.replace_all(r"['’]", "").str.extract_all(_WORD)
    said = words.list.eval(pl.element().filter(~pl.element().is_in(sorted(policy.ignored))))
    return said.list.head(policy.texts.max_words).list.join(" ")
