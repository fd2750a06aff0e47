"""Lambda: functions with their versions, aliases and layers, as a rollout needs them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from blackcat.adapters_aws.calls import AwsCalls, Response
from blackcat.adapters_aws.clients import AwsOptions
from blackcat.application.packaging.limits import MAX_ZIPPED
from blackcat.application.packaging.target import Target
from blackcat.application.rollout.ports import LATEST, Alias, Answer, Configuration, Status, Version
from blackcat.errors import ConditionFailed, FunctionNotFound, InvalidRequest, RemoteError

# A revision that is no longer the newest, and a change while another one is under way.
# https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
_OVERTAKEN = ("PreconditionFailedException", "ResourceConflictException")
_OTHER_CODE = "is different from current CodeSHA256"  # an InvalidParameterValueException
# Longer than any invocation.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_INVOCATION = timedelta(minutes=16)
_PREVIOUS = re.compile(r"previous version: (\d+)")
_SHA256 = "sha256:{}"
# What a rollout leaves as it is. The parts that only Lambda itself changes are not told.
_OTHERS = (
    "DeadLetterConfig",
    "EphemeralStorage",
    "FileSystemConfigs",
    "KMSKeyArn",
    "LoggingConfig",
    "Role",
    "TracingConfig",
)


class LambdaFunctions:
    """The functions of an account and region. Zips over 50 MB go through ``bucket``.

    Needs ``lambda:GetFunctionConfiguration``, ``ListVersionsByFunction``, ``UpdateFunctionCode``,
    ``UpdateFunctionConfiguration``, ``PublishVersion``, ``InvokeFunction`` and ``GetLayerVersion``; to
    create one also ``CreateFunction`` and ``iam:PassRole``; with a bucket ``s3:PutObject`` and ``GetObject``.
    https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html
    """

    def __init__(self, options: AwsOptions, *, bucket: str | None = None) -> None:
        self._calls = _LambdaCalls(options)
        # Where no answer came the function may have run: it is not ours to run it again.
        self._invocations = _LambdaCalls(replace(options, read_timeout=_INVOCATION, attempts=1))
        self._uploads = _Uploads(options, bucket)

    def version(self, function: str, number: str = LATEST) -> Version:
        qualifier = {} if number == LATEST else {"Qualifier": number}
        return _version(
            self._calls.call("GetFunctionConfiguration", function, FunctionName=function, **qualifier)
        )

    def published(self, function: str) -> Sequence[Version]:
        pages = self._calls.pages("ListVersionsByFunction", "Versions", function, FunctionName=function)
        versions = [_version(one) for one in pages if one["Version"] != LATEST]
        return sorted(versions, key=lambda version: int(version.number), reverse=True)

    def create(self, function: str, code: Path, configuration: Configuration, *, role: str) -> None:
        self._calls.call(
            "CreateFunction",
            function,
            FunctionName=function,
            Role=role,
            Code=self._uploads.content(code),
            Architectures=[configuration.architecture],
            **_settings(configuration),
        )

    def update_code(self, function: str, code: Path, *, architecture: str, revision: str) -> None:
        self._calls.call(
            "UpdateFunctionCode",
            function,
            FunctionName=function,
            Architectures=[architecture],
            RevisionId=revision,
            **self._uploads.content(code),
        )

    def configure(self, function: str, configuration: Configuration, *, revision: str) -> None:
        self._calls.call(
            "UpdateFunctionConfiguration",
            function,
            FunctionName=function,
            RevisionId=revision,
            **_settings(configuration),
        )

    def publish(self, function: str, *, code_sha256: str, revision: str) -> Version:
        answer = self._calls.call(
            "PublishVersion",
            function,
            FunctionName=function,
            CodeSha256=_base64(code_sha256),
            RevisionId=revision,
        )
        return _version(answer)

    def invoke(self, function: str, number: str, event: bytes) -> Answer:
        answer = self._invocations.call(
            "Invoke", function, FunctionName=function, Qualifier=number, Payload=event
        )
        return Answer(answer["Payload"].read(), failed="FunctionError" in answer)


class LambdaAliases:
    """The aliases of functions; the version before stands in an alias's description.

    Needs ``lambda:GetAlias``, ``CreateAlias`` and ``UpdateAlias``.
    """

    def __init__(self, options: AwsOptions) -> None:
        self._calls = _LambdaCalls(options)

    def find(self, function: str, name: str) -> Alias | None:
        try:
            return _alias(self._calls.call("GetAlias", function, FunctionName=function, Name=name))
        except FunctionNotFound:
            return None

    def create(self, function: str, name: str, version: str) -> Alias:
        return _alias(
            self._calls.call(
                "CreateAlias", function, FunctionName=function, Name=name, FunctionVersion=version
            )
        )

    def move(self, function: str, alias: Alias, version: str) -> Alias:
        answer = self._calls.call(
            "UpdateAlias",
            function,
            FunctionName=function,
            Name=alias.name,
            FunctionVersion=version,
            Description=f"previous version: {alias.version}",
            RoutingConfig={"AdditionalVersionWeights": {}},  # a share of the traffic for another one ends
            RevisionId=alias.revision,
        )
        return _alias(answer)


class LambdaLayers:
    """The layers of an account and region; a version's description tells its hash.

    Needs ``lambda:ListLayerVersions``, ``GetLayerVersion`` and ``PublishLayerVersion``.
    """

    def __init__(self, options: AwsOptions, *, bucket: str | None = None) -> None:
        self._calls = _LambdaCalls(options)
        self._uploads = _Uploads(options, bucket)

    def find(self, name: str, sha256: str) -> str | None:
        for one in self._calls.pages("ListLayerVersions", "LayerVersions", name, LayerName=name):
            if one.get("Description") == _SHA256.format(sha256) and self._is(name, one["Version"], sha256):
                arn: str = one["LayerVersionArn"]
                return arn
        return None

    def publish(self, name: str, content: Path, *, sha256: str, targets: Sequence[Target]) -> str:
        answer = self._calls.call(
            "PublishLayerVersion",
            name,
            LayerName=name,
            Description=_SHA256.format(sha256),
            Content=self._uploads.content(content),
            CompatibleRuntimes=sorted({target.runtime for target in targets}),
            CompatibleArchitectures=sorted({target.architecture for target in targets}),
        )
        arn: str = answer["LayerVersionArn"]
        return arn

    def _is(self, name: str, number: int, sha256: str) -> bool:
        """Descriptions are anybody's to write: what the layer holds is asked for, too."""
        answer = self._calls.call("GetLayerVersion", name, LayerName=name, VersionNumber=number)
        return bool(answer["Content"]["CodeSha256"] == _base64(sha256))


