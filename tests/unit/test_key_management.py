"""What is told of keys says where they are, whatever the folder is called."""

from io import StringIO

import pytest
from rich.console import Console

from orchestration.inspection import examine
from orchestration.key_management import deployment_keys, destroy_key, rotate_keys, show_keys
from orchestration.settings import Home


@pytest.fixture
def deployment(tmp_path):
    return Home(tmp_path / "eu [old] [/x]")


@pytest.fixture
def console():
    return Console(file=StringIO(), width=400, highlight=False)


def test_square_brackets_in_the_name_of_a_folder_are_told(deployment, console):
    old = deployment_keys(deployment).key_id
    rotate_keys(console, deployment)
    show_keys(console, deployment)
    destroy_key(console, deployment, old, is_confirmed=True)
    told = console.file.getvalue()
    assert told.count(f"{deployment.keys}") == 4  # a row per key, and what to back up and to delete


def test_square_brackets_in_the_name_of_a_folder_are_told_by_the_doctor(deployment, console):
    deployment_keys(deployment)
    deployment.keys.chmod(0o755)
    examine(console, deployment)
    assert f"chmod 700 {deployment.keys}" in console.file.getvalue()
