"""What a run keeps of the models' columns is for the next run to read, whatever ends it."""

import os
from pathlib import Path

import pytest

from orchestration.defs.transform.model_lineage import ModelLineage

KNOWN = {"marts.fct_days": {"digest": "1", "logic": {"day": "d"}, "origins": {}}}


def test_a_kill_while_it_is_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lineage.json"
    ModelLineage(path, {}, (), KNOWN).save()

    def killed(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        ModelLineage(path, {}, (), {}).save()
    assert ModelLineage.load(path, {}, ()).known == KNOWN
    monkeypatch.undo()
    ModelLineage(path, {}, (), {}).save()
    assert ModelLineage.load(path, {}, ()).known == {}
    assert list(tmp_path.iterdir()) == [path]
