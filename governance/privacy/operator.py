"""Presidio's side of pseudonyms: the operator that AnonymizerEngine applies to every finding."""

from __future__ import annotations

from presidio_anonymizer.operators import Operator, OperatorType


class StandIn(Operator):
    """The stand-in of a value. Params: `make` (entity, value -> stand-in), and `wholes` where a text may be a part of a
    known value (lower-cased part -> whole)."""

    def operate(self, text: str, params: dict[str, object] | None = None) -> str:
        """The stand-in of `text`."""
        params = params or {}
        make, wholes = params.get("make"), params.get("wholes")
        if not callable(make):
            raise TypeError("the operator needs `make`, which makes stand-ins")
        if isinstance(wholes, dict):
            text = wholes.get(text.lower(), text)
        return str(make(params.get("entity_type"), text))

    def validate(self, params: dict[str, object] | None = None) -> None:
        """Nothing to add: `operate` checks what it uses."""

    def operator_name(self) -> str:
        """The name operators are chosen by."""
        return "stand_in"

    def operator_type(self) -> OperatorType:
        """It anonymises."""
        return OperatorType.Anonymize
