"""boto3's clients: one per service, region and address in each process.

botocore makes them, here as under boto3; what boto3 adds (resources, S3 transfers) is not loaded.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace
from typing import Any, Literal

import botocore
import botocore.session
from botocore.config import Config
from botocore.credentials import create_credential_resolver
from botocore.exceptions import BotoCoreError
from botocore.utils import validate_region_name

from blackcat.adapters_aws.call_metrics import count_throttles
from blackcat.adapters_aws.credentials import ProcessCredentials
from blackcat.adapters_aws.endpoints import configured_url
from blackcat.adapters_aws.spans import add_trace_header
from blackcat.application.events import EventLog
from blackcat.errors import ConfigurationError

Transport = Literal["boto3", "lean"]

ATTEMPTS = 3
CONNECT_TIMEOUT = timedelta(seconds=5)
READ_TIMEOUT = timedelta(seconds=30)  # longer than the longest poll, which SQS answers after 20 seconds

log = EventLog(__name__)


@dataclass(frozen=True, kw_only=True)
class AwsOptions:
    """Where and how AWS is called.

    Without ``region`` AWS_REGION holds, then what boto3 knows (AWS_DEFAULT_REGION, the profile).
    ``endpoint_url`` leads to an emulator instead of AWS; without it AWS's own configuration holds, such as
    AWS_ENDPOINT_URL_SQS before AWS_ENDPOINT_URL. With ``dry_run`` writes are logged and not
    sent. ``pool_size`` is the number of connections kept per client: one for each thread that calls.
    ``sqs_transport`` is who makes SQS's hot calls: boto3's client, or the lean transport, which takes a
    fraction of the CPU time for them and starts without that client. ``read_timeout`` is how long an answer
    may take (and a connection, 5 seconds at most), ``attempts`` how often a call is tried that got none, or
    one that asks to try again.
    """

    region: str | None = None
    endpoint_url: str | None = None
    dry_run: bool = False
    pool_size: int = 20
    sqs_transport: Transport = "boto3"
    read_timeout: timedelta = READ_TIMEOUT
    attempts: int = ATTEMPTS


def client(service: str, options: AwsOptions) -> Any:
    """The process's client for that service; made at the first call, safe to share between threads.

    Calls are tried again in botocore's standard mode. Raises ConfigurationError when the
    region is missing, or AWS's configuration on this machine is wrong.
    """
    return _clients.get(service, options)


def endpoint_url(service: str, options: AwsOptions) -> str | None:
    """The address that options, environment or profile lead to; None for AWS's own.

    AWS_ENDPOINT_URL_SQS goes before AWS_ENDPOINT_URL, and the environment before a profile. Raises
    ConfigurationError.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    return _clients.endpoint_url(service, options)


def credentials_renewable() -> bool:
    """Whether the process's credentials come from a provider that gives others when they end."""
    return _clients.credentials.renewable


