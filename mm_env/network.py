"""What providers of prices and of headlines share: retries, addresses without secrets, the client of Massive."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from mm_env.errors import SourceError, UsageError
from mm_env.interrupt import pause

T = TypeVar("T")
BUSY_STATUSES = (429, 500, 502, 503, 504)
"""HTTP statuses after which a request is retried."""
MASSIVE_KEY_VARIABLES = ("MASSIVE_API_KEY", "POLYGON_API_KEY")
_MOST_KNOWN = 20_000
_LONGEST_REASON = 300  # characters


class ServerBusy(Exception):
    """An answer after which a request is retried.

    retry_after: [s] that the server asks to wait, None where it does not
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        """Keep both."""
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which waits, a request to a busy server is retried.

    retries: after the first request
    backoff_seconds: [s] before the first retry, doubled for each further one, where the server does not name a wait
    longest_wait_seconds: [s] a server that asks for a longer wait is not retried
    stop: checked while waiting
    """

    retries: int = 6
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    stop: Callable[[], bool] = lambda: False

    def wait(self, k: int, retry_after: float | None) -> float | None:
        """Seconds before retry k, counted from 0; None where there is no further retry."""
        if k >= self.retries or (retry_after or 0.0) > self.longest_wait_seconds:
            return None
        return min(self.backoff_seconds * 2.0**k, self.longest_wait_seconds) if retry_after is None else retry_after

    def call(self, name: str, request: Callable[[], T]) -> T:
        """Return the answer; raises SourceError where the server stays busy, Stopped where `stop()` becomes true."""
        k = 0
        while True:
            try:
                return request()
            except ServerBusy as error:
                busy = error
            wait = self.wait(k, busy.retry_after)
            if wait is None:
                asked = "" if busy.retry_after is None else f", asks to wait {busy.retry_after:g} s"
                raise SourceError(f"{name}: {busy}{asked}; asked {k + 1} times")
            pause(wait, self.stop)
            k += 1

    def for_urllib3(self, *, raise_on_status: bool) -> Any:
        """Return this policy as `urllib3.util.Retry`.

        raise_on_status: raise where the server stays busy, instead of returning its last answer
        """
        from urllib3.exceptions import MaxRetryError, ResponseError
        from urllib3.util import Retry

        policy = self

        class Waiting(Retry):
            def increment(self, *arguments: Any, **named: Any) -> Retry:  # type: ignore[override]
                response = named.get("response")
                wait = None if response is None else self.get_retry_after(response)
                if wait is not None and wait > policy.longest_wait_seconds:
                    reason = ResponseError(f"HTTP {response.status}, asks to wait {wait:g} s")  # type: ignore[union-attr]
                    raise MaxRetryError(named.get("_pool"), "", reason)  # type: ignore[arg-type]
                return super().increment(*arguments, **named)

            def sleep(self, response: Any = None) -> None:
                wait = None if response is None else self.get_retry_after(response)
                pause(self.get_backoff_time() if wait is None else wait, policy.stop)

        return Waiting(
            total=self.retries, status_forcelist=BUSY_STATUSES, backoff_factor=self.backoff_seconds,
            backoff_jitter=self.backoff_seconds, backoff_max=self.longest_wait_seconds, raise_on_status=raise_on_status,
        )  # fmt: skip


def retry_after(headers: Any) -> float | None:
    """[s] that an answer asks to wait, in seconds or as a date; None where it does not."""
    from email.utils import parsedate_to_datetime

    text = str((headers or {}).get("Retry-After") or "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


class KnownItems:
    """Identities of the latest items that were seen; the oldest of more than 20,000 are forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def __contains__(self, identity: str) -> bool:
        return identity in self._known

    def add(self, identity: str) -> bool:
        """Store an identity; return whether it is new."""
        if identity in self._known:
            return False
        self._known[identity] = None
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return True


def check_address(address: str, name: str = "address") -> None:
    """Raise UsageError for an address without http(s) or a host; `name` stands in the message."""
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
        raise UsageError(f"{name} {address!r}: expected an address that begins with http:// or https://")


def public_address(url: str) -> str:
    """Return an address without what may be secret: user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


def without_passwords(text: str) -> str:
    """Return a message on one line without the user and password of the addresses in it."""
    return re.sub(r"//[^/@\s]*@", "//", " ".join(text.split()))


class MassiveClient:
    """REST client of Massive (formerly Polygon.io). Its key is read from the environment alone, and no error holds it."""

    def __init__(self, base_url: str | None, timeout_seconds: float, retry: RetryPolicy) -> None:
        """Prepare requests; none is sent yet.

        base_url: of a mirror or a proxy in place of the provider

        Raises UsageError without a key in `MASSIVE_KEY_VARIABLES` and for an invalid address, ImportError where the client
        library is not installed.
        """
        from massive import RESTClient

        options: dict[str, Any] = {}
        if base_url is not None:
            check_address(base_url)
            options["base"] = base_url.rstrip("/")
        self._key = _massive_key()
        self._rest: Any = RESTClient(
            self._key, connect_timeout=timeout_seconds, read_timeout=timeout_seconds,
            connection_pool_kw={"retries": retry.for_urllib3(raise_on_status=True)}, custom_json=_StrictJson, **options,
        )  # fmt: skip

    def items(self, name: str, request: Callable[[Any], Iterable[T]]) -> Iterator[T]:
        """Yield what `request(client)` yields, over all pages; raises SourceError, which begins with `name`."""
        from massive.exceptions import BadResponse
        from urllib3.exceptions import HTTPError

        try:
            yield from request(self._rest)
            return
        except BadResponse as error:
            reason = str(error)
        except HTTPError as error:
            reason = f"no answer: {getattr(error, 'reason', None) or error}"
        except (AttributeError, TypeError, ValueError) as error:
            reason = f"an answer that cannot be read: {error}"
        # raised outside, as the error that it came from may hold the key
        raise SourceError(f"{name}: {' '.join(reason.replace(self._key, '(key)').split())[:_LONGEST_REASON]}")


def _massive_key() -> str:
    key = next((value for name in MASSIVE_KEY_VARIABLES if (value := os.environ.get(name, "").strip())), None)
    if key is None:
        raise UsageError(f"massive: no key: expected one in the environment variable {' or '.join(MASSIVE_KEY_VARIABLES)}")
    return key


class _StrictJson:
    """Decodes answers; the client's own decoder returns nothing for an answer that is not JSON."""

    @staticmethod
    def loads(text: str) -> Any:
        """Return what the text holds; raises TypeError for what is not JSON, which the client does not swallow."""
        try:
            return json.loads(text)
        except ValueError as error:
            raise TypeError(f"no JSON: {error}") from None
