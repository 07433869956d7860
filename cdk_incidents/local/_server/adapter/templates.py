"""CloudFormation: other types, custom resources, and what is particular to a function's."""

from __future__ import annotations

import functools
import json
import uuid
from typing import TYPE_CHECKING, Any

from .functions import invoked
from .permissions import role_may
from .private import custom_resource, provisioners, replaces, stacks

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_ANSWER = 4096  # bytes of a custom resource's
_READ_QUEUE = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")


def add_resource_type(kind: Any) -> None:
    """Teach CloudFormation a type: its name, what replaces it, and its create, update and delete."""
    handlers = {verb: getattr(kind, verb) for verb in ("create", "update", "delete")}
    provisioners._RESOURCE_HANDLERS[kind.name] = {**handlers, "update_with_logical_id": True}
    provisioners._REPLACING_PROPERTIES[kind.name] = kind.replacing


def after_change(kind: str, keep: Callable[[str, dict[str, Any]], None]) -> None:
    """Let something follow what creates and updates a type: it gets Ref and the new properties."""

    def change_and_keep(change: Any, *args: Any) -> Any:
        made = change(*args)
        # Of an update the new properties come after the old ones.
        keep(made[0], [each for each in args if isinstance(each, dict)][-1])
        return made

    for verb in ("create", "update"):
        replaces(provisioners._RESOURCE_HANDLERS[kind], verb)(change_and_keep)


def put_right() -> None:
    """Put inline code where AWS does, refuse an event source that a role may not read, and what follows."""
    _put_custom_resources_right()

    @replaces(provisioners, "_zip_inline")
    def zip_inline(original: Any, source: str | None, _handler: str, runtime: str = "python3.13") -> Any:
        # index.py, whatever the handler is called
        return original(source, "index.handler", runtime)

    event_source = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]

    @replaces(event_source, "create")
    def create_if_allowed(create: Any, logical_id: str, props: dict[str, Any], stack: str) -> Any:
        source = props.get("EventSourceArn", "")
        for action in _READ_QUEUE if ":sqs:" in source else ():
            if not role_may(props["FunctionName"], f"sqs:{action}", source):
                message = f"The function execution role does not have permissions to call {action} on SQS"
                raise ValueError(f"{message} (Service: Lambda, Error Code: InvalidParameterValueException)")
        return create(logical_id, props, stack)


def _put_custom_resources_right() -> None:
    """Invoke custom resources asynchronously, and let a Delete follow a Create that failed."""
    given: dict[tuple[str, str], str] = {}

    @replaces(custom_resource, "deliver_response")
    def remember(deliver: Any, token: str, response: dict[str, Any]) -> bool:
        key = (response.get("StackId", ""), response.get("LogicalResourceId", ""))
        given[key] = response.get("PhysicalResourceId", "")
        text = json.dumps(response, separators=(",", ":"), ensure_ascii=False)
        if len(text.encode()) > _LONGEST_ANSWER:
            response = {"Status": "FAILED", "Reason": "Response object is too long."}
        return bool(deliver(token, response))

    @replaces(custom_resource, "invoke_custom_resource")
    def invoke_as_aws_does(invoke: Any, kind: str, *about: Any, **more: Any) -> Any:
        logical_id, _, stack, stack_id, resource_type = about
        with invoked(asynchronously=True):
            try:
                return invoke(kind, *about, **more)
            except (RuntimeError, TimeoutError):
                if kind == "Create":
                    made_up = f"{stack}-{logical_id}-{uuid.uuid4().hex[:12]}"
                    made = {"physical_id": given.get((stack_id, logical_id)) or made_up}
                    told = (stack_id, stack, logical_id, resource_type)
                    tell = functools.partial(stacks._add_event, *told, **made)
                    _delete(functools.partial(invoke, "Delete", *about, **made), tell)
                raise


def _delete(delete: Any, tell: Any) -> None:
    tell("DELETE_IN_PROGRESS")
    try:
        delete()
    except (RuntimeError, TimeoutError) as failed:
        tell("DELETE_FAILED", str(failed))
    else:
        tell("DELETE_COMPLETE")
