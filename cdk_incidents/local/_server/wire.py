"""REST-JSON and JSON 1.1 as AWS speaks them, driven by botocore's model of the service."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel

from .constraints import violations, wrong_type
from .errors import ServiceError, invalid
from .faults import CREDENTIALS

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape


@dataclass(frozen=True)
class Request:
    """An HTTP request, read to its end."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Response:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0  # how late it is


class Wire:
    """Reads requests of one service and writes its answers."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._rest = self._model.metadata["protocol"] == "rest-json"

    @cached_property
    def _model(self) -> ServiceModel:
        return ServiceModel(Loader().load_service_model(self.service, "service-2"), self.service)

    @cached_property
    def _routes(self) -> list[tuple[str, re.Pattern[str], OperationModel]]:
        routes = []
        for name in self._model.operation_names:
            operation = self._model.operation_model(name)
            pattern = re.sub(r"\\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(operation.http["requestUri"]))
            routes.append((operation.http["method"], re.compile(f"{pattern}/?"), operation))
        return routes

    def operation(self, request: Request) -> str:
        """Tell the operation that a request names, empty if the service has none such."""
        if self._rest:
            return next(
                (
                    o.name
                    for method, path, o in self._routes
                    if method == request.method and path.fullmatch(request.path)
                ),
                "",
            )
        name = request.headers.get("x-amz-target", "").rpartition(".")[2]
        return name if name in self._model.operation_names else ""

    def read(self, name: str, request: Request) -> dict[str, Any]:
        """Read the input of an operation and hold it against every constraint of the model.

        Raises
        ------
        ServiceError
            SerializationException for what is no JSON or has a wrong type, ValidationException otherwise.
        """
        operation = self._model.operation_model(name)
        shape = operation.input_shape
        if shape is None:
            return {}
        try:
            body = json.loads(request.body or b"{}")
        except ValueError as broken:
            raise ServiceError("SerializationException", f"The body is no JSON: {broken}") from None
        if not isinstance(body, dict):
            raise ServiceError("SerializationException", "The body is no JSON object")
        values = {**body, **self._located(operation, shape, request)}
        parsed = {
            name: _parse(member, values[name])
            for name, member in shape.members.items()
            if values.get(name) is not None
        }
        if problem := wrong_type(shape, parsed):
            raise ServiceError("SerializationException", problem)
        if problems := violations(shape, parsed):
            plural = "s" if len(problems) > 1 else ""
            raise invalid(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}")
        return parsed

    def _located(self, operation: OperationModel, shape: Shape, request: Request) -> dict[str, Any]:
        """Take what the model puts into the path or the query instead of the body."""
        found: dict[str, Any] = {}
        path = next(path for _, path, o in self._routes if o.name == operation.name) if self._rest else None
        match = path.fullmatch(request.path) if path else None
        for name, member in shape.members.items():
            key = member.serialization.get("name", name)
            place = member.serialization.get("location")
            if place == "uri" and match:
                found[name] = unquote(match[key])
            elif place == "querystring" and key in request.query:
                values = request.query[key]
                found[name] = values if member.type_name == "list" else values[0]
        return found

    def write(self, name: str, result: dict[str, Any]) -> Response:
        """Write an operation's result, which must be what the model says."""
        operation = self._model.operation_model(name)
        shape = operation.output_shape
        status = operation.http.get("responseCode", 200) if self._rest else 200
        if status == 204:  # noqa: PLR2004
            return Response(status, b"", _headers(self._rest))
        return Response(
            status, json.dumps(_write(shape, result) if shape else {}).encode(), _headers(self._rest)
        )

    def write_error(self, error: ServiceError) -> Response:
        """Write an error with the status and the members that the model gives it."""
        shape = next((s for s in self._model.error_shapes if s.name == error.code), None)
        unmodelled = 403 if error.code in CREDENTIALS else 400
        if error.code == "UnknownOperationException" and self._rest:
            unmodelled = 404  # the path is not there
        status = (shape.metadata.get("error") or {}).get("httpStatusCode", 400) if shape else unmodelled
        members = shape.members if shape else {}
        message = "message" if "message" in members or not members else "Message"
        # One service has resourceIdentifier, the other ResourceId.
        known = {"servicecode": self.service, "quotacode": "unknown"}
        known |= {key.lower().replace("identifier", "id"): value for key, value in error.members.items()}
        wanted = {key: key.lower().replace("identifier", "id") for key in members}
        body = {key: _write(members[key], known[name]) for key, name in wanted.items() if name in known}
        body = {"__type": error.code, **body, message: error.message}
        headers = {**_headers(self._rest), "x-amzn-errortype": error.code}
        return Response(status, json.dumps(body).encode(), headers)

    def input_shape(self, name: str) -> Shape:
        """Give the shape of an operation's input."""
        return self._model.operation_model(name).input_shape

    def is_error(self, code: str) -> bool:
        """Tell whether the model has such an error."""
        return any(shape.name == code for shape in self._model.error_shapes)

    def errors(self, name: str) -> list[str]:
        """Give the errors that the model has for an operation."""
        return [shape.name for shape in self._model.operation_model(name).error_shapes]

    @property
    def operations(self) -> list[str]:
        """The names of all operations."""
        return list(self._model.operation_names)


def _headers(rest: bool) -> dict[str, str]:  # noqa: FBT001
    kind = "application/json" if rest else "application/x-amz-json-1.1"
    return {"content-type": kind, "x-amzn-requestid": str(uuid.uuid4())}


def _parse(shape: Shape, value: Any) -> Any:
    """Read a JSON value as its shape says; a wrong type is left as it is, for `wrong_type` to tell."""
    if shape.type_name == "timestamp" and isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return dt.datetime.fromtimestamp(value, dt.timezone.utc)
        except (ValueError, OverflowError, OSError):
            return value
    if shape.type_name == "structure" and isinstance(value, dict):
        # A null is as good as nothing, and members that the model does not have are ignored, as AWS does.
        return {n: _parse(m, value[n]) for n, m in shape.members.items() if value.get(n) is not None}
    if shape.type_name == "list" and isinstance(value, list):
        return [_parse(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _parse(shape.value, item) for key, item in value.items()}
    return value


def _write(shape: Shape, value: Any) -> Any:
    if shape.type_name == "structure":
        missing = [name for name in shape.required_members if value.get(name) is None]
        if missing:
            raise AssertionError(f"the answer lacks {missing} of {shape.name}")
        return {n: _write(m, value[n]) for n, m in shape.members.items() if value.get(n) is not None}
    if shape.type_name == "list":
        return [_write(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _write(shape.value, item) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return round(value.timestamp(), 3)
    return value
