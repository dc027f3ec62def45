"""The model: are its files here and whole. Looks at every file's table of contents and loads nothing."""

import importlib.util
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

from inference_worker.settings import WorkerSettings
from jobs.errors import ThreadsightError
from threadsight.doctor.finding import Finding, fail, warn, well

SERVER_PATIENCE_S = 5.0


def examine_model(settings: WorkerSettings) -> Iterator[Finding]:
    """What `WORKER_MODEL` names, or the server behind `WORKER_ENGINE=openai`."""
    if settings.engine == "openai":
        yield _examine_server(settings)
    elif importlib.util.find_spec("torch") is not None:  # the lack of it has been told
        yield _examine_files(settings.model)


def _examine_files(name: str) -> Finding:
    import torch  # noqa: PLC0415 - takes a second

    from inference_worker.model.checkpoint import count_parameters, find_folder, load_model  # noqa: PLC0415 - imports torch
    from inference_worker.presets import read_presets  # noqa: PLC0415 - the bot's container has none of it

    try:
        folder = find_folder(name) or _find_in_cache(name)
        if folder is None:
            return warn("Model", f"{name} is not on this machine yet", "it is fetched at the first start (about 8 GB)")
        # On the device `meta` every weight has its name and shape, and no bytes.
        load_model(folder, dtype=torch.bfloat16, device="meta")
        read_presets(folder)
    except ThreadsightError as error:
        return fail("Model", error.sentence, "fetch it again, or set WORKER_MODEL to another")
    return well("Model", f"{name}, {count_parameters(folder) / 1e6:,.1f} M parameters, complete")


def _find_in_cache(name: str) -> Path | None:
    """Where the hub's client keeps it, or None when it has not been fetched.

    Raises:
        ModelNotFound: it cannot be on the hub.
    """
    from inference_worker.model.checkpoint import check_hub_name  # noqa: PLC0415 - imports torch
    from inference_worker.model.hub import FILES  # noqa: PLC0415

    check_hub_name(name)
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - takes half a second
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        # Of all files the client would miss those that are never fetched, and say that nothing is here.
        return Path(snapshot_download(name, allow_patterns=FILES, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _examine_server(settings: WorkerSettings) -> Finding:
    address = f"{settings.openai_base_url.rstrip('/')}/models"
    key = settings.openai_api_key.get_secret_value()
    try:
        asked = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - the owner's own setting
        with urllib.request.urlopen(asked, timeout=SERVER_PATIENCE_S):  # noqa: S310 - the same
            return well("Model", f"the server at {settings.openai_base_url} answers")
    except urllib.error.HTTPError as error:
        advice = "correct WORKER_OPENAI_API_KEY or WORKER_OPENAI_BASE_URL"
        return fail("Model", f"the server at {settings.openai_base_url} says {error.code} {error.reason}", advice)
    except ValueError:  # its words would hold the key
        advice = "correct WORKER_OPENAI_API_KEY (it may hold a line end) or WORKER_OPENAI_BASE_URL"
        return fail("Model", f"the server at {settings.openai_base_url} cannot be asked with this key", advice)
    except (OSError, HTTPException) as error:
        advice = "start it, or correct WORKER_OPENAI_BASE_URL"
        return fail("Model", f"the server at {settings.openai_base_url} cannot be reached ({error})", advice)
