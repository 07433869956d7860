"""Functions: what runs and what is handed over, their logs, and how they end."""

from __future__ import annotations

import contextlib
import contextvars
import json
from typing import TYPE_CHECKING, Any

from .identity import here
from .permissions import role_may
from .private import bridge, lambdas, logs, replaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What Lambda says of a function that ended by itself, by how the emulator begins to tell it.
_ENDS = {
    "Worker process died": ("Runtime.ExitError", "Runtime exited with error"),
    "Worker init failed: No module named": (
        "Runtime.ImportModuleError",
        "Unable to import module '{module}': No module named{rest}",
    ),
}
_ASYNCHRONOUSLY = contextvars.ContextVar("asynchronously", default=False)


@contextlib.contextmanager
def invoked(*, asynchronously: bool) -> Iterator[None]:
    """Tell how AWS would invoke what is invoked within a `with`."""
    before = _ASYNCHRONOUSLY.set(asynchronously)
    try:
        yield
    finally:
        _ASYNCHRONOUSLY.reset(before)


def hand_over_to(invoke: Callable[[str, Any], None]) -> None:
    """Hand over every asynchronous invocation: the API's, EventBridge's, SNS's and CloudFormation's."""

    @replaces(lambdas, "_execute_function_with_config_scope")
    def execute_or_hand_over(execute: Any, record: dict[str, Any], event: Any) -> Any:
        if not _ASYNCHRONOUSLY.get():
            return execute(record, event)
        invoke(record["config"]["FunctionArn"], event)
        return {}

    @replaces(lambdas, "invoke_async_with_retry")
    def hand_over(_: Any, record: dict[str, Any], event: Any) -> None:
        invoke(record["config"]["FunctionArn"], event)

    @replaces(bridge, "_dispatch_to_lambda")
    def hand_over_payload(_: Any, arn: str, payload: str) -> None:
        invoke(arn, json.loads(payload))


def put_right() -> None:
    """Let records carry their qualifier, logs be written as roles allow, and ends be told as Lambda does."""

    @replaces(lambdas, "_effective_func_record_for_qualifier")
    def effective(original: Any, function: Any, qualifier: str | None) -> Any:
        # A function sees the alias that was asked for in its ARN.
        record, config = original(function, qualifier)
        if record is None or not qualifier:
            return record, config
        config = {**config, "FunctionArn": f"{function['config']['FunctionArn']}:{qualifier}"}
        return {**record, "config": config}, config

    @replaces(lambdas, "_emit_lambda_logs")
    def emit_where_allowed(emit: Any, record: dict[str, Any], *args: Any, **more: Any) -> None:
        # A group that is missing needs CreateLogGroup: so a group that went with its stack is not made
        # again by the last lines of a function that went too.
        config, (account, region) = record["config"], here()
        name = config["FunctionName"]
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
        if group in logs._log_groups or role_may(name, "logs:CreateLogGroup", arn):
            emit(record, *args, **more)

    @replaces(lambdas, "_execute_function_warm")
    def run_and_tell(run: Any, record: dict[str, Any], event: Any, request_id: str) -> Any:
        result = run(record, event, request_id)
        body = result.get("body")
        if result.get("error") and isinstance(body, dict):
            message = str(body.get("errorMessage"))
            module = record["config"]["Handler"].rpartition(".")[0]
            for begin, (kind, text) in _ENDS.items():
                if message.startswith(begin):
                    message = text.format(module=module, rest=message.removeprefix(begin))
                    body.update(errorMessage=message, errorType=kind)
            if message not in result.get("log", ""):
                told = f"[ERROR] {body.get('errorType')}: {message}"
                result["log"] = "\n".join(filter(None, [result.get("log"), told]))
        return result


def execute(function_arn: str, event: Any) -> dict[str, Any]:
    """Run a function, a version or an alias, and give {body, error, throttle}."""
    record, _, _ = lambdas._get_func_record_for_ref(function_arn)
    if record is None:
        body = {"errorType": "ResourceNotFoundException", "errorMessage": function_arn}
        return {"error": True, "body": body}
    with invoked(asynchronously=False):
        result: dict[str, Any] = lambdas._execute_function_with_config_scope(record, event)
    return result


def version_of(function_arn: str) -> str:
    """Tell which version an ARN stands for at the moment."""
    _, config, _ = lambdas._get_func_record_for_ref(function_arn)
    return str((config or {}).get("Version", "$LATEST"))


def event_invoke_config(function_arn: str) -> dict[str, Any]:
    """Give the asynchronous settings of this very qualifier, and TargetArn: the function's dead letters."""
    _, config, _ = lambdas._get_func_record_for_ref(function_arn)
    base, _, _ = lambdas._get_base_func_record_for_ref(function_arn)
    _, qualifier = lambdas._resolve_name_and_qualifier(function_arn)
    configs = (base or {}).get("event_invoke_configs") or {}
    names = [qualifier] if qualifier and qualifier != "$LATEST" else ["", "$LATEST"]
    found: dict[str, Any] = next((configs[name] for name in names if name in configs), {})
    return {**found, **((config or {}).get("DeadLetterConfig") or {})}
