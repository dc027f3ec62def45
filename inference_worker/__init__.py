"""The model side: history, dialogue, engines, model. No chat SDK in here."""
