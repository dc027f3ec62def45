"""The program that opens strangers' pictures: tasks on standard input, answers on standard output.

    python -m bot.sandbox.decoder MEMORY_BYTES

It may write no file, dump no core and use no more memory than that; `pool` gives it an empty environment and watches
the time. It ends when its input does, so it never outlives the bot.
"""

import os
import sys

from PIL import Image

from bot.errors import PictureRefused
from bot.sandbox.normalise import normalise
from bot.sandbox.wire import DecodeTask, Opened, Rejected, pack, read_task

if sys.platform != "win32":
    import resource


def main() -> None:
    """Answer tasks until the input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a codec prints must not end up among the answers
    Image.preinit()
    limit_this_process(int(sys.argv[1]))
    while task := read_task(sys.stdin.buffer):
        answers.write(pack(answer_to(task)))
        answers.flush()


def answer_to(task: DecodeTask) -> Opened | Rejected:
    """The stored form, or why there is none."""
    try:
        return normalise(task)
    except PictureRefused as refusal:
        facts = {name: fact for name, fact in refusal.facts.items() if isinstance(fact, int | float | str)}
        return Rejected(leaf=type(refusal).__name__, facts=facts)


def limit_this_process(memory_bytes: int) -> None:
    """From here on, more memory than that is a `MemoryError`. macOS accepts the limit and ignores it."""
    if sys.platform != "win32":
        # RLIMIT_DATA counts what is really used; RLIMIT_AS would count every thread's reserved arena too.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
