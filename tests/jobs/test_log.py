import io
import json
from collections.abc import Iterator

import pytest
import structlog

from jobs.log import log_to


class Watched(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("kind", [io.StringIO, Watched])
def test_an_exception_is_told_without_what_its_frames_held(kind: type[io.StringIO]) -> None:
    token, question = "xoxb-" + "1" * 40, "what does my salary slip say"
    file = kind()
    log_to(file)

    def answer(asked: str, bot_token: str) -> None:
        raise KeyError(len(asked + bot_token))

    try:
        answer(question, token)
    except KeyError:
        structlog.get_logger().exception("delivery failed", job="j1")
    written = file.getvalue()
    assert "delivery failed" in written
    assert "KeyError" in written
    assert "in answer" in written or '"name": "answer"' in written
    assert token not in written
    assert question not in written


def test_where_nobody_watches_every_entry_is_a_line_of_json() -> None:
    file = io.StringIO()
    log_to(file)
    structlog.get_logger().info("ready", model="tiny")
    assert json.loads(file.getvalue())["model"] == "tiny"
