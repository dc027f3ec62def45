import io
import os
import resource
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import pytest

from bot.errors import NoSuchFile, Unfetchable
from bot.frontends.shell.reference import fetch_reference, read_reference, sweep_spool
from jobs import PictureRef
from tests.bot.pictures import png
from tests.bot.site import PICTURE, Site


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "home" / "spool"


async def read(ref: PictureRef) -> bytes:
    async with aclosing(fetch_reference(ref)) as pieces:
        return b"".join([piece async for piece in pieces])


async def test_a_path_is_found_again_from_anywhere(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Bild 1 #ä%20.png").write_bytes(png())
    monkeypatch.chdir(tmp_path)
    ref = read_reference("Bild 1 #ä%20.png", spool=spool)
    monkeypatch.chdir("/")
    assert (ref.name, ref.size_bytes) == ("Bild 1 #ä%20.png", len(png()))
    assert await read(ref) == png()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no such names")
async def test_a_name_that_is_no_text_is_found_and_told_as_far_as_it_is_one(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(png())
    ref = read_reference(str(path), spool=spool)
    assert ref.name == "caf\ufffd.png"
    assert await read(ref) == png()
    path.unlink()
    with pytest.raises(Unfetchable) as refused:
        await read(ref)
    assert refused.value.facts["reason"] == f"{tmp_path}/caf\ufffd.png: No such file or directory"


def test_a_picture_that_was_drawn_over_is_another_picture(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    before, again = (read_reference(str(path), spool=spool) for _ in range(2))
    os.utime(path, ns=(1, 1))
    assert before == again
    assert read_reference(str(path), spool=spool).origin != before.origin


@pytest.mark.parametrize("path", ["nowhere.png", "."])
def test_what_is_no_file_is_refused_by_its_name(path: str, spool: Path) -> None:
    with pytest.raises(NoSuchFile) as refused:
        read_reference(path, spool=spool)
    assert refused.value.sentence == f"There is no file {path}."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, spool: Path) -> None:
    (tmp_path / "a.png").touch(mode=0o000)
    with pytest.raises(Unfetchable) as refused:
        await read(read_reference(str(tmp_path / "a.png"), spool=spool))
    assert str(refused.value.facts["reason"]).endswith("Permission denied")


async def test_a_file_that_is_gone_by_now_says_so(tmp_path: Path, spool: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    ref = read_reference(str(path), spool=spool)
    path.unlink()
    with pytest.raises(Unfetchable) as refused:
        await read(ref)
    assert refused.value.facts["reason"] == f"{path}: No such file or directory"


async def test_standard_input_can_be_read_again_after_a_restart(spool: Path) -> None:
    ref = read_reference("-", spool=spool, stdin=io.BytesIO(png()))
    assert ref.name == "stdin"
    assert await read(ref) == await read(ref) == png()
    assert read_reference("-", spool=spool, stdin=io.BytesIO(png())).origin == ref.origin


@pytest.mark.parametrize("argument", ["-", "/dev/stdin"])
def test_standard_input_that_is_closed_is_refused(argument: str, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(Unfetchable, match=r"standard input is closed"):
        read_reference(argument, spool=spool)


def test_standard_input_that_gives_nothing_is_refused(spool: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "rb", closefd=True) as only_written_to, pytest.raises(Unfetchable, match="Bad file descriptor"):  # noqa: PTH123 - a number, no path
        read_reference("-", spool=spool, stdin=only_written_to)


async def test_a_pipe_is_read_once_and_kept(tmp_path: Path, spool: Path) -> None:
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as other:
        other.submit(pipe.write_bytes, png())
        ref = read_reference(str(pipe), spool=spool)
    assert ref.name == str(pipe)
    assert await read(ref) == await read(ref) == png()


def test_what_could_not_be_kept_whole_is_not_kept(spool: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))  # as on a disk that is full
    try:
        with pytest.raises(OSError, match="File too large"):
            read_reference("-", spool=spool, stdin=io.BytesIO(png()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(spool.iterdir()) == []
    assert read_reference("-", spool=spool, stdin=io.BytesIO(png())).size_bytes == len(png())


def test_what_came_in_is_for_its_owner_only_and_for_the_retention_time(spool: Path) -> None:
    read_reference("-", spool=spool, stdin=io.BytesIO(b"old"))
    (old,) = spool.iterdir()
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    assert stat.S_IMODE(old.stat().st_mode) == 0o600
    os.utime(old, (0, 0))
    read_reference("-", spool=spool, stdin=io.BytesIO(b"new"))
    sweep_spool(spool, retention_s=60.0)
    assert [kept.read_bytes() for kept in spool.iterdir()] == [b"new"]


def test_there_is_nothing_to_sweep_before_anything_came_in(spool: Path) -> None:
    sweep_spool(spool, retention_s=60.0)


async def test_an_address_is_fetched_from_the_web(spool: Path, site: Site) -> None:
    assert await read(read_reference(site.url("/hop/1"), spool=spool)) == PICTURE


@pytest.mark.parametrize(("name", "told"), [("cat.png", "cat.png"), (os.fsdecode(b"caf\xe9.png"), "caf\ufffd.png")])
def test_an_address_is_its_own_origin(name: str, told: str, spool: Path) -> None:
    ref = read_reference(f"https://example.com/pictures/{name}?size=2", spool=spool)
    assert (ref.origin, ref.name) == (f"https://example.com/pictures/{told}?size=2", told)
