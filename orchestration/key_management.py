"""What `feedback keys list | rotate | destroy` do, and which key a partition is made with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm
from rich.table import Table

from governance.durability import alone
from governance.errors import FeedbackError
from governance.keys import KeptKey, Keyring, KeyStore, load_keyring, make_missing
from orchestration.deciding import decide
from orchestration.lake import Lake
from orchestration.settings import Home, exclusive

# States whose rows hold pseudonyms of one key, which their manifests name.
_STATES = ("held", "quarantine", "checked", "anonymized")


def deployment_keys(deployment: Home) -> Keyring:
    """The keyring of a deployment, made on first use: where its lake holds something, what is missing was lost.

    Raises:
        FeedbackError: a key is missing, damaged or can be read by others.
    """
    return load_keyring(deployment.keys, has_data=lambda: _has_data(deployment))


def key_of_day(lake: Lake, dataset: str, day: str, keys: Keyring) -> Keyring:
    """The keys with the one that makes the pseudonyms of `anonymized/<dataset>/<day>`.

    It is the one the partition was made with before, else one that another signal of the same day was made with, so
    that identities can be joined within a day; else the current one.

    Raises:
        KeyDestroyedError: the key that the partition was made with was destroyed.
        FeedbackError: it is neither there nor destroyed.
    """
    own = lake.manifest(f"anonymized/{dataset}/{day}")
    if own is not None:
        return keys.under(own.key_id)
    others = {
        manifest.key_id
        for path in lake.root.glob(f"anonymized/*/*/{day}/manifest.json")
        if (manifest := lake.manifest(path.parent.relative_to(lake.root).as_posix()))
    }
    usable = sorted(others - keys.destroyed)
    return keys if keys.key_id in others or not usable else keys.under(usable[0])


def partitions_by_key(lake: Lake) -> Counter[str]:
    """How many partitions (days of a signal of a source) hold pseudonyms of each key."""
    made_with: dict[str, str] = {}
    for state in _STATES:
        for key in lake.keys(state):
            if (manifest := lake.manifest(key)) and manifest.key_id:
                made_with[key.partition("/")[2]] = manifest.key_id
    return Counter(made_with.values())


def show_keys(console: Console, deployment: Home) -> None:
    """One row per pseudonym key, with the partitions made with it; lost keys included."""
    kept = KeyStore(deployment.keys).listed()
    counts = partitions_by_key(Lake(deployment.lake))
    table = Table(title="Pseudonym keys (the id key never rotates and is not listed)")
    for heading in ("key", "made", "state", "partitions", "where"):
        table.add_column(heading, overflow="fold")
    for key in kept:
        table.add_row(key.key_id, _made(key), key.state, f"{counts[key.key_id]:,}", escape(str(key.place)))
    for key_id in sorted(counts.keys() - {key.key_id for key in kept}):
        table.add_row(
            key_id, "unknown", "missing", f"{counts[key_id]:,}", "nowhere: restore it, or destroy it for ever"
        )
    console.print(table)


def rotate_keys(console: Console, deployment: Home, by: str = "", why: str = "") -> None:
    """Make a new key the current one, and record who did so.

    Raises:
        UsageError: the environment says which key is current.
        FeedbackError: it cannot be recorded; the keys are as they were.
    """

    def record(key_id: str) -> None:
        decide(deployment, "rotate_key", {"key_id": key_id}, by, why or "Rotated with `feedback keys rotate`.")

    with _changing(deployment) as store:
        counts = partitions_by_key(Lake(deployment.lake))
        key_id = store.rotate(datetime.now(UTC), taken=counts.keys(), record=record)
    console.print(
        f"Key {key_id} is current: days that are not in the lake yet are made with it. The {counts.total():,} "
        f"partitions that are there keep their keys. Back up {escape(str(deployment.keys))}.",
        soft_wrap=True,
    )


def destroy_key(
    console: Console, deployment: Home, key_id: str, by: str = "", why: str = "", *, is_confirmed: bool
) -> None:
    """Destroy a key for ever, after asking unless `is_confirmed`, and record who did so.

    Raises:
        UsageError: there is no such key, it is current, or it comes from the environment.
        FeedbackError: the answer was no, or it cannot be recorded; the keys are as they were.
    """
    counts = partitions_by_key(Lake(deployment.lake))
    KeyStore(deployment.keys).check_destroyable(key_id, counts.keys())
    told = (
        f"the {counts[key_id]:,} partitions made with it are frozen, and their tokens lead to nobody and to nothing new"
    )
    if not is_confirmed and not _is_sure(f"Destroy key {key_id}? It cannot be undone: {told}"):
        raise FeedbackError(f"key {key_id} is as it was; say yes or give --yes to destroy it")
    with _changing(deployment) as store:
        store.check_destroyable(key_id, counts.keys())
        decide(deployment, "destroy_key", {"key_id": key_id}, by, why or "Destroyed with `feedback keys destroy`.")
        store.destroy(key_id, datetime.now(UTC), counts.keys())
    console.print(
        f"Key {key_id} is destroyed: {told}. Delete it from your backups of {escape(str(deployment.keys))} as well.",
        soft_wrap=True,
    )


@contextmanager
def _changing(deployment: Home) -> Iterator[KeyStore]:
    """The keys of a deployment while no stage runs and nobody else changes them; made on first use."""
    with exclusive(deployment):
        make_missing(deployment.keys, lambda: _has_data(deployment))
        with alone(deployment.keys):
            yield KeyStore(deployment.keys)


def _has_data(deployment: Home) -> bool:
    return bool(Lake(deployment.lake).keys(""))


def _is_sure(question: str) -> bool:
    try:
        return Confirm.ask(question, default=False)
    except EOFError:  # nobody is there to be asked
        return False


def _made(key: KeptKey) -> str:
    return f"{key.made_at:%Y-%m-%d %H:%M} UTC" if key.made_at else "unknown"
