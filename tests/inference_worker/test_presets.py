from pathlib import Path

import pytest

from inference_worker.errors import ModelUnreadable
from inference_worker.presets import Presets, read_presets


def test_a_model_without_words_of_its_own_has_the_usual_ones(tmp_path: Path) -> None:
    assert read_presets(tmp_path) == Presets()


def test_a_model_brings_words_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "threadsight.json").write_text('{"focus": "{task} Only {images}.", "max_crops": 9}')
    assert read_presets(tmp_path) == Presets(focus="{task} Only {images}.", max_crops=9)


@pytest.mark.parametrize(
    "written",
    [
        *("{", '{"look": 3}', '{"lok": "What is this?"}'),
        *('{"focus": "{tsak}"}', '{"focus": "{task.x}"}', '{"with_context": "{context} {"}', '{"look": "F\xfcr"}'),
    ],
)
def test_words_that_cannot_be_used_are_told_when_the_model_is_loaded(tmp_path: Path, written: str) -> None:
    (tmp_path / "threadsight.json").write_text(written, encoding="latin-1")
    with pytest.raises(ModelUnreadable, match=r"threadsight\.json: "):
        read_presets(tmp_path)
