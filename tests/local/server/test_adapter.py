"""The contract with ministack and hypercorn: every private name that is used is still as we know it.

What is used is read from the adapter's own source, so nothing can be forgotten. Another version was
installed and this fails? Each failure tells one name, the files that use it, and what it must do there.
Read what became of it in the new version, change those files until this and its neighbours pass, then set
VERSION in `_server/adapter/private.py` and the pin in pyproject.toml.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from cdk_incidents.local import _server
from cdk_incidents.local._server import adapter

_ADAPTER = Path(adapter.__path__[0])
# By module: each name, with the parameters that it is relied on to begin with, and what it must do.
_MUST: dict[str, dict[str, str]] = {
    "ministack.app": {
        "app(scope receive send)": "be the ASGI app that answers for all of AWS",
        "_reset_all_state()": "end every function worker and node process",
    },
    "ministack.core.arn": {"parse_arn(value)": "take an ARN apart for _dispatch_to_sqs"},
    "ministack.core.responses": {
        "get_account_id()": "tell the account of the request that is being served",
        "get_region()": "tell the Region of the request that is being served",
        "now_iso()": "write the time as CloudWatch's history does",
        "request_scope(account_id region)": "be a context manager: within it, another account and Region",
        "set_request_account_id(access_key_id)": "set the account of the request, by an id or a key",
        "set_request_region(region)": "set the Region of the request",
    },
    "ministack.core.router": {
        "extract_access_key_id(headers query_params)": "read the access key from a signature",
        "extract_region(headers query_params)": "read the Region from a signature",
    },
    "ministack.core.iam_evaluator": {
        "check_credentials(access_key_id service)": "give an error {code, message} for a key not to be taken",
        "_gather_role_policies(role_name account_id)": "give all policies of a role",
        "EvalContext(principal_arn principal_type principal_account action resource_arn)": "say who does what"
        " to what, with `region` and `service_context`; a dataclass",
        "evaluate(ctx policies)": "give {decision}, 'Allow' if policies of a role allow it",
        "enforce(access_key_id iam_action service region resource_arn service_context)": "give None if a"
        " caller may do something, else the refusal; every request passes it",
        "evaluate_resource_policy(doc ctx service named_only direct_only)": "give {decision}, 'Allow' if a"
        " resource's policy allows it",
        "find_iam_access_key_account(access_key_id)": "tell the account of a user's or a session's key",
        "pin_request_origin(source_ip secure_transport)": "note where a request comes from, for conditions",
        "pin_signed_body(body)": "note the body that check_credentials holds a signature against",
        "pin_signed_request(method raw_path query_params raw_headers)": "note the request likewise",
        "request_caller_arn(headers query_params)": "give the ARN of the caller",
    },
    "ministack.core.iam_actions": {
        "_lambda_action(method path)": "tell the action that a request to Lambda needs",
        "extract_resource_arn(service method path headers body query_params)": "tell the resource that a"
        " request is about, for its permission",
    },
    "ministack.services.kms": {
        "_resolve_key(key_id_or_arn)": "give a key, by an alias too, with its `Arn` and `Policy`",
    },
    "ministack.services.lambda_svc": {
        "_emit_lambda_logs(func)": "write a function's output into its log group",
        "_effective_func_record_for_qualifier(func qualifier)": "give (record, config) of a version or alias",
        "_execute_function_warm(func event request_id)": "run a function, and give {body, error, log}",
        "_execute_function_with_config_scope(func event)": "run a function; whatever CloudFormation and"
        " topics invoke passes it",
        "_functions": "hold the functions by name, with `concurrency` and `config`",
        "_get_base_func_record_for_ref(function_ref)": "give (record, …) of a function, with its `policy` and"
        " `event_invoke_configs`",
        "_get_func_record_for_ref(function_ref)": "give (record, config, …) of a function, version or alias",
        "_resolve_name_and_qualifier(name_or_arn)": "take a function's ARN apart",
        "invoke_async_with_retry(func event)": "take the API's asynchronous invocations",
    },
    "ministack.services.cloudwatch": {
        "_alarms": "hold the alarms of this account and Region by name",
        "_composite_alarms": "hold the composite alarms by name",
        "_delete_alarms(params cbor_data is_cbor is_json)": "delete alarms by AlarmNames",
        "_describe_alarms(params cbor_data is_cbor is_json)": "list alarms, by AlarmNames if there are any",
        "_dims_from_list(dimensions)": "make dimensions what _dims_key takes",
        "_dims_key(dims)": "make dimensions the third part of a key of _metrics",
        "_dispatch_alarm_actions(alarm old_state new_state reason)": "be called at every change of a state",
        "_evaluate_alarm(alarm)": "work out an alarm's state from _metrics",
        "_history_entries()": "give the list of this account's alarm history",
        "_metrics": "hold what was put, by (namespace, name, dimensions)",
        "_put_composite_alarm(params cbor_data is_cbor is_json)": "put one, and answer (status, _, body)",
        "_put_metric_alarm(params cbor_data is_cbor is_json)": "put an alarm, and answer (status, …)",
        "_set_alarm_state(params cbor_data is_cbor is_json)": "set a state, with its reason data",
        "cloudformation_delete_metric_alarm(name)": "delete an alarm of a template",
        "cloudformation_put_metric_alarm(alarm)": "put an alarm of a template in its place",
    },
    "ministack.services.cloudwatch_logs": {"_log_groups": "hold the log groups by name"},
    "ministack.services.dynamodb": {
        "_pitr_settings": "hold whether a table has backups, by name",
        "_sse_description_from_spec(spec)": "make SSEDescription of SSESpecification",
        "_tables": "hold the tables by name",
        "_ttl_settings": "hold {TimeToLiveStatus, AttributeName} by a table's name",
    },
    "ministack.services.eventbridge": {
        "_dispatch_to_lambda(arn payload)": "call a rule's function with the payload that was worked out",
        "_dispatch_to_sqs(spec payload sqs_parameters)": "put a message into a queue",
        "_invoke_target(target event rule view)": "give an event to one target of a rule or a schedule",
        "_pattern_event_view(event)": "give what has event_with_detail(): the event as AWS delivers it",
        "_put_events(data allow_aws_source)": "put events, with sources of AWS's too",
        "_tick_scheduled_rules()": "fire the scheduled rules that are due",
        "time": "be the module by which it tells the time",
    },
    "ministack.services.sns": {
        "_deliver_to_lambda(endpoint envelope topic_arn sub_arn)": "call a subscribed function",
        "_deliver_to_sqs(endpoint envelope raw raw_message)": "put a message into a queue if its policy lets"
        " `topic_arn`",
        "_fanout(topic_arn msg_id message subject)": "give a message to all subscribers; each takes this way",
        "_find_subscription(topic_arn sub_arn)": "give a subscription with its `attributes`",
        "_topic_by_arn_any_scope(topic_arn)": "give a topic of any account and Region",
        "_topics": "hold the topics by ARN, with their `attributes`",
        "publish_internal(topic_arn message subject)": "publish for a service",
        "time": "be the module by which it tells the time",
    },
    "ministack.services.sqs": {
        "_Err(code message)": "be the exception that becomes an answer",
        "_HANDLERS": "hold what answers, by action",
        "_HANDLERS[ChangeMessageVisibility](data qurl)": "hide a message longer or shorter",
        "_HANDLERS[ChangeMessageVisibilityBatch](data qurl)": "do so for several",
        "_collect_msgs(q max_n vis_timeout)": "give the messages that a receiver gets",
        "_queue_by_arn(arn)": "give a queue with its `attributes`",
        "queue_policy_allows(queue_arn service source_arn source_account)": "tell whether a queue lets a"
        " service send; rules and topics ask it",
        "_get_q(url action)": "give a queue with its `messages`",
        "time": "be the module by which it tells the time",
    },
    "ministack.services.iam": {
        "_build_simulate_results_real(actions resource_arn)": "write the answers of a simulation for one"
        " resource",
        "_extract_simulate_params(p)": "give (actions, resource) of a simulation",
        "_p(params key default)": "read a parameter of the query protocol",
        "_roles": "hold the roles by name, with AssumeRolePolicyDocument",
    },
    "ministack.services.scheduler": {
        "_tick_schedules()": "fire the schedules that are due, through _invoke_target of EventBridge",
        "time": "be the module by which it tells the time",
    },
    "ministack.services.cloudformation.custom_resource": {
        "deliver_response(token response)": "take the answer of a custom resource",
        "invoke_custom_resource(request_type logical_id props stack_name stack_id resource_type)": "ask one"
        " and wait for the answer; RuntimeError if it failed",
    },
    "ministack.services.cloudformation.stacks": {
        "_add_event(stack_id stack_name logical_id resource_type status reason physical_id)": "tell a stack's"
        " event",
    },
    "ministack.services.cloudformation.provisioners": {
        "_cw_metric_alarm_record(name props)": "give an alarm's record, of a template's properties",
        "_zip_inline(source handler runtime)": "pack a template's inline code",
        "_RESOURCE_HANDLERS": "hold {create, update, delete} by type; update_with_logical_id for a fifth"
        " argument",
        "_RESOURCE_HANDLERS[AWS::DynamoDB::GlobalTable]": "have `create` and `update`, which give (name, …)",
        "_RESOURCE_HANDLERS[AWS::DynamoDB::Table]": "have `create` and `update`, which give (name, …)",
        "_RESOURCE_HANDLERS[AWS::Lambda::EventSourceMapping]": "have `create`",
        "_RESOURCE_HANDLERS[AWS::Lambda::Function]": "have `create` and `update`, which give (name, …)",
        "_RESOURCE_HANDLERS[AWS::SNS::Topic]": "have `create` and `update`, which give (ARN, attributes)",
        "_RESOURCE_HANDLERS[AWS::SNS::TopicPolicy]": "have `update` and `delete`",
        "_REPLACING_PROPERTIES": "hold the properties whose change replaces a resource, by type",
    },
    "hypercorn.config": {"Config()": "be its settings"},
    "hypercorn.asyncio": {"serve(app config)": "serve until `shutdown_trigger` is done"},
    "hypercorn.asyncio.run": {
        "TCPServer(app loop config)": "be one connection, with `writer`, and be looked up as one comes"
    },
}
_NAMES = [
    (module, *re.fullmatch(r"([\w\[\]:]+)(?:\((.*)\))?", name).groups(), must)  # type: ignore[union-attr]
    for module, names in _MUST.items()
    for name, must in names.items()
]


def _used() -> dict[tuple[str, str], list[str]]:
    """Read from the adapter's source which private names it uses, and where."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    trees = {file.name: ast.parse(file.read_text()) for file in sorted(_ADAPTER.glob("*.py"))}
    private = (_ADAPTER / "private.py").read_text()
    modules = dict(re.findall(r"^(\w+): Any = _Module\(\"([\w.]+)\"\)", private, re.MULTILINE))

    def named(node: ast.AST) -> tuple[str, str] | None:
        """Tell (module, name) of `bridge._x`, `private.bridge._x` and `queues._HANDLERS["x"]`."""
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            table = named(node.value)
            return (table[0], f"{table[1]}[{node.slice.value!s}]") if table else None
        if not isinstance(node, ast.Attribute):
            return None
        alias = ast.unparse(node.value).removeprefix("private.")
        return (modules[alias], node.attr) if alias in modules else None

    for file, tree in trees.items():
        for node in ast.walk(tree):
            found = named(node)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "replaces":
                place, name = node.args
                inside = ast.Subscript if named(place) else ast.Attribute
                part: Any = name if inside is ast.Subscript else getattr(name, "value", "")
                found = named(inside(place, part)) if isinstance(name, ast.Constant) else None
            if isinstance(node, ast.Constant) and re.fullmatch(r"AWS::\w+::\w+", str(node.value)):
                found = (modules["provisioners"], f"_RESOURCE_HANDLERS[{node.value!s}]")
            if found:
                places[found].append(f"{file}:{node.lineno}")  # type: ignore[attr-defined]
    return places


