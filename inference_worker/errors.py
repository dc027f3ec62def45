"""What can go wrong on the model side.

Refused                     the person can do something about it
    PictureTooNarrow
    NothingToLookAt         /ocr and /describe without any picture
    NothingToCompare        /compare with fewer than two
    QuestionTooLong
Unavailable                 somebody else must do something about it
    ModelNotFound           no such folder, or the hub has no such name
    ModelUnreachable        the hub cannot be asked, and nothing is stored
    ModelNotStored          the disk is full, or the cache is not ours to write
    ModelIncomplete         files or weights are missing, left over or of the wrong shape
    ModelUnreadable         damaged files, or only pickles
    ModelUnsupported        another architecture, or a variant of it that nothing here computes
    ModelTooLarge           not enough memory for the weights and one conversation
    CachesTooLarge          WORKER_KV_GB is more than is free
    CachesTooSmall          or less than one conversation takes
    GpuMissing              it is asked for, and torch finds none
    TorchWithoutCuda        it is asked for, and torch could use none
    EngineFailed            a step of the native engine broke; the log says why
    EngineLost              nothing is computed any more in this process; a new one may
    ServerFailed            the OpenAI-compatible server answers with an error, or not at all

The docstring of a leaf is the sentence that a person reads; see `jobs.errors`.
"""

from jobs.errors import Refused, Unavailable


class PictureTooNarrow(Refused):
    """A picture of {width} x {height} pixels is too narrow to be looked at."""


class NothingToLookAt(Refused):
    """There is no picture in this conversation yet. Please send one."""


class NothingToCompare(Refused):
    """Comparing takes at least two pictures, and this conversation has {count}. Please send another."""


class QuestionTooLong(Refused):
    """The question is too long: {tokens} tokens, and there is room for {room}. Please shorten it."""


class ModelNotFound(Unavailable):
    """There is no model at {name}: it is neither a folder here nor a name on the Hugging Face hub ({reason})."""


class ModelUnreachable(Unavailable):
    """The model {name} is not on this machine yet and the Hugging Face hub cannot be reached ({reason})."""


class ModelNotStored(Unavailable):
    """The model {name} cannot be stored on this machine ({reason}). It goes where HF_HOME says."""


class ModelIncomplete(Unavailable):
    """The model in {folder} is not complete: {problems}."""


class ModelUnreadable(Unavailable):
    """The model in {folder} cannot be read: {reason}."""


class ModelUnsupported(Unavailable):
    """The model in {folder} is not one that Threadsight can run: {reason}."""


class ModelTooLarge(Unavailable):
    """The model needs {needed_gb:.1f} GB and {free_gb:.1f} GB are free on {device}."""


class CachesTooLarge(Unavailable):
    """WORKER_KV_GB is {kv_gb:g}, and {free_gb:.1f} GB are free on {device} beside the model."""


class CachesTooSmall(Unavailable):
    """WORKER_KV_GB is {kv_gb:g}, and one short conversation takes {needed_gb:.1f} GB."""


class GpuMissing(Unavailable):
    """No GPU is found: the NVIDIA driver may be missing, or older than CUDA {cuda}. Install it, or set WORKER_DEVICE=auto (containers: COMPOSE_PROFILES=cpu)."""


class TorchWithoutCuda(Unavailable):
    """WORKER_DEVICE is cuda, and torch {torch} is built without CUDA. Install one with it, or set WORKER_DEVICE=auto."""


class EngineFailed(Unavailable):
    """The model stumbled over this question. Please ask again; the worker's log says what happened."""


class EngineLost(Unavailable):
    """The model computes nothing here any more. The worker ends; what it was answering is answered after its next start."""


class ServerFailed(Unavailable):
    """The model server cannot answer right now ({reason})."""
