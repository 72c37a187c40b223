"""`feedback fields classify`: what happens to a field from now on, written where a deployment keeps such rules."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from governance.audit import Decision
from governance.durability import alone, sync
from governance.errors import UsageError, one_of
from governance.policy import config_files, load, own_config
from governance.privacy import load_privacy
from governance.privacy.policy import FIELDS_FOLDER, FieldRules, Treatment, shown_key
from governance.signals import SIGNALS
from orchestration.desk.deciding import Desk, Ruling
from orchestration.desk.fields import datasets, fields_in_landing
from orchestration.stages.watching import withheld_fields

CLASSIFY = "classify"


@dataclass(frozen=True)
class Classified:
    """What was decided about a field.

    Attributes:
        number: of the decision in the record.
        file: that says it now.
        replayed: days (ISO) that held the field back and are anonymised again, as they are still in landing.
        lost: days whose landing has expired: they stay without it.
    """

    number: int
    file: Path
    replayed: tuple[str, ...]
    lost: tuple[str, ...]


def classify(desk: Desk, dataset: str, field: str, treatment: str, ruling: Ruling) -> Classified:
    """Write the treatment of an attribute into `policies/fields/<source>.yml` of FEEDBACK_CONFIG, and record it.

    Args:
        dataset: `<source>/<signal>` in which it was seen; the rule holds for an attribute of this name of any source.
        treatment: as policies/privacy.yml writes it, such as `pseudonymise ACCOUNT`.

    Raises:
        UsageError: who decides may not, the field or the treatment does not exist, or the deployment has no directory.
        PolicyError: the file that is there is wrong.
        FeedbackError: the decision cannot be recorded; the file is then as it was.
    """
    datasets(dataset)
    desk.stewards.check_may(ruling.who, CLASSIFY, dataset)
    wanted, key, path = _treatment(treatment), field.lower(), _file(dataset.split("/")[0])
    days = _days_withheld(desk, dataset, field)
    if not ruling.why.strip():
        raise UsageError(f"{CLASSIFY}: a decision needs a reason; give --why")
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone(path.parent):
        _check_undecided(key, wanted, path)
        before = load_privacy().attribute(field)
        with _rewritten(path, key, wanted, ruling) as text:
            what = {
                "dataset": dataset,
                "field": field,
                "treatment": str(wanted),
                "before": str(before) if before else "withheld",
                "file": f"{FIELDS_FOLDER}/{path.name}",
                "digest": hashlib.sha256(text.encode()).hexdigest()[:16],
            }
            recorded = desk.record.append(Decision(CLASSIFY, ruling.who, ruling.why.strip(), ruling.at, what))
    landed = {day for day in days if desk.lake.exists(f"landing/{dataset}/{day}")}
    replayed, lost = (tuple(day for day in days if (day in landed) is kept) for kept in (True, False))
    return Classified(recorded.number, path, replayed, lost)


def _treatment(text: str) -> Treatment:
    try:
        return Treatment.model_validate(text)
    except ValidationError as error:
        raise UsageError(f"--as {text}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _file(source: str) -> Path:
    own = own_config()
    if not own:
        raise UsageError(
            "FEEDBACK_CONFIG names no directory, and the rules that came with the product are not changed; make one "
            f"and export FEEDBACK_CONFIG: the rule goes into its {FIELDS_FOLDER}/{source}.yml"
        )
    return own / FIELDS_FOLDER / f"{source}.yml"


def _days_withheld(desk: Desk, dataset: str, field: str) -> list[str]:
    """The days on which the field was withheld; none for one that a rule names already."""
    if shown_key(field) != field:
        raise UsageError("the field is no plain dotted name, and could itself name a person; it stays withheld")
    if field in SIGNALS[dataset.split("/")[1]].columns:
        raise UsageError(
            f"{field} is a column of {dataset}; what happens to it is said in policies/privacy.yml, `columns`"
        )
    withheld = withheld_fields(desk.lake, dataset)
    if field not in withheld and field not in (seen := fields_in_landing(desk.lake, dataset)):
        raise UsageError(f"{field}: no record of {dataset} has it; {one_of(field, {*withheld, *seen})}")
    return list(withheld.get(field, ()))


def _check_undecided(key: str, wanted: Treatment, path: Path) -> None:
    """Refuse what another file says otherwise, and what is said already."""
    for file in config_files(FIELDS_FOLDER):
        said = load(file, FieldRules).attributes.get(key)
        if said is not None and (said == wanted or file != path):
            raise UsageError(f"{FIELDS_FOLDER}/{file.name}: {key} is {said} already; change that line")


@contextmanager
def _rewritten(path: Path, key: str, treatment: Treatment, ruling: Ruling) -> Iterator[str]:
    """The file as it is to be, in place once the block has ended well; comments and order stay."""
    yaml = YAML(typ="rt")
    yaml.width, yaml.preserve_quotes = 120, True
    document = yaml.load(path.read_text(encoding="utf-8")) if path.exists() else _new(path.stem, ruling.who)
    if document["attributes"] is None or not isinstance(document["attributes"], CommentedMap):
        document["attributes"] = CommentedMap()
    document["attributes"].fa.set_block_style()
    document["attributes"][key] = str(treatment)
    out = StringIO()
    yaml.dump(document, out)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            file.write(out.getvalue())
            file.flush()
            os.fsync(file.fileno())
        load(temporary, FieldRules)
        yield out.getvalue()
        temporary.rename(path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _new(source: str, owner: str) -> CommentedMap:
    made = CommentedMap(
        owner=owner, reason=f"Fields of the source {source} that privacy.yml does not name", attributes=CommentedMap()
    )
    made.yaml_set_start_comment(
        "Treatments that `feedback fields classify` wrote, or a steward by hand; the decision record says why."
    )
    return made
