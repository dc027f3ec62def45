import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from bot.settings import BotSettings
from inference_worker.settings import WorkerSettings
from jobs.settings import Settings, StoreSettings
from threadsight.settings import CommandSettings

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+):\?[^}]*\}")  # the only form of a setting: required
TORCH_INDEX = "${TORCH_INDEX:-}"  # the one that a build may do without
WRITTEN = (ROOT / "docker-compose.yml").read_text().replace(TORCH_INDEX, "")
COMPOSE: dict[str, Any] = yaml.safe_load(VARIABLE.sub("secret", WRITTEN))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def check(compose: dict[str, Any]) -> None:
    PyCompose.from_json(json.dumps(compose)).validate()


def test_every_volume_is_declared() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert used == set(COMPOSE["volumes"])


def test_the_file_follows_the_compose_specification() -> None:
    check(COMPOSE)


@pytest.mark.parametrize(
    "change",
    [
        {"helthcheck": {}},
        {"networks": ["nowhere"]},
        {"deploy": {"resources": {"reservations": {"devices": [{"count": "x", "capabilities": ["gpu"]}]}}}},
    ],
)
def test_the_check_would_notice(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"nowhere|\"all\" or an integer|start with"):
        check({**COMPOSE, "services": {**SERVICES, "bot": {**SERVICES["bot"], **change}}})


def test_whoever_starts_it_is_asked_for_a_password_first() -> None:
    assert set(VARIABLE.findall(WRITTEN)) == {"REDIS_PASSWORD"}
    assert "$" not in VARIABLE.sub("", WRITTEN).replace("$$", "")


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root_or_writes_outside_its_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if "build" in service:
        dockerfile = (ROOT / service["build"]["dockerfile"]).read_text()
        assert "\nUSER threadsight\n" in dockerfile.rpartition("\nFROM ")[2]
    else:
        assert service["user"] == "redis"


def test_redis_keeps_every_acknowledged_write_and_shows_its_password_to_nobody() -> None:
    script = SERVICES["redis"]["command"][-1]
    started = next(line for line in script.splitlines() if line.startswith("exec "))
    assert "--appendonly yes --appendfsync always" in started
    assert "--maxmemory-policy noeviction" in started
    assert "PASSWORD" not in started
    assert "requirepass $$REDIS_PASSWORD" in script
    assert SERVICES["redis"]["volumes"] == ["queue:/data"]


def test_redis_is_given_the_time_to_read_a_large_file() -> None:
    check = SERVICES["redis"]["healthcheck"]
    assert (check["interval"], check["retries"], check["start_period"]) == ("5s", 5, "10m")


def test_redis_is_reached_from_inside_only() -> None:
    assert "ports" not in SERVICES["redis"]
    assert SERVICES["redis"]["networks"] == ["store"]
    assert COMPOSE["networks"]["store"]["internal"] is True


def test_the_gpu_worker_and_the_cpu_worker_are_chosen_by_profile() -> None:
    (device,) = SERVICES["worker"]["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert SERVICES["worker"]["profiles"] == ["gpu"]
    assert SERVICES["worker-cpu"]["profiles"] == ["cpu"]
    assert "deploy" not in SERVICES["worker-cpu"]
    assert SERVICES["worker-cpu"]["build"]["args"]["TORCH_INDEX"].endswith("/cpu")


def test_a_gpu_with_an_older_driver_can_be_given_another_torch() -> None:
    written = yaml.safe_load(VARIABLE.sub("secret", (ROOT / "docker-compose.yml").read_text()))
    assert written["services"]["worker"]["build"]["args"] == {"TORCH_INDEX": TORCH_INDEX}


def test_the_gpu_worker_does_not_go_on_without_a_gpu() -> None:
    assert SERVICES["worker"]["environment"]["WORKER_DEVICE"] == "cuda"
    assert "WORKER_DEVICE" not in SERVICES["worker-cpu"]["environment"]


def test_a_model_server_beside_it_is_reached_by_the_workers_and_by_the_doctor_in_the_bots_container() -> None:
    services = yaml.safe_load(VARIABLE.sub("secret", WRITTEN).replace("# extra_hosts", "extra_hosts"))["services"]
    for name in ("bot", "worker", "worker-cpu"):
        assert services[name]["extra_hosts"] == ["host.docker.internal:host-gateway"]


def test_the_worker_is_given_no_secret_of_a_platform() -> None:
    fields = {**BotSettings.model_fields, **CommandSettings.model_fields}.values()
    tokens = {str(field.validation_alias) for field in fields if "SecretStr" in str(field.annotation)}
    assert {"DISCORD_TOKEN", "SLACK_CLIENT_SECRET", "SLACK_CONFIG_TOKEN"} < tokens
    for name in ("worker", "worker-cpu"):
        assert {SERVICES[name]["environment"][token] for token in tokens} == {""}


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("bot", (StoreSettings, BotSettings)),
        ("worker", (StoreSettings, WorkerSettings)),
        ("worker-cpu", (StoreSettings, WorkerSettings)),
    ],
)
def test_each_side_can_read_its_settings(
    name: str, classes: tuple[type[Settings], ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text())
    assert SERVICES[name]["env_file"] == ".env"
    for variable, value in SERVICES[name]["environment"].items():
        monkeypatch.setenv(variable, value)
    for settings in classes:
        settings.read()
    assert StoreSettings.read().redis_url == "redis://:secret@redis:6379/0"
