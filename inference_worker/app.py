"""Builds the worker from its settings and runs it. The only place on the model side that constructs things."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from inference_worker.answer_engine import AnswerEngine
from inference_worker.presets import Presets, read_presets
from inference_worker.sampling import SamplingDefaults
from inference_worker.service import Service
from inference_worker.settings import WorkerSettings
from inference_worker.status import StatusFile
from inference_worker.worker import Worker
from jobs.errors import ThreadsightError
from jobs.log import log_to
from jobs.redis import open_redis
from jobs.settings import StoreSettings

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """An engine ready to answer, how its questions are worded, and a sentence on what it is."""

    engine: AnswerEngine
    presets: Presets
    sentence: str


def load_native(settings: WorkerSettings, progress: Callable[[int, int], None] | None = None) -> Loaded:
    """The native engine with its model in memory, not started yet. Takes minutes with the real models.

    Raises:
        Unavailable: the model cannot be found, read or held (see `inference_worker.errors`).
    """
    # Imported here: torch takes a second, and an OpenAI-compatible worker has none.
    import torch  # noqa: PLC0415

    from inference_worker import hardware  # noqa: PLC0415
    from inference_worker.engine.async_engine import AsyncEngine  # noqa: PLC0415
    from inference_worker.engine.backends import build_backend, choose_kernel  # noqa: PLC0415
    from inference_worker.engine.engine import Engine  # noqa: PLC0415
    from inference_worker.engine.scheduler import EngineLimits  # noqa: PLC0415
    from inference_worker.image.processor import ImageProcessor  # noqa: PLC0415
    from inference_worker.model.checkpoint import find_checkpoint, load_model  # noqa: PLC0415
    from inference_worker.model.tokenizer import Tokenizer  # noqa: PLC0415
    from inference_worker.native import NativeEngine  # noqa: PLC0415
    from inference_worker.prompt import PromptBuilder  # noqa: PLC0415

    device = hardware.choose_device(settings)  # before gigabytes are fetched for a GPU that is not there
    folder = find_checkpoint(settings.model, progress=progress)
    torch.set_num_threads(hardware.choose_threads(settings, folder))
    dtype = hardware.choose_dtype(settings, device, folder)
    hardware.check_fit(settings, folder, device, dtype)
    presets = read_presets(folder)
    layout = hardware.choose_layout(settings, device, dtype)
    model = load_model(folder, dtype=dtype, device=device, layout=layout, progress=progress)
    kv_budget = hardware.kv_budget_bytes(settings, device)
    context = hardware.choose_context(settings, model, kv_budget)
    kernel = choose_kernel(device, dtype, model.config.head_dim)
    backend = build_backend(model, kernel, budget_bytes=kv_budget)
    limits = EngineLimits(
        context=context,
        max_sequences=settings.max_sequences,
        chunk_tokens=settings.chunk_tokens,
        kv_budget_bytes=kv_budget,
        features_budget_bytes=int(settings.features_gb * 1e9),
    )
    tokenizer = Tokenizer(folder)
    processor = ImageProcessor(model.config.image)
    engine = NativeEngine(
        AsyncEngine(Engine(model, backend, limits)),
        tokenizer,
        processor,
        prompts=PromptBuilder(
            tokenizer,
            lambda width, height, max_crops: processor.tile(width, height, max_crops=max_crops),
            context=context,
            max_crops=presets.max_crops,
        ),
        context=context,
        stop_ids=model.config.stop_ids,
        defaults=_sampling(settings),
    )
    kind = "int8" if settings.weights == "int8" else str(dtype).removeprefix("torch.")
    sentence = (
        f"{settings.model}, {hardware.weight_bytes(folder) / 1e6:,.0f} MB, {device} {kind}, "
        f"context {context:,} tokens, attention: {backend.name}"
    )
    return Loaded(engine=engine, presets=presets, sentence=sentence)


def build_openai(settings: WorkerSettings) -> Loaded:
    """The engine that asks an OpenAI-compatible server."""
    from inference_worker.openai_compatible import OpenAIEngine  # noqa: PLC0415 - the client takes a second

    engine = OpenAIEngine(
        base_url=settings.openai_base_url,
        api_key=settings.openai_api_key.get_secret_value(),
        model=settings.openai_model,
        defaults=_sampling(settings),
    )
    return Loaded(engine=engine, presets=Presets(), sentence=f"{settings.openai_model} at a server")


async def run(settings: WorkerSettings, store: StoreSettings) -> None:
    """Load, then work until SIGTERM or Ctrl-C.

    Raises:
        ThreadsightError: the model or Redis is not there; the status file says the same.
    """
    status = StatusFile(settings.status_file)
    try:
        async with open_redis(store.required_url(), store) as jobs:
            log.info("loading", model=settings.openai_model if settings.engine == "openai" else settings.model)
            loaded = _load(settings, status)
            service = Service(
                loaded.engine,
                queue=jobs.queue_out,
                conversations=jobs.conversations,
                pictures=jobs.pictures,
                presets=loaded.presets,
                ocr_crops=settings.ocr_crops,
            )
            worker = Worker(
                service,
                loaded.engine,
                queue=jobs.queue_out,
                reaper=jobs.reaper,
                name=f"{socket.gethostname()}-{os.getpid()}",
                room=settings.max_sequences,
                heartbeat_s=store.heartbeat_s,
                grace_s=settings.grace_s,
            )
            stopping = asyncio.Event()  # not before: while the loading blocks nobody would look at it
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopping.set)
            loaded.engine.start()
            log.info("ready", model=loaded.sentence)
            status.ready(loaded.sentence)
            try:
                await _work(worker, loaded.engine, stopping)
            finally:
                await loaded.engine.close()
    except ThreadsightError as error:
        status.failed(error.sentence)
        raise


def _load(settings: WorkerSettings, status: StatusFile) -> Loaded:
    """What the settings ask for.

    Ctrl-C ends the process meanwhile, as SIGTERM does: asyncio's own answer to it would wait for what blocks, and so
    would a download's threads for the ends of their files.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:  # as in the background of a script
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return build_openai(settings) if settings.engine == "openai" else load_native(settings, status.loading)
    finally:
        signal.signal(signal.SIGINT, before)


async def _work(worker: Worker, engine: AnswerEngine, stopping: asyncio.Event) -> None:
    """Until the worker has ended, or its engine is lost: then it ends in mid-answer, and the leases run out."""
    parts = {asyncio.create_task(worker.run(stopping)), asyncio.create_task(engine.watch())}
    try:
        ended, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in ended:
            part.result()
    finally:
        for part in parts:
            part.cancel()


def main() -> int:
    """`python -m inference_worker`: an exit code, and a plain sentence where it cannot work."""
    log_to(sys.stderr)
    try:
        asyncio.run(run(WorkerSettings.read(), StoreSettings.read()))
    except ThreadsightError as error:
        print(error.sentence, file=sys.stderr)  # noqa: T201 - a person started this
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _sampling(settings: WorkerSettings) -> SamplingDefaults:
    return SamplingDefaults(
        temperature=settings.temperature, top_p=settings.top_p, max_new_tokens=settings.max_new_tokens
    )
