"""Each side works where the other side's packages are not installed."""

import subprocess
import sys

import pytest

SIDES = {
    "jobs": ["discord", "slack_bolt", "slack_sdk", "aiohttp", "PIL", "torch", "transformers", "openai", "bot"],
    "bot": ["torch", "transformers", "tokenizers", "safetensors", "openai", "numpy", "inference_worker", "threadsight"],
    "inference_worker": ["discord", "slack_bolt", "slack_sdk", "aiohttp", "pillow_heif", "bot", "threadsight"],
}
IMPORT_EVERYTHING = """
import importlib, importlib.abc, pkgutil, sys

side, *absent = sys.argv[1:]

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"{name} belongs to the other side", name=name)

sys.meta_path.insert(0, Absent())
package = importlib.import_module(side)
names = [found.name for found in pkgutil.walk_packages(package.__path__, f"{side}.") if "__main__" not in found.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


@pytest.mark.parametrize("side", SIDES)
def test_every_module_of_a_side_is_imported_without_the_other_side_s_packages(side: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, side, *SIDES[side]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5
