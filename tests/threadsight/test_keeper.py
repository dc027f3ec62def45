import json
import time
from pathlib import Path

import pytest

from threadsight.keeper import MAX_DEATHS, Keeper
from threadsight.lock import Lock


@pytest.mark.parametrize("state", ["loading", "ready", "failed"])
def test_a_process_that_never_gets_through_its_loading_is_given_up_however_long_that_takes(
    home: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr("threadsight.keeper.HEALTHY_S", 0.0)
    said = f'{{\\"state\\": \\"{state}\\", \\"pid\\": $$}}'
    command = ["/bin/sh", "-c", f'echo "{said}" > {home}/status.json; printf . >> {home}/lives; exit 9']
    (home / "service.json").write_text(json.dumps({"command": command}))
    wait = time.sleep

    def wait_a_little(_: float) -> None:
        if (home / "lives").exists() and len((home / "lives").read_text()) > MAX_DEATHS + 1:
            keeper.ask_to_end(0, None)
        wait(0.01)

    monkeypatch.setattr("threadsight.keeper.time.sleep", wait_a_little)
    with Lock(home / "users.lock") as users:
        assert users.take_shared()
        keeper = Keeper(home)
        keeper.keep()
    assert (home / "failure").exists() == (state == "loading")
    assert (len((home / "lives").read_text()) > MAX_DEATHS) == (state != "loading")
