"""REST-JSON and JSON 1.1 as AWS speaks them, driven by botocore's model of the service."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import ServiceModel

from cdk_incidents.local._server.faults import CREDENTIALS

from .constraints import broken, violations
from .errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import Shape

# What JSON has for the types of the model; a timestamp is a number.
_JSON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}

# Nothing that is worked out from such a time, shifts say, leaves the calendar.
_YEARS = range(1000, 9000)
_NO_CONTENT = 204
_MODELS = Loader()


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
    def _description(self) -> dict[str, Any]:
        described: dict[str, Any] = _MODELS.load_service_model(self.service, "service-2")
        return described

    @cached_property
    def _model(self) -> ServiceModel:
        return ServiceModel(self._description, self.service)

    @cached_property
    def _routes(self) -> dict[str, tuple[str, re.Pattern[str]]]:
        """The method and the path of each operation; a label is one segment, which may be blank."""
        routes = {}
        for name in self._model.operation_names:
            http = self._model.operation_model(name).http
            path = re.sub(r"\\\{(\w+)\\}", r"(?P<\1>[^/]*)", re.escape(http["requestUri"]))
            routes[name] = http["method"], re.compile(f"{path}/?")
        return routes

    def operation(self, request: Request) -> str:
        """Tell the operation that a request names, empty if the service has none such."""
        named = request.headers.get("x-amz-target", "").rpartition(".")[2]
        fitting = (
            name
            for name, (method, path) in self._routes.items()
            if (method == request.method and path.fullmatch(request.path) if self._rest else name == named)
        )
        return next(fitting, "")

    def read(self, name: str, request: Request) -> dict[str, Any]:
        """Read the input of an operation and hold it against every constraint of the model.

        Raises
        ------
        ServiceError
            SerializationException for what is no JSON or has a wrong type, ValidationException otherwise.
        """
        shape = self.input_shape(name)
        if shape is None:
            return {}
        try:
            body = json.loads(request.body or b"{}")
        except (ValueError, RecursionError) as unread:
            raise ServiceError("SerializationException", f"The body is no JSON: {unread}") from None
        given = {**body, **self._located(name, shape, request)} if isinstance(body, dict) else body
        params: dict[str, Any] = _convert(shape, given, _read)
        if problems := violations(shape, params):
            plural = "s" if len(problems) > 1 else ""
            raise ServiceError(
                "ValidationException",
                f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}",
                reason="FIELD_VALIDATION_FAILED",
                fields=[{"Name": path, "Message": rule} for path, _, rule in broken(shape, params)],
            )
        return params

    def _located(self, name: str, shape: Shape, request: Request) -> dict[str, Any]:
        """Take what the model puts into the path or the query instead of the body; None is not there."""
        found: dict[str, Any] = {}
        labels = self._routes[name][1].fullmatch(request.path)
        for member, inner in shape.members.items():
            key, place = inner.serialization.get("name", member), inner.serialization.get("location")
            if place == "uri" and labels:
                found[member] = unquote(labels[key])
            elif place == "querystring":
                values = request.query.get(key, [])
                found[member] = (values or None) if inner.type_name == "list" else next(iter(values), None)
        return found

    def write(self, name: str, result: dict[str, Any]) -> Response:
        """Write an operation's result, which must have what the model requires.

        Its other constraints are no matter: the service itself gives an empty map of tags.
        """
        operation = self._model.operation_model(name)
        shape = operation.output_shape
        missing = [path for path, value, _ in broken(shape, result) if value is None] if shape else []
        if missing:
            raise AssertionError(f"the answer to {name} lacks {', '.join(missing)}")
        status = operation.http.get("responseCode", 200) if self._rest else 200
        written = json.dumps(_convert(shape, result, _write) if shape else {})
        return Response(status, b"" if status == _NO_CONTENT else written.encode(), _headers(self._rest))

    def write_error(self, error: ServiceError) -> Response:
        """Write an error with the status and the members that the model gives it."""
        said = self._description["shapes"].get(error.code, {})
        status = 500 if said.get("fault") else 403 if error.code in CREDENTIALS else 400
        if error.code == "UnknownOperationException" and self._rest:
            status = 404  # the path is not there
        members = self._model.shape_for(error.code).members if said else {"message": None}
        known = {"servicecode": self.service, "quotacode": "unknown", "message": error.message}
        known |= {_plain(name): value for name, value in error.members.items() if value}
        body = {name: known[_plain(name)] for name in members if _plain(name) in known}
        headers = {**_headers(self._rest), "x-amzn-errortype": error.code}
        return Response(
            said.get("error", {}).get("httpStatusCode", status),
            json.dumps({"__type": error.code, **body}).encode(),
            headers,
        )

    def input_shape(self, name: str) -> Shape:
        """Give the shape of an operation's input."""
        return self._model.operation_model(name).input_shape

    def is_error(self, code: str) -> bool:
        """Tell whether the model has such an error."""
        return any(shape.name == code for shape in self._model.error_shapes)

    def errors(self, name: str) -> list[str]:
        """Give the errors that the model has for an operation."""
        return [shape.name for shape in self._model.operation_model(name).error_shapes]


def _headers(rest: bool) -> dict[str, str]:  # noqa: FBT001 - one of two
    kind = "application/json" if rest else "application/x-amz-json-1.1"
    return {"content-type": kind, "x-amzn-requestid": str(uuid.uuid4())}


def _plain(member: str) -> str:
    """Name an error's member as both services could: one has resourceIdentifier, the other ResourceId."""
    return member.lower().replace("identifier", "id")


def _convert(shape: Shape, value: Any, leaf: Callable[[Shape, Any, str], Any], path: str = "") -> Any:
    """Convert a value, each leaf on its own.

    A null is as good as nothing, and members that the model does not have are ignored, as AWS does.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: _convert(member, value[name], leaf, f"{path}.{name}".strip("."))
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list" and isinstance(value, list):
        parts = enumerate(value, 1)
        return [_convert(shape.member, item, leaf, f"{path}.{number}.member") for number, item in parts]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: _convert(shape.value, item, leaf, f"{path}.{key}.member") for key, item in value.items()}
    return leaf(shape, value, path)


def _read(shape: Shape, value: Any, path: str) -> Any:
    if type(value) in _JSON.get(shape.type_name, ()):
        return value
    if shape.type_name == "timestamp" and type(value) in _JSON["float"]:
        with suppress(ValueError, OverflowError, OSError):
            if (time := dt.datetime.fromtimestamp(value, dt.timezone.utc)).year in _YEARS:
                return time
    problem = f"{type(value).__name__} at '{path}' cannot be read as {shape.type_name}"
    raise ServiceError("SerializationException", problem)


def _write(_shape: Shape, value: Any, _path: str) -> Any:
    return round(value.timestamp(), 3) if isinstance(value, dt.datetime) else value
