"""Initiatives: what may be said of them, and what the models get to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from governance.errors import PolicyError
from governance.initiatives import INITIATIVES_SCHEMA, load_initiatives

SHARDS = {
    "id": "search-shards",
    "title": "Split the search index",
    "owner": "storefront",
    "author": "lead@example.com",
    "decided_on": "2026-11-02",
    "due_on": "2026-11-20",
    "deployment": "4733",
    "problems": [{"service": "search", "operation": "query index"}, {"service": "search", "theme": "slow"}],
}
Write = Callable[..., None]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a deployment's own initiatives.yml."""
    monkeypatch.setenv("FEEDBACK_CONFIG", str(tmp_path))
    (tmp_path / "policies").mkdir()

    def write(*initiatives: Mapping[str, object]) -> None:
        said = {"owner": "o@example.com", "reason": "r", "initiatives": list(initiatives)}
        with (tmp_path / "policies" / "initiatives.yml").open("w") as file:
            YAML().dump(said, file)

    return write


def test_none_is_decided_out_of_the_box() -> None:
    frame = load_initiatives().as_frame()
    assert frame.is_empty()
    assert frame.schema == INITIATIVES_SCHEMA


def test_each_description_of_its_problems_is_a_row(policy: Write) -> None:
    policy(SHARDS)
    rows = load_initiatives().as_frame().rows(named=True)
    assert [(row["operation"], row["theme"]) for row in rows] == [("query index", None), (None, "slow")]
    assert {row["owner_email"] for row in rows} == {"storefront@example.com"}
    assert {row["deployment_id"] for row in rows} == {"4733"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"owner": "storfront"}, "initiative search-shards: owner is storfront, which is no team .* mean storefront"),
        ({"owner": None}, "initiatives.0.owner"),
        ({"due_on": "2026-11-01"}, "due_on is 2026-11-01, decided_on 2026-11-02; expected no day before"),
        ({"shipped_on": "2026-11-18"}, "expected shipped_on or deployment, .* leave one"),
        ({"problems": []}, "initiatives.0.problems"),
        ({"problems": [{"service": "serch"}]}, "service is serch, which no team of owners.yml names; .* search"),
        ({"problems": [{"theme": "slow"}]}, "expected pain_point_id .* or service"),
        ({"author": "lead"}, "initiatives.0.author is 'lead'"),
        ({"milestones": "Q4"}, "initiatives.0.milestones"),
        ({"id": "Search Shards"}, "initiatives.0.id is 'Search Shards'"),
    ],
)
def test_a_wrong_initiative_is_named_with_what_exists(policy: Write, changes: dict[str, object], told: str) -> None:
    policy(SHARDS | changes)
    with pytest.raises(PolicyError, match=told):
        load_initiatives()


def test_an_id_is_used_once(policy: Write) -> None:
    policy(SHARDS, SHARDS | {"title": "Another"})
    with pytest.raises(PolicyError, match="initiative search-shards is there twice"):
        load_initiatives()
