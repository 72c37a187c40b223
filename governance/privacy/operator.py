"""Presidio's side of pseudonyms: the operator that AnonymizerEngine applies to every finding."""

from __future__ import annotations

from presidio_anonymizer.operators import Operator, OperatorType

from governance.keys import Keyring
from governance.privacy.pseudonyms import stand_in


class StandIn(Operator):
    """The stand-in of a value. Params: `keys`, `region`, `removed` (entities that get a marker, no pseudonym), and
    `wholes` where a text may be a part of a known value (lower-cased part -> whole)."""

    def operate(self, text: str, params: dict[str, object] | None = None) -> str:
        """The stand-in of `text`."""
        params = params or {}
        entity, region = str(params.get("entity_type")), str(params.get("region"))
        keys, removed = params.get("keys"), params.get("removed")
        if not isinstance(keys, Keyring) or not isinstance(removed, frozenset):
            raise TypeError("the operator needs keys and the entities to remove")
        wholes = params.get("wholes")
        text = wholes.get(text.lower(), text) if isinstance(wholes, dict) else text
        return stand_in(entity, text, keys, region=region, is_removed=entity in removed)

    def validate(self, params: dict[str, object] | None = None) -> None:
        """Nothing to add: `operate` checks what it uses."""

    def operator_name(self) -> str:
        """The name operators are chosen by."""
        return "stand_in"

    def operator_type(self) -> OperatorType:
        """It anonymises."""
        return OperatorType.Anonymize
