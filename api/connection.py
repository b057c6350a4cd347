"""HTTP connections of the API: what is no HTTP is answered in our error form."""

from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from api.middleware import problem
from api.reasons import QuestionReason
from seamark.service.http_faults import MESSAGES, fault_in


class Connection(RequestHandler):
    """One connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to bytes that are no HTTP request; to an error of ours, aiohttp's."""
        if status >= 500:
            return super().handle_error(request, status, exc, message)
        fault = fault_in(exc)
        answer = problem(QuestionReason(fault), MESSAGES[fault])
        answer.force_close()
        return answer


class Connections(web.Server):
    """Makes one for each that is opened."""

    def __init__(self, made: web.Server, **options: Any) -> None:
        super().__init__(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            **options,
        )

    def __call__(self) -> Connection:
        """The protocol of a new connection."""
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """As aiohttp's, with these connections."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Connections(made, **made._kwargs)