class _LambdaCalls:
    def __init__(self, options: AwsOptions) -> None:
        self._calls = AwsCalls("lambda", options)

    def call(self, operation: str, resource: str, **parameters: Any) -> Response:
        """Raises ConditionFailed for what another rollout came before, and RemoteError."""
        try:
            return self._calls.read(operation, resource, **parameters)
        except InvalidRequest as error:
            if error.code in _OVERTAKEN or _OTHER_CODE in error.detail:
                raise _as_condition(error) from error
            raise

    def pages(self, operation: str, items: str, resource: str, **parameters: Any) -> Iterator[Response]:
        marker: dict[str, str] = {}
        while True:
            answer = self.call(operation, resource, **parameters, **marker)
            yield from answer[items]
            if not answer.get("NextMarker"):
                return
            marker = {"Marker": answer["NextMarker"]}


class _Uploads:
    """How a zip gets to Lambda: in the call itself, or through S3 where it is too large for that."""

    def __init__(self, options: AwsOptions, bucket: str | None) -> None:
        self._calls = AwsCalls("s3", options)
        self._bucket = bucket

    def content(self, path: Path) -> dict[str, Any]:
        body = path.read_bytes()
        if self._bucket is None or len(body) <= MAX_ZIPPED:
            return {"ZipFile": body}
        key = f"blackcat/{hashlib.sha256(body).hexdigest()}.zip"
        self._calls.read("PutObject", self._bucket, Bucket=self._bucket, Key=key, Body=body)
        return {"S3Bucket": self._bucket, "S3Key": key}


def _as_condition(error: RemoteError) -> ConditionFailed:
    return ConditionFailed(
        error.detail,
        service=error.service,
        operation=error.operation,
        resource=error.resource,
        code=error.code,
        request_id=error.request_id,
    )


def _settings(configuration: Configuration) -> dict[str, Any]:
    return {
        "Runtime": configuration.runtime,
        "Handler": configuration.handler,
        "MemorySize": configuration.memory,
        "Timeout": configuration.timeout,
        "Environment": {"Variables": dict(configuration.environment)},
        "Layers": list(configuration.layers),
    }


def _version(answer: Mapping[str, Any]) -> Version:
    return Version(
        number=answer["Version"],
        revision=answer.get("RevisionId", ""),
        code_sha256=base64.b64decode(answer["CodeSha256"]).hex(),
        configuration=_configuration(answer),
        status=_status(answer),
        reason=answer.get("LastUpdateStatusReason") or answer.get("StateReason") or "",
    )


def _configuration(answer: Mapping[str, Any]) -> Configuration:
    others = {name: answer[name] for name in _OTHERS if answer.get(name)}
    network = answer.get("VpcConfig") or {}
    # Ids, which Lambda lists in no promised order.
    others["VpcConfig"] = {name: sorted(network.get(name, ())) for name in ("SubnetIds", "SecurityGroupIds")}
    others["SnapStart"] = answer.get("SnapStart", {}).get("ApplyOn", "None")
    return Configuration(
        runtime=answer.get("Runtime", ""),
        architecture=answer.get("Architectures", ["x86_64"])[0],
        handler=answer.get("Handler", ""),
        memory=answer["MemorySize"],
        timeout=answer["Timeout"],
        environment=answer.get("Environment", {}).get("Variables", {}),
        layers=tuple(layer["Arn"] for layer in answer.get("Layers", ())),
        others=json.dumps(others, sort_keys=True),
    )


def _status(answer: Mapping[str, Any]) -> Status:
    """https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""
    states = (answer.get("State"), answer.get("LastUpdateStatus"))
    if "Failed" in states:
        return Status.FAILED
    return Status.PENDING if states[0] == "Pending" or states[1] == "InProgress" else Status.READY


def _alias(answer: Mapping[str, Any]) -> Alias:
    before = _PREVIOUS.search(answer.get("Description", ""))
    return Alias(
        name=answer["Name"],
        version=answer["FunctionVersion"],
        previous=before[1] if before else None,
        revision=answer.get("RevisionId", ""),
    )


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
