"""What the Hugging Face hub's client is told. It reads the environment, and people write `.env`."""

import os

from jobs.settings import read_variables

VARIABLES = ("HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE")


def tell_hub() -> None:
    """Hand over what `.env` says and the environment does not. Before the client is imported: it reads them then.

    Raises:
        SettingsUnreadable: nobody can tell what it says.
    """
    said = read_variables()
    os.environ.update({name: said[name] for name in VARIABLES if name in said})
