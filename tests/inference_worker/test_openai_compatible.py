import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from aiohttp import web
from msgspec.structs import replace

from inference_worker.answer_engine import CUT_OFF, Answered, Text
from inference_worker.dialogue import Dialogue
from inference_worker.errors import QuestionTooLong, ServerFailed
from inference_worker.openai_compatible import OpenAIEngine, data_uri
from inference_worker.sampling import SamplingDefaults
from jobs import Sampling
from jobs.errors import PictureGone
from tests.inference_worker.dialogues import dialogue, picture, turn

KEY = "sk-very-secret"
PNG = b"\x89PNG 1"
JPEG = b"\xff\xd8\xff 2"


class Server:
    """Streams `words`; fails first with each status of `failures`; refuses more than `max_messages`; or is `deaf`.

    It `refuses` in these words, before it begins to stream or, if it is `hasty`, within the stream. While it pauses it
    may keep the connection `warm`.
    """

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.failures: list[int] = []
        self.words = ["A ", "red ", "circle."]
        self.max_messages = 100
        self.refuses = {"message": "This model's maximum context length is 8", "code": "context_length_exceeded"}
        self.hasty = False
        self.max_pictures = 100
        self.refuses_pictures = (400, "At most 2 image(s) may be provided in one prompt.")
        self.pause_s = 0.0
        self.warm = False
        self.page: str | None = None  # what it has for everybody, whatever is asked
        self.stops_short = False
        self.deaf = False
        self.breaks_off: dict | None = None  # with these words, after its own
        self.finish_reason = "stop"
        self.broke_off = asyncio.Event()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        if self.failures:
            return web.json_response({"error": {"message": f"no {KEY}"}}, status=self.failures.pop(0))
        if self.deaf:
            await asyncio.sleep(5)
        body = await request.json()
        self.asked.append(body)
        refused = len(body["messages"]) > self.max_messages
        if instead := self._without_stream(body, refused=refused and not self.hasty):
            return instead
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        if refused:
            await self._send(response, error=self.refuses)
            return response
        try:
            for word in self.words:
                await self._send(response, choices=[{"index": 0, "delta": {"content": word}}])
                await self._pause(response)
            if self.breaks_off:
                await self._send(response, error=self.breaks_off)
            if self.breaks_off or self.stops_short:
                return response
            await self._send(response, choices=[{"index": 0, "delta": {}, "finish_reason": self.finish_reason}])
            usage = {"prompt_tokens": 40, "completion_tokens": 3, "total_tokens": 43}
            await self._send(response, choices=[], usage=usage | {"prompt_tokens_details": {"cached_tokens": 30}})
            await response.write(b"data: [DONE]\n\n")
        except (ConnectionError, asyncio.CancelledError):
            self.broke_off.set()
            raise
        return response

    def _without_stream(self, body: dict, *, refused: bool) -> web.Response | None:
        if self.page:
            return web.Response(text=self.page, content_type="text/html")
        if json.dumps(body).count("data:image") > self.max_pictures:
            status, words = self.refuses_pictures
            return web.json_response({"error": {"message": words, "code": status}}, status=status)
        return web.json_response({"error": self.refuses}, status=400) if refused else None

    async def _pause(self, response: web.StreamResponse) -> None:
        until = time.monotonic() + self.pause_s
        while self.warm and time.monotonic() < until:
            await response.write(b": still here\n\n")
            await asyncio.sleep(0.05)
        await asyncio.sleep(max(0.0, until - time.monotonic()))

    @staticmethod
    async def _send(response: web.StreamResponse, **chunk: object) -> None:
        whole = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", **chunk}
        await response.write(f"data: {json.dumps(whole)}\n\n".encode())


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", served.complete)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.port = runner.addresses[0][1]
    yield served
    await runner.cleanup()


@pytest.fixture
async def engine(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIEngine]:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    made = OpenAIEngine(
        base_url=f"http://127.0.0.1:{server.port}/v1", api_key=KEY, model="phi", defaults=SamplingDefaults()
    )
    yield made
    await made.close()


async def answer(engine: OpenAIEngine, asked: Dialogue) -> tuple[str, Answered]:
    text = ""
    async with aclosing(engine.answer(asked)) as parts:
        async for part in parts:
            if isinstance(part, Answered):
                return text, part
            text += part.text
    raise AssertionError("no last word")


