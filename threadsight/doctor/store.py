"""Redis, or the embedded Valkey: reachable, new enough, and set up so that nothing accepted is lost."""

from collections.abc import Iterator
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.errors import ThreadsightError
from threadsight.doctor.finding import Finding, fail, warn, well
from threadsight.valkey import open_valkey

OLDEST_MAJOR = 7  # functions, which the queue is made of, came with Redis 7.0
CONNECT_S = 3.0


def examine_store(redis_url: str | None, home: Path) -> Iterator[Finding]:
    """The Redis that is set, else the embedded one."""
    if redis_url is not None:
        yield from examine_redis(redis_url, name="Redis")
        return
    try:
        with open_valkey(home) as valkey:
            yield from examine_redis(valkey.url, name="Embedded Valkey")
    except (ThreadsightError, OSError) as error:
        yield fail("Embedded Valkey", str(error), "or set REDIS_URL to a Redis 7 or newer")


def examine_redis(url: str, *, name: str) -> Iterator[Finding]:
    """One server. What it is set to may be hidden from us: that is a warning, not a failure."""
    try:
        client = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=CONNECT_S,
            retry=Retry(NoBackoff(), 0),
        )
        server = client.info("server")
    except ValueError:  # which may repeat a part of the address, and that a password
        yield fail(name, "REDIS_URL is no address", "write it like redis://:password@host:6379/0")
        return
    except redis.RedisError as error:
        yield fail(name, f"cannot be reached ({error})", "start it, or correct REDIS_URL")
        return
    with client:
        yield _examine_version(name, server)
        yield from _examine_durability(name, client)


def _examine_version(name: str, server: dict[str, str]) -> Finding:
    product = "valkey" if "valkey_version" in server else "redis"
    version = server[f"{product}_version"]
    if int(version.split(".")[0]) < OLDEST_MAJOR:
        return fail(name, f"version {version}", f"install {OLDEST_MAJOR}.0 or newer")
    return well(name, f"{product} {version} answers")


def _examine_durability(name: str, client: redis.Redis) -> Iterator[Finding]:
    try:
        settings = client.config_get("appendonly", "appendfsync", "maxmemory-policy")
    except redis.ResponseError:
        yield warn(name, "its settings are hidden", "see that it has appendonly yes and maxmemory-policy noeviction")
        return
    if settings["appendonly"] != "yes":
        yield fail(name, "appendonly no: a restart loses every question", "set appendonly yes")
    elif settings["appendfsync"] != "always":
        advice = "set appendfsync always"
        yield warn(name, f"appendfsync {settings['appendfsync']}: a crash can lose accepted questions", advice)
    else:
        yield well(name, "writes every change to the disk")
    if settings["maxmemory-policy"] != "noeviction":
        policy = settings["maxmemory-policy"]
        yield fail(name, f"{policy}: may throw away questions", "set maxmemory-policy noeviction")
