"""HTTP messages of the store: a form read, a failure answered."""

from collections.abc import Mapping

from aiohttp import web

from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.request import Upload


async def read_form(http: web.Request) -> tuple[dict[str, str], tuple[Upload, ...]]:
    """The fields and files of a multipart body. Raises HTTPRequestEntityTooLarge."""
    fields: dict[str, str] = {}
    uploads: list[Upload] = []
    for name, value in (await http.post()).items():
        if isinstance(value, web.FileField):
            uploads.append(Upload(name, value.file.read()))
        else:
            fields[name] = value if isinstance(value, str) else bytes(value).decode()
    return fields, tuple(uploads)


def refusal(error: StoreError, headers: Mapping[str, str], *, close: bool) -> web.Response:
    """The answer to a request that failed; `close` ends the connection with it."""
    response = web.Response(
        status=error.status,
        headers={**headers, "X-ClickHouse-Exception-Code": str(error.code)},
        text=f"{error.text}\n",
    )
    if close:
        response.force_close()
    return response
