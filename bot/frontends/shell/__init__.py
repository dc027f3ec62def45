"""The shell: ask from the terminal of the machine that answers. It needs no account and always works.

    chart = read_reference("chart.png", spool=home / "spool")
    shell = Shell(out=Console(), err=Console(stderr=True), conversations=stores.conversations)
    async with open_chat(settings, stores, frontends=[shell], lease_s=store_settings.lease_s) as responder:
        outcome = await shell.ask(responder, Question(text="What is this?", pictures=(chart,)))

`ask` prints everything there is to see: the answer, word by word, to `out`; how things stand, notices and failures to
`err`; one JSON object to `out` instead with `as_json`. The outcome says how it ended (`outcome.failure`), for an exit
code, and which conversation to give to the next `Question`. Cancelling `ask` (Ctrl-C) takes the question back.
`read_reference` blocks while it reads standard input: call it where Ctrl-C may end it, outside the event loop.
What it kept of that goes with `sweep_spool`, after the retention time.

An answer that an earlier, killed shell still owes is printed to `err` as soon as it is there.
"""

from bot.frontends.shell.frontend import Question, Shell, new_conversation
from bot.frontends.shell.outcome import Failure, Outcome
from bot.frontends.shell.reference import STANDARD_INPUT, read_reference, sweep_spool

__all__ = [
    "STANDARD_INPUT",
    "Failure",
    "Outcome",
    "Question",
    "Shell",
    "new_conversation",
    "read_reference",
    "sweep_spool",
]