class _Clients:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Any = None
        self._region = ""
        self.credentials = ProcessCredentials(self._found_credentials)
        self._made: dict[tuple[Any, ...], Any] = {}

    def get(self, service: str, options: AwsOptions) -> Any:
        # Sessions are not thread-safe, and two clients made at once would read credentials twice.
        with self._lock:
            region = options.region or os.environ.get("AWS_REGION") or self._default_region()
            transport = options.sqs_transport if service == "sqs" else "boto3"
            place = (service, region, options.endpoint_url, transport, os.environ.get("AWS_ENDPOINT_URL"))
            key = (*place, options.pool_size, options.read_timeout, options.attempts)
            if key not in self._made:
                self._made[key] = self._make(service, region, transport, options)
            return self._made[key]

    def endpoint_url(self, service: str, options: AwsOptions) -> str | None:
        if options.endpoint_url:
            return options.endpoint_url
        try:
            with self._lock:
                return configured_url(self._opened_session(), service)
        except BotoCoreError as error:
            raise ConfigurationError(f"AWS's configuration cannot be read: {error}") from error

    def _default_region(self) -> str:
        try:
            region: str | None = self._opened_session().get_config_variable("region")
        except BotoCoreError as error:
            raise ConfigurationError(f"AWS_REGION is not set, and no profile tells it: {error}") from error
        if not region:
            raise ConfigurationError("no AWS region is set: set AWS_REGION, such as AWS_REGION=eu-west-1")
        return region

    def _opened_session(self) -> Any:
        if self._session is None:
            self._session = botocore.session.get_session()
            self._session.register_component(
                "credential_provider", SimpleNamespace(load_credentials=lambda: self.credentials)
            )
        return self._session

    def _found_credentials(self) -> Any:
        """Those of the first provider that has some; providers remember, so they are made anew each time."""
        with self._lock:
            session = self._opened_session()
            # A role is taken by asking STS for it, in this region.
            resolver = create_credential_resolver(session, region_name=self._region)
        return resolver.load_credentials()

    def _make(self, service: str, region: str, transport: Transport, options: AwsOptions) -> Any:
        self._region = self._region or region
        make = self._lean if transport == "lean" else self._stock
        try:
            return make(service, region, options.endpoint_url, _config(service, options))
        except (BotoCoreError, ValueError, OSError) as error:
            raise ConfigurationError(
                f"no {service} client can be made for region '{region}': {error}; "
                "check AWS_REGION, AWS_ENDPOINT_URL, AWS_PROFILE and AWS_CA_BUNDLE"
            ) from error

    def _stock(self, service: str, region: str, endpoint_url: str | None, config: Any) -> Any:
        session = self._opened_session()
        made = session.create_client(service, region_name=region, endpoint_url=endpoint_url, config=config)
        made.meta.events.register("needs-retry", self.credentials.retry_refused)
        count_throttles(made.meta.events)
        if service == "sns":  # whose messages have no place for it of their own
            made.meta.events.register("before-call", add_trace_header)
        return made

    def _lean(self, service: str, region: str, endpoint_url: str | None, config: Any) -> Any:
        # Whoever has not chosen it does not load it.
        from blackcat.adapters_aws import endpoints
        from blackcat.adapters_aws.lean import LeanSqs
        from blackcat.adapters_aws.routes import ProxyOverTlsError

        validate_region_name(region)
        session = self._opened_session()
        stock = AwsOptions(region=region, endpoint_url=endpoint_url, pool_size=config.max_pool_connections)
        try:
            return LeanSqs(
                endpoint_url or endpoints.endpoint_url(session, service, region),
                region=region,
                credentials=self.credentials,
                config=config,
                ca_bundle=session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE"),
                stock=lambda: self.get(service, stock),
                retry_refused=self.credentials.retry_refused,
            )
        except ProxyOverTlsError as error:
            log.warning("sqs.lean_not_used", reason=str(error))
            return self._stock(service, region, endpoint_url, config)


def _config(service: str, options: AwsOptions) -> Any:
    return Config(
        retries={"mode": "standard", "total_max_attempts": options.attempts},
        connect_timeout=min(CONNECT_TIMEOUT, options.read_timeout).total_seconds(),
        read_timeout=options.read_timeout.total_seconds(),
        max_pool_connections=options.pool_size,
        tcp_keepalive=True,
        # botocore builds and cleans its own for each request, a tenth of what a call costs.
        user_agent=_user_agent(),
        # What SQS gets is checked in the domain, once, and built by our own adapter.
        parameter_validation=service != "sqs",
    )


def _user_agent() -> str:
    try:
        return f"blackcat/{version('blackcat')} botocore/{botocore.__version__}"
    except PackageNotFoundError:  # copied somewhere instead of installed
        return f"blackcat botocore/{botocore.__version__}"


_clients = _Clients()


def forget_clients() -> None:
    """Make clients, connections and credentials anew at the next calls: in a copy of this process."""
    # A forked child must neither share its parent's sockets nor wait for a lock that nobody holds there.
    global _clients
    _clients = _Clients()


os.register_at_fork(after_in_child=forget_clients)
