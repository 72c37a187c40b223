"""What `feedback explain` was asked, and the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from governance.errors import UsageError
from orchestration.explaining.metrics import explain_metric
from orchestration.explaining.parts import Scope
from orchestration.explaining.problems import explain_problem
from orchestration.explaining.telling import tell
from orchestration.moments import period_of


def explain_to(
    console: Console, file: Path, what: str, name: str, by: Sequence[str], at: str, output: str = "table"
) -> None:
    """Explain a metric, or a pain point where `what` is `problem`.

    Raises:
        UsageError: there is no such metric, dimension or pain point, or something was given that it does not take.
        PolicyError: `at` is no day, week or month.
    """
    if what == "problem":
        if by or at:
            raise UsageError("explain problem: --by and --at are of metrics; a pain point has its own days")
        tell(console, explain_problem(file, name), output)
        return
    if name:
        raise UsageError(f"explain {what} {name}: expected one metric, or `problem` and an id")
    since, until = period_of(at, "--at") if at else (None, None)
    tell(console, explain_metric(file, what, Scope(since, until, _values(by))), output)


def _values(by: Sequence[str]) -> Mapping[str, str]:
    told = dict[str, str]()
    for text in by:
        name, equals, value = text.partition("=")
        if not equals or name in told:
            problem = "given twice" if equals else "expected DIMENSION=VALUE, such as service=checkout"
            raise UsageError(f"--by {text}: {problem}")
        told[name] = value
    return told
