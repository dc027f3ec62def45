"""The shell: ask from the terminal of the machine that answers. It needs no account and always works.

    shell = Shell(out=Console(), err=Console(stderr=True), conversations=stores.conversations, spool=home / "spool")
    async with open_chat(settings, stores, frontends=[shell], lease_s=store_settings.lease_s) as responder:
        outcome = await shell.ask(responder, Question(text="What is this?", pictures=("chart.png",)))

`ask` prints everything there is to see: the answer, word by word, to `out`; how things stand, notices and failures to
`err`; one JSON object to `out` instead with `as_json`. The outcome says how it ended (`outcome.failure`), for an exit
code, and which conversation to give to the next `Question`. Cancelling `ask` (Ctrl-C) takes the question back.

An answer that an earlier, killed shell still owes is printed to `err` as soon as it is there.
"""

from bot.frontends.shell.frontend import Question, Shell, new_conversation
from bot.frontends.shell.outcome import Failure, Outcome

__all__ = ["Failure", "Outcome", "Question", "Shell", "new_conversation"]
