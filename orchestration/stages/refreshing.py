"""Days made again where what they are made from changed, and left where it did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from orchestration.lake import Lake
from orchestration.stages.dependencies import Standing, has_expired, is_withheld, standing
from orchestration.stages.tally import Tally

Inputs = Mapping[str, str]


def refresh(
    lake: Lake,
    states: tuple[str, ...],
    dataset: str,
    days: Iterable[str],
    inputs_of: Callable[[str], Inputs],
    make: Callable[[str, Inputs], Mapping[str, int]],
    policy: str,
) -> Tally:
    """Make each checked day again whose inputs or policy changed; remove what was made of a withheld day.

    Args:
        states: what `make` writes of `dataset`, each day.
        inputs_of: what a day is made from now: key -> digest of what exists.
        make: replaces the states of a day; gets these inputs.
        policy: digest of the policy it is made under.
    """
    tally = Tally()
    with lake.group_commit():
        for day in days:
            targets = [f"{state}/{dataset}/{day}" for state in states]
            if not lake.exists(f"checked/{dataset}/{day}"):
                if is_withheld(lake, targets[0]):
                    for target in targets:
                        lake.remove(target)
                elif lake.exists(targets[0]):
                    tally.frozen.append(day)
                continue
            inputs = inputs_of(day)
            found = {standing(lake.manifest(target), inputs, policy, partial(has_expired, lake)) for target in targets}
            if Standing.FROZEN in found:
                tally.frozen.append(day)
            elif found == {Standing.CURRENT}:
                tally.current.append(day)
            else:
                tally.days[day] = make(day, inputs)
    return tally
