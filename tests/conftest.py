"""What every test shares: a deployment away from the developer's own, and the real data where it is there."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

# Before the first import of the product: it looks these up when it is loaded.
os.environ["FEEDBACK_HOME"] = tempfile.mkdtemp(prefix="feedback-tests-")
os.environ["FEEDBACK_CACHE"] = f"{os.environ['FEEDBACK_HOME']}/cache"  # for the commands that tests run as well
atexit.register(shutil.rmtree, os.environ["FEEDBACK_HOME"], ignore_errors=True)
for _variable in ("CONFIG", "DECISIONS_URL", "INBOX", "PSEUDONYM_KEY", "ID_KEY"):
    os.environ.pop(f"FEEDBACK_{_variable}", None)

from orchestration.settings import QUIET  # noqa: E402

os.environ.update(QUIET)


@pytest.fixture(scope="session")
def real_data():
    """The folder of real inputs; tests that need it are skipped without."""
    folder = os.environ.get("FEEDBACK_REAL_DATA")
    if not folder:
        pytest.skip("FEEDBACK_REAL_DATA is not set: no real data on this machine")
    return Path(folder)
