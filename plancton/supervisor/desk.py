"""The control socket's server: takes requests, has them done, answers. A bad request harms nothing."""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec
import zmq

from plancton.common.bus import bind_control, received, send
from plancton.common.codec import pack
from plancton.common.requests import Answer, Request, decode_request

log = logging.getLogger(__name__)
_FRAMES = 3
"""Who asks, their token, the request."""


class Desk:
    """Answers what ``handle`` makes of each request."""

    def __init__(
        self,
        context: "zmq.Context[zmq.Socket[bytes]]",
        path: Path,
        handle: Callable[[Request], Answer],
    ) -> None:
        """Bind the control socket at ``path``."""
        self.socket = bind_control(context, path)
        self._handle = handle

    def turn(self) -> None:
        """Answer what waits. A client that doesn't read its answer loses it."""
        for frames in received(self.socket):
            if len(frames) != _FRAMES:
                answer = Answer(ok=False, error=f"refused: {len(frames) - 1} frames, where a request has 2")
            else:
                answer = self._answer(frames[-1])
            if not send(self.socket, [*frames[:2], pack(answer)]):
                log.debug("a client of the control socket left before its answer")

    def _answer(self, data: bytes) -> Answer:
        request = decode_request(data)
        if isinstance(request, Answer):
            log.warning("control socket: %s", request.error)
            return request
        try:
            return self._handle(request)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            log.exception("control socket: %s failed", type(request).__name__)
            return Answer(ok=False, error=f"{type(request).__name__} failed: {error}")
