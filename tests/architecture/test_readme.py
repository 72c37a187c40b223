"""What the README and the tree say of each other."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def paths_of_the_tree():
    block = re.search(r"## The tree\s+```\n(.*?)```", README, re.DOTALL).group(1)
    folder = ""
    for line in block.splitlines():
        names = re.match(r"^( *)((?:[\w.]+/? ?)+)", line)
        if not names:
            continue
        for name in names.group(2).split():
            if re.fullmatch(r"[\w.]+/|[\w]+\.(py|yml|md)", name):
                yield (folder + name) if names.group(1) else name
        if not names.group(1):
            folder = names.group(2).split()[0]


@pytest.mark.parametrize("path", sorted(set(paths_of_the_tree())))
def test_everything_the_readmes_tree_names_exists(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:governance|orchestration|dbt_project)/[\w./]+\w)`", README)))
)
def test_every_file_the_readme_sends_to_exists(path):
    assert (ROOT / path).exists()


def test_the_top_level_is_the_one_agreed_on():
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    generated = {"feedback_warehouse.egg-info"}
    assert visible - generated == {
        *("CHANGELOG.md", "LICENSE", "Makefile", "README.md", "dbt_project", "governance", "orchestration"),
        *("pyproject.toml", "requirements.lock", "tests", "workspace.yaml"),
    }


def test_no_file_holds_the_marks_of_an_unfinished_merge():
    marks = re.compile(r"^(<{7} |={7}$|>{7} )", re.MULTILINE)
    folders = ("dbt_project/models", "dbt_project/macros", "governance", "orchestration", "tests")
    texts = [*ROOT.glob("*.*"), *(path for folder in folders for path in (ROOT / folder).rglob("*.*"))]
    read = (path for path in texts if path.suffix in {".py", ".sql", ".yml", ".md", ".toml", ".j2", ".lock"})
    assert [path for path in read if marks.search(path.read_text())] == []


def test_the_lock_names_versions_and_no_hosts():
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and line[0] != "#"]
    assert all(re.match(r"^[\w.\-\[\]]+==\S+( ; .+)?$", line) for line in lines)


def test_every_policy_has_an_enforcer_and_a_test():
    for policy in (ROOT / "governance" / "policies").glob("*.yml"):
        name = {"patterns": "privacy"}.get(policy.stem, policy.stem)
        enforcer = ROOT / "governance" / name
        assert enforcer.is_dir() or enforcer.with_suffix(".py").is_file(), f"{policy.name} has no enforcer"
        assert list((ROOT / "tests" / "unit").glob(f"**/*{name}*")), f"{policy.name} has no test"


def test_decisions_are_numbered_without_gaps():
    names = sorted(path.name for path in (ROOT / "governance" / "decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