async def test_every_turn_goes_out_with_its_pictures_and_the_answer_comes_back(
    engine: OpenAIEngine, server: Server
) -> None:
    past = turn("1", "What is it?", "A cat.", picture("a", 1))
    asked = dialogue("And this?", picture("b", 2), turns=(past,), stored={"a": PNG, "b": JPEG})
    text, answered = await answer(engine, asked)
    assert text == "A red circle."
    assert (answered.usage.prompt_tokens, answered.usage.cached_tokens, answered.usage.new_tokens) == (40, 30, 3)
    first, second, third = server.asked[0]["messages"]
    assert first["content"][0]["image_url"]["url"] == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert first["content"][1]["text"] == "What is it?"
    assert second == {"role": "assistant", "content": "A cat."}
    assert third["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert third["content"][1]["text"] == "And this?"


async def test_what_a_job_asks_for_goes_out_and_the_rest_is_greedy(engine: OpenAIEngine, server: Server) -> None:
    await answer(engine, dialogue("?", sampling=Sampling(top_p=0.5, max_new_tokens=7)))
    asked = server.asked[0]
    assert (asked["temperature"], asked["top_p"], asked["max_tokens"]) == (0.0, 0.5, 7)
    await answer(engine, dialogue("?"))
    assert server.asked[1]["seed"] == asked["seed"], "the same job draws the same again"


async def test_an_answer_that_was_cut_off_says_so(engine: OpenAIEngine, server: Server) -> None:
    server.finish_reason = "length"
    text, answered = await answer(engine, dialogue("?"))
    assert (text, answered.notices) == ("A red circle.", (CUT_OFF,))


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_is_busy_is_asked_again(engine: OpenAIEngine, server: Server, status: int) -> None:
    server.failures = [status, status]
    assert (await answer(engine, dialogue("?")))[0] == "A red circle."


async def test_a_server_that_stays_broken_is_told_without_its_words(engine: OpenAIEngine, server: Server) -> None:
    server.failures = [500] * 10
    with pytest.raises(ServerFailed, match="status 500") as failed:
        await answer(engine, dialogue("?"))
    assert KEY not in failed.value.sentence


async def test_a_refused_key_names_the_setting(engine: OpenAIEngine, server: Server) -> None:
    server.failures = [401]
    with pytest.raises(ServerFailed, match="WORKER_OPENAI_API_KEY"):
        await answer(engine, dialogue("?"))


async def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    nobody = OpenAIEngine(base_url="http://127.0.0.1:9/v1", api_key="", model="m", defaults=SamplingDefaults())
    with pytest.raises(ServerFailed, match="cannot be reached"):
        await answer(nobody, dialogue("?"))
    await nobody.close()


@pytest.mark.parametrize("words", [[], ["A "]], ids=["before the first word", "between two words"])
async def test_a_server_that_says_nothing_for_long_is_given_up(server: Server, words: list[str]) -> None:
    server.words, server.pause_s, server.deaf = words, 5.0, not words
    base_url = f"http://127.0.0.1:{server.port}/v1"
    engine = OpenAIEngine(base_url=base_url, api_key=KEY, model="m", defaults=SamplingDefaults(), silence_s=0.3)
    async with asyncio.timeout(2):
        with pytest.raises(ServerFailed, match="said nothing"):
            await answer(engine, dialogue("?"))
    await engine.close()


async def test_a_server_that_only_keeps_the_connection_open_says_nothing(server: Server) -> None:
    server.words, server.pause_s, server.warm = ["A "], 5.0, True
    base_url = f"http://127.0.0.1:{server.port}/v1"
    engine = OpenAIEngine(base_url=base_url, api_key=KEY, model="m", defaults=SamplingDefaults(), silence_s=0.3)
    async with asyncio.timeout(2):
        with pytest.raises(ServerFailed, match="said nothing"):
            await answer(engine, dialogue("?"))
    await asyncio.wait_for(server.broke_off.wait(), 5)
    await engine.close()


async def test_half_an_answer_is_not_told_as_a_whole_one(engine: OpenAIEngine, server: Server) -> None:
    server.stops_short = True
    with pytest.raises(ServerFailed, match="broke off"):
        await answer(engine, dialogue("?"))


@pytest.mark.parametrize("page", ["<html>Welcome: log in.</html>", '{"error": "Unexpected endpoint. Returning 200."}'])
async def test_what_is_no_such_server_is_told(engine: OpenAIEngine, server: Server, page: str) -> None:
    server.page = page
    with pytest.raises(ServerFailed, match="WORKER_OPENAI_BASE_URL"):
        await answer(engine, dialogue("?"))


async def test_leaving_early_closes_the_connection(engine: OpenAIEngine, server: Server) -> None:
    server.words = ["word "] * 1000
    server.pause_s = 0.01
    async with aclosing(engine.answer(dialogue("?"))) as parts:
        async for part in parts:
            assert isinstance(part, Text)
            break
    await asyncio.wait_for(server.broke_off.wait(), 5)


@pytest.mark.parametrize("hasty", [False, True], ids=["refused", "within the stream"])
@pytest.mark.parametrize(
    "refuses",
    [
        {"message": "This model's maximum context length is 8", "code": "context_length_exceeded"},
        {"message": "The decoder prompt (length 42781) is longer than the maximum model length of 40960.", "code": 400},
        {"message": "the request exceeds the available context size, try increasing it", "code": 400},
    ],
    ids=["OpenAI", "vLLM", "llama.cpp"],
)
async def test_a_conversation_too_long_for_the_server_loses_its_older_half(
    engine: OpenAIEngine, server: Server, refuses: dict, *, hasty: bool
) -> None:
    server.max_messages, server.refuses, server.hasty = 3, refuses, hasty
    turns = tuple(turn(str(n), f"q{n}", f"a{n}") for n in range(5))
    text, answered = await answer(engine, dialogue("last?", turns=turns))
    assert text == "A red circle."
    assert [message["content"] for message in server.asked[-1]["messages"][:2]][1] == "a4"
    assert "beginning of this conversation" in answered.notices[0]


@pytest.mark.parametrize(
    "refuses",
    [(400, "At most 2 image(s) may be provided in one prompt."), (413, "Request Entity Too Large")],
    ids=["vLLM", "nginx"],
)
async def test_a_conversation_with_more_pictures_than_the_server_takes_loses_its_older_half(
    engine: OpenAIEngine, server: Server, refuses: tuple[int, str]
) -> None:
    server.max_pictures, server.refuses_pictures = 2, refuses
    turns = tuple(turn(str(n), f"q{n}", f"a{n}", picture(f"p{n}", n + 1)) for n in range(5))
    stored = {f"p{n}": PNG for n in range(5)}
    text, answered = await answer(engine, dialogue("last?", turns=turns, stored=stored))
    assert text == "A red circle."
    assert server.asked[-1]["messages"][1]["content"] == "a3"
    assert "beginning of this conversation" in answered.notices[0]
    brought = [picture(f"p{n}", n + 1) for n in range(3)]
    with pytest.raises(ServerFailed, match="fewer or smaller pictures"):
        await answer(engine, dialogue("all?", *brought, stored=stored))


async def test_a_server_that_breaks_off_is_not_asked_for_the_rest(engine: OpenAIEngine, server: Server) -> None:
    server.breaks_off = {"message": "This model's maximum context length is 8"}
    turns = tuple(turn(str(n), f"q{n}", f"a{n}") for n in range(5))
    with pytest.raises(ServerFailed):
        await answer(engine, dialogue("last?", turns=turns))
    assert len(server.asked) == 1, "a word stands already"


async def test_a_question_too_long_by_itself_is_refused(engine: OpenAIEngine, server: Server) -> None:
    server.max_messages = 0
    with pytest.raises(QuestionTooLong):
        await answer(engine, dialogue("very long"))


async def test_a_picture_that_is_gone_is_left_out_and_named(engine: OpenAIEngine, server: Server) -> None:
    past = turn("1", "?", "!", picture("a", 1))
    _, answered = await answer(engine, dialogue("?", picture("b", 2), turns=(past,), stored={"b": PNG}))
    assert answered.notices == ("Picture 1 is no longer stored. Please post it again.",)
    with pytest.raises(PictureGone):
        await answer(engine, dialogue("?", picture("c", 3)))


def kinds(message: dict) -> list[str]:
    return [part["type"] for part in message["content"]]


async def test_a_picture_that_came_again_is_shown_again_where_it_is_out_of_view(
    engine: OpenAIEngine, server: Server
) -> None:
    server.max_messages = 5
    shown = picture("a", 1)
    turns = (turn("0", "What is it?", "A cat.", shown), *(turn(str(n), f"q{n}", f"a{n}") for n in range(1, 5)))
    asked = replace(dialogue("And this one?", turns=turns, stored={"a": PNG}), again=(shown,))
    await answer(engine, asked)
    assert kinds(server.asked[0]["messages"][0]) == ["image_url", "text"]
    assert kinds(server.asked[0]["messages"][-1]) == ["text"], "it can be seen"
    assert kinds(server.asked[-1]["messages"][-1]) == ["image_url", "text"], "its turn is left out"


async def test_a_picture_of_a_forgotten_turn_is_shown_where_it_came_again_and_once(
    engine: OpenAIEngine, server: Server
) -> None:
    shown, lost = picture("a", 1), picture("b", 2)
    turns = (turn("1", "q1", "a1", again=(shown, lost)), turn("2", "q2", "a2", again=(shown,)))
    asked = replace(dialogue("And now?", turns=turns, stored={"a": PNG}), again=(lost,))
    _, answered = await answer(engine, asked)
    questions = server.asked[0]["messages"][::2]
    assert [kinds(message) for message in questions] == [["image_url", "text"], ["text"], ["text"]]
    assert answered.notices == ("Picture 2 is no longer stored. Please post it again.",)


async def test_a_picture_that_came_again_with_an_unanswered_question_goes_out_where_no_turn_shows_it(
    engine: OpenAIEngine, server: Server
) -> None:
    shown = picture("a", 1)
    lost = turn("2", "Lost", "", again=(shown,))
    for turns in ((lost,), (turn("1", "q1", "a1", shown), lost)):
        await answer(engine, dialogue("And now?", turns=turns, stored={"a": PNG}))
    alone, known = [asked["messages"] for asked in server.asked]
    assert [kinds(message) for message in alone] == [["image_url", "text"]]
    assert [kinds(message) for message in known[::2]] == [["image_url", "text"], ["text"]]


def test_a_data_uri_names_the_kind_of_the_stored_form() -> None:
    assert data_uri(PNG).startswith("data:image/png;base64,iVBORyAx")
