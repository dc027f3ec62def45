"""The chat side: front ends, intake, admission, delivery. No torch in here.

What a front end finds here, whatever its platform:

    responder.respond(mention)      accept a question; from there on its asker is told everything, the end included
    responder.stop(job)             Stop
    responder.withdraw(job)         a question taken back: it ends, and is spoken of no more
    responder.memory                what conversations keep: for how long, and how it is forgotten
    bot.memory.words_for_forgotten  what a forget removed, in a sentence
    bot.splitting.split             a long text in parts that a platform takes, no code block cut open
    bot.download                    bytes from a platform's own hosts, few redirects, each checked
    bot.errors                      NotPosted and PlaceGone for its replies, Unfetchable for its files

It does not look for addresses in what people write: `responder.respond` does, where the settings allow it. It does not
retry or pace the final text: `bot.delivery` does, and pauses for `NotPosted(reason=..., retry_after_s=...)`.
"""
