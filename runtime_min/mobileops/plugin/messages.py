"""Messages between plugins, as the two sides see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from mobileops.plugin.host import Host

DEFAULT_TIMEOUT_S: Final = 30.0


class Sender(str):
    """The name of the plugin that sent a message, vouched for by the platform.

    Attributes:
        message_id: which message `send_response` answers.
    """

    __slots__ = ("message_id",)

    message_id: int

    def __new__(cls, name: str, message_id: int) -> Self:
        """Keep the number beside the name."""
        sender = super().__new__(cls, name)
        sender.message_id = message_id
        return sender


class Reply:
    """What will come back for a message; need not be looked at."""

    __slots__ = ("_host", "message_id")

    def __init__(self, host: Host, message_id: int) -> None:
        """Refer to a message that was sent."""
        self._host = host
        self.message_id = message_id

    def result(self, timeout: float = DEFAULT_TIMEOUT_S) -> Any:  # noqa: ANN401  whatever the other plugin sends
        """Wait for the response and return it; once.

        Args:
            timeout: seconds.

        Raises:
            CallError: none came in time.
            PluginGone: the other plugin ended before it responded.
            NotFoundError: the response was taken already, or was not taken for so long that it was dropped.
        """
        return self._host.ask("message.result", {"id": self.message_id, "timeout_s": timeout})
