"""How large a server's reply may be, and how long it may take to come in: HTTP clients bound neither.

httpx2 is the library under the vendor's client.
"""

import time
from collections.abc import Callable, Iterator

import httpx2

MAX_BYTES = 4 * 2**20


def bounded(seconds: float) -> Callable[[httpx2.Response], None]:
    """A hook for responses: reading one fails as a broken connection does where it is too large or takes too long.

    Args:
        seconds: From the headers to the end.
    """

    def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.ReadError("it is compressed, which was not asked for")  # it could be of any size
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Bounded(response.stream, time.monotonic() + seconds)

    return bound


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        num_bytes = 0
        for chunk in self._stream:
            num_bytes += len(chunk)
            if num_bytes > MAX_BYTES:
                raise httpx2.ReadError(f"more than {MAX_BYTES:,} bytes")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("too slow")
            yield chunk

    def close(self) -> None:
        self._stream.close()
