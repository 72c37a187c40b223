"""The flow reaches no host: it runs the same with the network cut off."""

import shutil
import subprocess

import pytest

CUT_OFF = ("unshare", "--user", "--map-root-user", "--net")


@pytest.fixture(scope="module", autouse=True)
def can_cut_the_network():
    if not shutil.which("unshare") or subprocess.run([*CUT_OFF, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a process give up its network (unshare --net)")


def test_the_whole_flow_runs_with_the_network_cut_off(new_deployment):
    deployment = new_deployment("offline").simulate(days=3, scale=0.1, seed=2)
    done = deployment.feedback("run", "--plain", "--as-of", deployment.as_of, prefix=CUT_OFF)
    assert deployment.rows("select count(*) from fct_service_health")[0][0] > 0
    assert "Traceback" not in done.stderr
