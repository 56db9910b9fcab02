"""What every test shares: Hypothesis profiles, and the way to real data that is never committed."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# No deadline in either: the first example to touch a kernel may wait for it to compile.
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure(config: pytest.Config) -> None:
    """Keep scores in a folder of this run, which its workers share, and not in the user's."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ["MM_ENV_CACHE"] = tempfile.mkdtemp(prefix="mm_env-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove that folder."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ.pop("MM_ENV_CACHE"), ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; a test that asks for it skips where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data: ../shared/data does not stand beside the project")
    return SHARED_DATA
