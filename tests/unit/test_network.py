"""Retries, addresses without secrets, and identities of items that were seen."""

import pytest

from mm_env.errors import SourceError, UsageError
from mm_env.interrupt import Stopped
from mm_env.network import KnownItems, RetryPolicy, ServerBusy, check_address, public_address, retry_after, without_passwords


def test_waits_that_a_server_asks_for():
    assert (
        retry_after({"Retry-After": "2.5"}) == 2.5 and retry_after({}) is None and retry_after({"Retry-After": "x"}) is None
    )
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0.0
    retry = RetryPolicy(retries=3, backoff_seconds=2.0)
    assert [retry.wait(k, None) for k in range(4)] == [2.0, 4.0, 8.0, None]
    assert retry.wait(0, 5.0) == 5.0 and retry.wait(0, 61.0) is None
    assert RetryPolicy(longest_wait_seconds=90.0).wait(0, 61.0) == 61.0


def busy(times):
    """A request that is answered after it was refused some times, and the number of its calls."""
    calls = []

    def request():
        calls.append(1)
        if len(calls) <= times:
            raise ServerBusy("HTTP 503")
        return "answer"

    return request, calls


def test_a_busy_server_is_asked_as_often_as_the_policy_says():
    request, calls = busy(2)
    assert RetryPolicy(retries=2, backoff_seconds=0.0).call("made", request) == "answer" and len(calls) == 3
    request, calls = busy(3)
    with pytest.raises(SourceError, match="made: HTTP 503; asked 3 times"):
        RetryPolicy(retries=2, backoff_seconds=0.0).call("made", request)
    assert len(calls) == 3
    request, calls = busy(3)
    with pytest.raises(Stopped):
        RetryPolicy(backoff_seconds=60.0, stop=lambda: True).call("made", request)


@pytest.mark.parametrize("status", [True, False])
def test_the_same_policy_serves_urllib3(status):
    rule = RetryPolicy(retries=4, backoff_seconds=0.5, longest_wait_seconds=30.0).for_urllib3(raise_on_status=status)
    assert (rule.total, rule.backoff_factor, rule.backoff_max, rule.raise_on_status) == (4, 0.5, 30.0, status)
    assert rule.is_retry("GET", 503) and not rule.is_retry("GET", 404)


def test_what_may_be_secret_is_not_shown():
    assert public_address("https://me:pw@example.org:8443/a/b?token=s#x") == "https://example.org:8443/a/b"
    assert without_passwords("GET http://me:word@127.0.0.1:9/of\n  failed") == "GET http://127.0.0.1:9/of failed"


@pytest.mark.parametrize("address", ["ftp://example.org/feed", "example.org", "http://"])
def test_addresses_that_are_none(address):
    with pytest.raises(UsageError, match=f"mirror '{address}': expected an address that begins with http"):
        check_address(address, "mirror")
    check_address("https://example.org")


def test_the_oldest_of_many_identities_are_forgotten():
    known = KnownItems()
    assert known.add("a") and not known.add("a") and "a" in known
    for k in range(20_000):
        known.add(str(k))
    assert "a" not in known and "0" in known
