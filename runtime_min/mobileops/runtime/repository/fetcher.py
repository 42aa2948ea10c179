"""Fetch files of a repository: ``file:`` from this disk, ``http:`` and ``https:`` with bounds on time and redirects.

python-tuf bounds the length of what it asks for; this bounds the rest. A server that sends nothing for
`SILENCE_S` seconds, or fewer than `SLOWEST_BYTES_A_S` after the first `PATIENCE_S`, is given up (slow retrieval). A
redirect may not leave encryption (``https`` to ``http``) nor the web (``http`` to ``file``).
"""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SILENCE_S: Final = 10.0
PATIENCE_S: Final = 10.0
SLOWEST_BYTES_A_S: Final = 4 << 10
CHUNK_BYTES: Final = 256 << 10
MAX_REDIRECTS: Final = 3
NOT_FOUND: Final = 404
BAD_REQUEST: Final = 400
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Fetcher(FetcherInterface):
    """Connections are kept open for the length of one refresh or download.

    Args:
        user_agent: what servers are told.
        clock: seconds that only go forward.
        silence_s: longest wait for the next byte.
    """

    def __init__(
        self, user_agent: str, *, clock: Callable[[], float] = time.monotonic, silence_s: float = SILENCE_S
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
        self._clock = clock
        self._timeout = urllib3.Timeout(connect=silence_s, read=silence_s)
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._response: urllib3.BaseHTTPResponse | None = None
        self.bytes_read = 0
        self.requests = 0

    def close(self) -> None:
        """Give up what is being read, and close every connection."""
        if self._response is not None:
            self._response.close()
        for pool in self._pools.values():
            pool.clear()

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.requests += 1
        scheme = urlsplit(url).scheme
        if scheme == "file":
            return self._file(Path(unquote(urlsplit(url).path)))
        if scheme in {"http", "https"}:
            self._response = self._open(url)
            return self._body(self._response)
        message = f"not a scheme of a repository: {scheme!r}"
        raise DownloadError(message)

    def _file(self, path: Path) -> Iterator[bytes]:
        try:
            stream = path.open("rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DownloadHTTPError(str(error), NOT_FOUND) from error
        return self._chunks(stream.read, stream.close)

    def _open(self, url: str) -> urllib3.BaseHTTPResponse:
        for _ in range(MAX_REDIRECTS + 1):
            response = self._request(url)
            if response.status not in REDIRECTS:
                if response.status >= BAD_REQUEST:
                    response.close()
                    message = f"HTTP status {response.status}"
                    raise DownloadHTTPError(message, response.status)
                return response
            response.close()
            url = _followed(url, response.headers.get("Location", ""))
        message = f"more than {MAX_REDIRECTS} redirects"
        raise DownloadError(message)

    def _request(self, url: str) -> urllib3.BaseHTTPResponse:
        try:
            return self._pool(url).request(
                "GET",
                url,
                headers=self._headers,
                timeout=self._timeout,
                preload_content=False,
                redirect=False,
                retries=urllib3.Retry(connect=1, read=0, redirect=0, status=0, other=0),
            )
        except urllib3.exceptions.MaxRetryError as error:
            if isinstance(error.reason, urllib3.exceptions.ReadTimeoutError):
                raise SlowRetrievalError from error
            raise

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxies = urllib.request.getproxies()
        bypassed = urllib.request.proxy_bypass(parts.hostname or "")
        proxy = None if bypassed else proxies.get(parts.scheme) or proxies.get("all")
        if proxy not in self._pools:
            self._pools[proxy] = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        return self._pools[proxy]

    def _body(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from self._chunks(response.read1, response.release_conn)
        except urllib3.exceptions.ReadTimeoutError as error:
            response.close()
            raise SlowRetrievalError from error
        except BaseException:  # the length of what python-tuf takes is bounded: the rest is not read
            response.close()
            raise

    def _chunks(self, read: Callable[[int], bytes], done: Callable[[], None]) -> Iterator[bytes]:
        began, received = self._clock(), 0
        try:
            while chunk := read(CHUNK_BYTES):
                received += len(chunk)
                self.bytes_read += len(chunk)
                passed = self._clock() - began
                if passed > PATIENCE_S and received < SLOWEST_BYTES_A_S * (passed - PATIENCE_S):
                    message = f"{received} bytes in {passed:.0f} s"
                    raise SlowRetrievalError(message)
                yield chunk
        finally:
            done()


def _followed(url: str, location: str) -> str:
    """Return where a redirect leads, if it may lead there."""
    target = urljoin(url, location)
    allowed = {"https"} if urlsplit(url).scheme == "https" else {"http", "https"}
    if not location or urlsplit(target).scheme not in allowed:
        message = f"a redirect from {url!r} to {target!r} is not followed"
        raise DownloadError(message)
    return target
