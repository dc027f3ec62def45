"""What the Hugging Face hub's client is told. It reads the environment, and people write `.env`."""

import os

from dotenv import dotenv_values

VARIABLES = ("HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE")


def tell_hub() -> None:
    """Hand over what `.env` says and the environment does not. Before the client is imported: it reads them then."""
    written = dotenv_values(".env")
    for name in VARIABLES:
        if (value := written.get(name)) and not os.environ.get(name):
            os.environ[name] = value
