import logging

import pytest

from bot.frontends.discord.library_log import forwarded_log


def test_warnings_of_the_library_are_in_our_log_without_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    library = logging.getLogger("discord.http")
    with forwarded_log():
        library.warning(
            "We are being rate limited. POST %s", "https://discord.com/api/v10/webhooks/77/s3cret/messages/1"
        )
        library.warning("PyNaCl is not installed, voice will NOT be supported")
        library.info("logging in using static token")
    library.warning("afterwards")
    said = capsys.readouterr().out
    assert "We are being rate limited." in said
    assert "/webhooks/77/.../messages/1" in said
    assert "s3cret" not in said
    assert "PyNaCl" not in said
    assert "static token" not in said
    assert "afterwards" not in said
