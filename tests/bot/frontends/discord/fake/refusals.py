"""What Discord says no with."""


class Refusal(Exception):
    """An error response."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message


def unknown_channel() -> Refusal:
    return Refusal(404, 10003, "Unknown Channel")


def unknown_message() -> Refusal:
    return Refusal(404, 10008, "Unknown Message")


def unknown_interaction() -> Refusal:
    return Refusal(404, 10062, "Unknown interaction")


def unknown_webhook() -> Refusal:
    return Refusal(404, 10015, "Unknown Webhook")


def invalid_token() -> Refusal:
    return Refusal(401, 50027, "Invalid Webhook Token")


def already_answered() -> Refusal:
    return Refusal(400, 40060, "Interaction has already been acknowledged.")


def missing_access() -> Refusal:
    return Refusal(403, 50001, "Missing Access")


def missing_permissions() -> Refusal:
    return Refusal(403, 50013, "Missing Permissions")


def no_history() -> Refusal:
    return Refusal(403, 160002, "Cannot reply without permission to read message history")


def archived() -> Refusal:
    return Refusal(400, 50083, "Thread is archived")


def has_thread() -> Refusal:
    return Refusal(400, 160004, "A thread has already been created for this message")


def empty() -> Refusal:
    return Refusal(400, 50006, "Cannot send an empty message")


def not_ours() -> Refusal:
    return Refusal(403, 50005, "Cannot edit a message authored by another user")


def wrong_form(what: str) -> Refusal:
    return Refusal(400, 50035, f"Invalid Form Body: {what}")
