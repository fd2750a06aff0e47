"""Lambda's calls where no answer comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from blackcat.adapters_aws import AwsOptions
from blackcat.adapters_aws.functions import LambdaFunctions
from blackcat.errors import Unreachable


class Silent(StreamRequestHandler):
    """Takes a request, and hangs up without an answer."""

    def handle(self) -> None:
        asked = self.rfile.readline().decode().split()
        if asked and isinstance(self.server, Silence):
            self.server.asked.append(asked[1])


class Silence(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Silent)
        self.asked: list[str] = []


@contextmanager
def silence() -> Iterator[Silence]:
    with Silence() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def test_an_invocation_is_made_once_though_no_answer_came(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have run, and taken somebody's money."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-nothing")
    with silence() as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        functions = LambdaFunctions(AwsOptions(region="us-east-1", endpoint_url=url))
        with pytest.raises(Unreachable):
            functions.invoke("shop", "1", b"{}")
        assert server.asked == ["/2015-03-31/functions/shop/invocations?Qualifier=1"]
