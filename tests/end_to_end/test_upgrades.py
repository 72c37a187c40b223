"""A deployment that an earlier version made goes on with this one."""

import io
import subprocess
import sys
import tarfile

import pytest

from orchestration.settings import PROJECT

pytestmark = pytest.mark.deep

# Raised when what an earlier version left must not be read any more.
EARLIER = "5b0690c2"
WHERE = "import orchestration; print(orchestration.__file__)"


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """The code of the earlier version, which runs with what this one has installed."""
    folder = tmp_path_factory.mktemp("earlier")
    asked = subprocess.run(["git", "-C", PROJECT, "archive", EARLIER], capture_output=True)
    if asked.returncode:
        pytest.skip(f"the history of this checkout does not reach {EARLIER}")
    with tarfile.open(fileobj=io.BytesIO(asked.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def test_a_deployment_of_an_earlier_version_comes_to_the_same_tables(undisturbed, new_deployment, earlier):
    home = new_deployment("upgraded", PYTHONPATH=str(earlier))
    home.root.mkdir(mode=0o700)
    home.take_keys(undisturbed)
    used = subprocess.run(
        [sys.executable, "-c", WHERE], cwd=home.root, env=home.environment, capture_output=True, text=True
    )
    assert used.stdout.strip() == str(earlier / "orchestration" / "__init__.py")
    home.simulate(**undisturbed.story).run()
    del home.settings["PYTHONPATH"]
    home.run()
    assert home.tables() == undisturbed.tables()
    home.feedback("doctor")  # which fails where anything does not add up
