"""Days made again where what they are made from changed, and left where it did not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial

from orchestration.lake import Lake, Made
from orchestration.stages.dependencies import Standing, has_expired, is_withheld, standing
from orchestration.stages.tally import Tally
from orchestration.stages.workers import each_group, written_beside

Inputs = Mapping[str, str]


def refresh(
    lake: Lake,
    state: str,
    dataset: str,
    days: Iterable[str],
    inputs_of: Callable[[str], Inputs],
    make: Callable[[str, Inputs], Mapping[str, int]],
    policy: str,
) -> Tally:
    """Make the state of each checked day again whose inputs or policy changed; remove what was made of a withheld day.

    Args:
        inputs_of: what a day is made from now: key -> digest of what exists.
        make: replaces the state of a day; gets these inputs.
        policy: digest of the policy it is made under.
    """
    tally = Tally()
    with lake.group_commit():
        for day in days:
            inputs = _due(lake, state, dataset, day, inputs_of, policy, tally)
            if inputs is not None:
                tally.days[day] = make(day, inputs)
    return tally


def refresh_apart(
    lake: Lake,
    state: str,
    dataset: str,
    days: Iterable[str],
    inputs_of: Callable[[str], Inputs],
    make: Callable[[str], Made],
    policy: str,
    as_of: datetime,
) -> Tally:
    """As `refresh`, where no day is made from another of the same state: beside this process where there is much to do.

    Args:
        make: writes the files of the state of a day, and no manifest; can be pickled.
    """
    tally = Tally()
    with lake.group_commit():
        inputs = {day: _due(lake, state, dataset, day, inputs_of, policy, tally) for day in days}
        due = {day: made_from for day, made_from in inputs.items() if made_from is not None}
        checked = [lake.manifest(f"checked/{dataset}/{day}") for day in due]
        records = sum(manifest.rows("records") for manifest in checked if manifest)
        with written_beside(lake, [f"{state}/{dataset}/{day}" for day in due]):
            for day, made in each_group(partial(_made, make), {day: day for day in due}, records=records):
                with lake.replace(f"{state}/{dataset}/{day}", as_of=as_of, inputs=due[day], policy=policy) as out:
                    out.take(made)
                tally.days[day] = made.counts
    return tally


def _made(make: Callable[[str], Made], day: str, _: str) -> Made:
    return make(day)


def _due(
    lake: Lake,
    state: str,
    dataset: str,
    day: str,
    inputs_of: Callable[[str], Inputs],
    policy: str,
    tally: Tally,
) -> Inputs | None:
    """What the state of a day is to be made (again) from; None: it need not or cannot be."""
    target = f"{state}/{dataset}/{day}"
    if not lake.exists(f"checked/{dataset}/{day}"):
        if is_withheld(lake, target):
            lake.remove(target)
        elif lake.exists(target):
            tally.frozen.append(day)
        return None
    inputs = inputs_of(day)
    found = standing(lake.manifest(target), inputs, policy, partial(has_expired, lake))
    if found is Standing.FROZEN:
        tally.frozen.append(day)
    elif found is Standing.CURRENT:
        tally.current.append(day)
    else:
        return inputs
    return None