def _problem(module: str, name: str, parameters: str | None, must: str) -> str:
    """Tell what is no longer as we know it of a name, and what to do; empty if all is."""
    head, _, key = name.rstrip("]").partition("[")
    found: Any = getattr(importlib.import_module(module), head, None)
    found = (found or {}).get(key) if key else found
    problem = "is gone" if found is None else ""
    if found is not None and parameters is not None:
        takes, wanted = list(inspect.signature(found).parameters), parameters.split()
        problem = "" if takes[: len(wanted)] == wanted else f"takes ({', '.join(takes)}) now"
    if not problem:
        return ""
    places = ", ".join(f"_server/adapter/{place}" for place in _used()[module, name])
    return (
        f"{module}.{name} {problem}. It is used in {places}, where it must {must}."
        " Find what does that in the installed version, change it there, and here if its name changed."
    )


@pytest.mark.parametrize(
    ("module", "name", "parameters", "must"), _NAMES, ids=[f"{m}.{n}" for m, n, *_ in _NAMES]
)
def test_a_private_name_is_as_we_know_it(module: str, name: str, parameters: str | None, must: str) -> None:
    """It exists, and begins with the parameters that the adapter gives it."""
    problem = _problem(module, name, parameters, must)
    assert not problem, problem


def test_every_name_that_the_adapter_uses_is_in_the_contract() -> None:
    """And nothing else is."""
    used, known = set(_used()), {(module, name) for module, name, *_ in _NAMES}
    assert sorted(used - known) == []
    assert sorted(known - used) == []


