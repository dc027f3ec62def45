"""What can go wrong with Slack: with a call of its Web API, and with what the bot was given for it.

NotPosted
    CallLost            no answer came: nobody knows whether it took effect
    CallRefused         Slack said no; nothing has happened
    Crowded             our share of Slack's rate limit is used up; nothing was sent
PlaceGone
    WorkspaceUnknown    no token for it, or none that Slack still takes
    ScopeMissing
SettingWrong
    SlackHalfSet
Unavailable
    SlackTokenRefused
"""

from bot.errors import NotPosted, PlaceGone
from jobs.errors import Unavailable
from jobs.settings import SettingWrong

# Slack's own trouble, in its words: it passes, and the call may have taken effect.
PASSING = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})


class CallLost(NotPosted):
    """Slack did not answer {method} ({reason})."""


class CallRefused(NotPosted):
    """Slack refused {method} ({reason})."""

    passes = False

    @property
    def reason(self) -> str:
        """Slack's own word for it."""
        return str(self.facts["reason"])


class Crowded(NotPosted):
    """Slack lets this app call {method} only every now and then, and that is used up."""


class WorkspaceUnknown(PlaceGone):
    """The bot is not installed in the workspace {team} any more."""


class ScopeMissing(PlaceGone):
    """The Slack app may not do that: it needs the scope {scope}. Add it under OAuth & Permissions and reinstall."""


class SlackHalfSet(SettingWrong):
    """Slack is set up in part only: {missing} is missing."""


class SlackTokenRefused(Unavailable):
    """Slack does not take {name} ({reason})."""
