"""The worker's settings: `WORKER_*` in the environment or `.env`, and `HF_HOME` as everywhere."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from jobs.settings import Settings

GIB = 1024**3


class WorkerSettings(Settings):
    """What answers, and with how much of the machine."""

    model_config = SettingsConfigDict(env_prefix="WORKER_")

    engine: Literal["native", "openai"] = "native"
    max_sequences: int = Field(default=16, gt=0)  # answers at once
    grace_s: float = Field(default=20.0, ge=0)  # for answers in the making, when asked to stop
    status_file: Path | None = None  # how far the loading is, for whoever started this process

    # The native engine.
    model: str = "tiny"  # a hub name (microsoft/Phi-3.5-vision-instruct), a folder, or `tiny`
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    weights: Literal["auto", "int8"] = "auto"  # int8: the decoder in half the memory; see `model/int8.py`
    threads: int = Field(default=0, ge=0)  # of the CPU; 0: as many as there are, one for a small model
    context: int = Field(default=16_384, gt=256)  # tokens of a conversation that the model sees, answer included
    chunk_tokens: int = Field(default=512, gt=0)  # the most that one step prefills
    kv_gb: float = Field(default=0.0, ge=0)  # for conversations' caches; 0: from what is free
    features_gb: float = Field(default=0.5, gt=0)  # for encoded pictures
    ocr_crops: int = Field(default=16, gt=0)

    # How answers are drawn, where a job does not say otherwise.
    temperature: float = Field(default=0.0, ge=0)  # 0: greedy
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_new_tokens: int = Field(default=1000, gt=0)

    # Any OpenAI-compatible server (WORKER_ENGINE=openai).
    openai_base_url: str = "http://127.0.0.1:8000/v1"
    openai_api_key: SecretStr = SecretStr("")
    openai_model: str = "microsoft/Phi-3.5-vision-instruct"
