"""Errors a user can act on: where it happened, what was found, what is allowed, what to do next.

No message ever holds row content: a value of a policy file may be named, a value of a record may not.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FeedbackError(Exception):
    """Base of every error the product raises on purpose; the CLI prints it as one line, without a traceback."""

    exit_code = 1


class PolicyError(FeedbackError):
    """A policy, source or argument says something that is not allowed."""

    exit_code = 2


class UsageError(FeedbackError):
    """The command was called with something that does not exist."""

    exit_code = 2


class GateBlocked(FeedbackError):
    """The quality gate let nothing in where something was expected."""

    exit_code = 3


class Interrupted(FeedbackError):
    """A signal ended the work: nothing of it may go on, so this process has to end without waiting for anything."""

    exit_code = 130


class KeyDestroyedError(FeedbackError):
    """What is asked for was made with a pseudonym key that is gone for ever."""


class TransientError(FeedbackError):
    """Something outside failed in a way that trying again can cure; the only error that is retried."""


def one_of(value: str, allowed: Iterable[str]) -> str:
    """The allowed values as a phrase for an error message, the nearest name first."""
    names = sorted(allowed)
    near = get_close_matches(value, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}allowed: {', '.join(names) or 'none'}"
