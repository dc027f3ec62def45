import pytest
import torch

from tests.inference_worker.engine.small import ENGINES, BuildEngine

# Matrices of a few numbers: more threads only wait for each other.
torch.set_num_threads(1)


@pytest.fixture(params=ENGINES, scope="module")
def engine_for(request: pytest.FixtureRequest) -> BuildEngine:
    """Every way of keeping keys and values must pass everything here."""
    return ENGINES[request.param]
