"""The way to an endpoint, as botocore's settings have it: proxy and TLS. urllib3 goes it."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidConfigError,
    ProxyConnectionError,
    SSLError,
)
from botocore.httpsession import ProxyConfiguration, create_urllib3_context, get_cert_path, mask_proxy_url
from botocore.utils import get_environ_proxies, is_valid_endpoint_url
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError as NotConnectedInTime
from urllib3.exceptions import NewConnectionError
from urllib3.util.ssl_match_hostname import CertificateError
from urllib3.util.url import parse_url

_SOCKET_OPTIONS: list[tuple[int, int, int | bytes]] = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]
_NOT_CONNECTED = (OSError, HTTPException, NewConnectionError, NotConnectedInTime, CertificateError)


class ProxyOverTlsError(InvalidConfigError):
    """The proxy is itself reached over TLS, which Route does not do."""


class Route:
    """The way to the server of ``url``, over TLS where it says https.

    Proxies come from the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY). ``ca_bundle`` is a file of
    certificates to trust instead of botocore's. Raises ValueError for what is no address,
    ProxyOverTlsError for a proxy that is itself reached over TLS, and OSError when the bundle cannot be read.
    """

    def __init__(self, url: str, *, ca_bundle: str | None, connect_timeout: float) -> None:
        if not is_valid_endpoint_url(url):
            raise ValueError(f"Invalid endpoint: {url}")
        self.url = url
        self._origin = urlsplit(url)
        self._timeout = connect_timeout
        self._proxy = _proxy(url)
        self._proxy_headers: dict[str, str] = ProxyConfiguration().proxy_headers_for(self._proxy or "")
        self._tls = _tls(ca_bundle) if self._origin.scheme == "https" else None

    @property
    def target(self) -> str:
        """What a request's first line asks for; a proxy that sees it is told the whole address."""
        path = parse_url(self.url).path or "/"
        return f"{self._origin.scheme}://{self.host}{path}" if self._forwarded else path

    @property
    def host(self) -> str:
        """The Host header: the port is left out where it goes without saying."""
        default = 443 if self._tls else 80
        host = self._origin.netloc.rpartition("@")[2]
        return host.removesuffix(f":{default}")

    @property
    def headers(self) -> dict[str, str]:
        """The headers that a proxy wants on every request that it sees."""
        return self._proxy_headers if self._forwarded else {}

    def open(self) -> HTTPConnection:
        """A connection, established. Raises what botocore raises when there is none to be had."""
        connection = self._connection()
        try:
            connection.connect()
        except _NOT_CONNECTED as error:
            connection.close()
            raise self._unreached(error) from error
        return connection

    @property
    def _forwarded(self) -> bool:
        return bool(self._proxy) and not self._tls

    def _connection(self) -> HTTPConnection:
        first = urlsplit(self._proxy) if self._proxy else self._origin
        host, port = first.hostname or "", first.port
        if self._tls is None:
            return HTTPConnection(host, port, timeout=self._timeout, socket_options=_SOCKET_OPTIONS)
        if not self._proxy:
            return self._secured(host, port or 443, self._tls)
        connection = self._secured(host, port or 80, self._tls)
        connection.set_tunnel(self._origin.hostname or "", self._origin.port or 443, self._proxy_headers)
        return connection

    def _secured(self, host: str, port: int, tls: ssl.SSLContext) -> HTTPSConnection:
        connection = HTTPSConnection(
            host, port, timeout=self._timeout, socket_options=_SOCKET_OPTIONS, ssl_context=tls
        )
        # The certificate must name the host that is asked for; urllib3 1.26 has no default for that.
        connection.assert_hostname = None
        return connection

    def _unreached(self, error: Exception) -> BotoCoreError:
        if isinstance(error, ssl.SSLError | CertificateError):
            return SSLError(endpoint_url=self.url, error=error)
        if self._proxy:
            return ProxyConnectionError(proxy_url=mask_proxy_url(self._proxy), error=error)
        if isinstance(error, NewConnectionError):
            return EndpointConnectionError(endpoint_url=self.url, error=error)
        if isinstance(error, NotConnectedInTime | TimeoutError):
            return ConnectTimeoutError(endpoint_url=self.url, error=error)
        return ConnectionClosedError(endpoint_url=self.url, error=error)


def _proxy(url: str) -> str | None:
    proxy: str | None = ProxyConfiguration(get_environ_proxies(url)).proxy_url_for(url)
    if proxy and proxy.startswith("https:"):
        raise ProxyOverTlsError(
            error_msg="the lean transport reaches a proxy over plain HTTP only: set SQS_TRANSPORT=boto3"
        )
    return proxy


def _tls(ca_bundle: str | None) -> ssl.SSLContext:
    context: ssl.SSLContext = create_urllib3_context()
    # Read once for all connections: urllib3 would read a file that it is given at each of them.
    context.load_verify_locations(ca_bundle or get_cert_path(True))
    return context
