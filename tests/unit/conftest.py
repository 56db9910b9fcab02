"""Servers on loopback, and providers apart from the user's caches and keys."""

import pytest


@pytest.fixture
def serve():
    """A function that starts a server of prices for an object that answers; see `price_server`."""
    from tests.unit.price_server import Massive, Server

    servers = []

    def start(answer):
        servers.append(Server(answer))
        if isinstance(answer, Massive):
            answer.server = servers[-1]
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def apart(tmp_path_factory, monkeypatch):
    """No cache of the user, none of another test, and a key."""
    import yfinance
    from yfinance.data import YfData

    from tests.unit.price_server import KEY

    yfinance.set_tz_cache_location(str(tmp_path_factory.getbasetemp() / "yfinance"))
    YfData.cache_get.cache_clear()
    monkeypatch.setenv("MASSIVE_API_KEY", KEY)


@pytest.fixture
def server():
    """A server of headlines that plays answers in turn; see `headline_server`."""
    from tests.unit.headline_server import Server

    server = Server()
    yield server
    server.close()