def test_a_name_that_is_gone_is_told_with_its_place_and_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which file uses it, and what it must do there."""
    module = "ministack.services.eventbridge"
    monkeypatch.delattr(importlib.import_module(module), "_tick_scheduled_rules")
    told = _problem(module, "_tick_scheduled_rules", "", _MUST[module]["_tick_scheduled_rules()"])
    assert re.match(
        r"ministack\.services\.eventbridge\._tick_scheduled_rules is gone\. It is used in"
        r" _server/adapter/rules\.py:\d+, where it must fire the scheduled rules that are due\.",
        told,
    )


def test_a_name_that_takes_something_else_is_told_with_what_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters as they are now."""
    module = "ministack.services.sns"
    monkeypatch.setattr(importlib.import_module(module), "publish_internal", lambda arn, text: (arn, text))
    told = _problem(module, "publish_internal", "topic_arn message subject", "publish for a service")
    assert told.startswith("ministack.services.sns.publish_internal takes (arn, text) now.")


def test_private_names_stand_in_the_adapter_only() -> None:
    """No other file of the server knows ministack or hypercorn, and in the adapter only one imports them."""
    knowing = [
        file.name
        for file in Path(_server.__path__[0]).rglob("*.py")
        if re.search(r"import\b.*\b(ministack|hypercorn)|\"(ministack|hypercorn)\.", file.read_text())
    ]
    assert knowing == ["private.py"]


def test_the_installed_version_is_the_pinned_one() -> None:
    """The adapter's version is the one in pyproject.toml, and it is installed."""
    project = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert f'"ministack=={adapter.VERSION}"' in project
    assert adapter.check_version() == ""


def test_another_version_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not start, and says what to install and where to look."""
    monkeypatch.setattr("cdk_incidents.local._server.adapter.private.VERSION", "0.0.1")
    told = adapter.check_version()
    assert told.startswith("ministack must be 0.0.1 (got ")
    assert "test_adapter.py" in told


def test_a_missing_ministack_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the message names it."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert "cdk_incidents[local]" in adapter.check_version()
