"""The contract with ministack: what of its private names is used, and that it is still as we know it.

Another version was installed and this fails? Look at each name that is told, read what became of it in the
new version, change `_server/adapter.py` until this and its neighbours pass, then set VERSION there and the
pin in pyproject.toml.
"""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from cdk_incidents.local import _server
from cdk_incidents.local._server import adapter

_REMEDY = "; see the docstring of this test's file"
# Every function of ministack that is called or replaced, with the parameters it is relied on to have.
_USED = {
    "ministack.app": {"app": "scope receive send", "_reset_all_state": ""},
    "ministack.core.arn": {"parse_arn": "value"},
    "ministack.core.responses": {
        "get_account_id": "",
        "get_region": "",
        "now_iso": "",
        "request_scope": "account_id region",
        "set_request_account_id": "access_key_id",
        "set_request_region": "region",
    },
    "ministack.core.router": {
        "extract_access_key_id": "headers query_params",
        "extract_region": "headers query_params",
    },
    "ministack.core.iam_evaluator": {
        "check_credentials": "access_key_id service",
        "_gather_role_policies": "role_name account_id",
        "evaluate": "ctx policies",
        "enforce": "access_key_id iam_action service region resource_arn service_context",
        "evaluate_resource_policy": "doc ctx service named_only direct_only",
        "find_iam_access_key_account": "access_key_id",
        "pin_request_origin": "source_ip secure_transport",
        "pin_signed_body": "body",
        "pin_signed_request": "method raw_path query_params raw_headers handshake",
        "request_caller_arn": "headers query_params",
    },
    "ministack.core.iam_actions": {
        "_lambda_action": "method path",
        "extract_resource_arn": "service method path headers body query_params region account_id",
    },
    "ministack.services.lambda_svc": {
        "_emit_lambda_logs": "func request_id log_text error duration_ms",
        "_effective_func_record_for_qualifier": "func qualifier",
        "_execute_function_warm": "func event request_id",
        "_execute_function_with_config_scope": "func event",
        "_get_base_func_record_for_ref": "function_ref",
        "_get_func_record_for_ref": "function_ref",
        "_resolve_name_and_qualifier": "name_or_arn",
        "invoke_async_with_retry": "func event",
    },
    "ministack.services.cloudwatch": {
        "_delete_alarms": "params cbor_data is_cbor is_json",
        "_describe_alarms": "params cbor_data is_cbor is_json",
        "_dims_from_list": "dimensions",
        "_dims_key": "dims",
        "_dispatch_alarm_actions": "alarm old_state new_state reason",
        "_evaluate_alarm": "alarm",
        "_history_entries": "",
        "_put_composite_alarm": "params cbor_data is_cbor is_json",
        "_put_metric_alarm": "params cbor_data is_cbor is_json",
        "_set_alarm_state": "params cbor_data is_cbor is_json",
    },
    "ministack.services.eventbridge": {
        "_dispatch_to_lambda": "arn payload",
        "_dispatch_to_sqs": "spec payload sqs_parameters",
        "_invoke_target": "target event rule view",
        "_pattern_event_view": "event",
        "_put_events": "data allow_aws_source",
        "_tick_scheduled_rules": "",
    },
    "ministack.services.sns": {
        "_deliver_to_sqs": "endpoint envelope raw raw_message message_group_id message_dedup_id"
        " message_attributes topic_arn",
        "_find_subscription": "topic_arn sub_arn",
        "_deliver_to_lambda": "endpoint envelope topic_arn sub_arn msg_id raw_message message_attributes",
        "_fanout": "topic_arn msg_id message subject message_structure message_attributes message_group_id",
        "_topic_by_arn_any_scope": "topic_arn",
        "publish_internal": "topic_arn message subject",
    },
    "ministack.services.sqs": {
        "_Err": "code message",
        "_act_change_visibility": "data qurl",
        "_collect_msgs": "q max_n vis_timeout",
        "_get_q": "url action",
    },
    "ministack.services.iam": {
        "_build_simulate_results_real": "actions resource_arn principal_arn account_id policies",
        "_extract_simulate_params": "p",
        "_p": "params key default",
    },
    "ministack.services.scheduler": {"_tick_schedules": ""},
    "ministack.services.cloudformation.custom_resource": {
        "deliver_response": "token response",
        "invoke_custom_resource": "request_type logical_id props stack_name stack_id resource_type"
        " physical_id old_props",
    },
    "ministack.services.cloudformation.stacks": {
        "_add_event": "stack_id stack_name logical_id resource_type status reason physical_id",
    },
    "ministack.services.cloudformation.provisioners": {
        "_cw_metric_alarm_record": "name props",
        "_physical_name": "stack_name logical_id lowercase max_len seeded",
        "_zip_inline": "source handler runtime",
    },
}
_TABLES = {
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS", "_REPLACING_PROPERTIES"),
    "ministack.services.cloudwatch": ("_alarms", "_composite_alarms", "_metrics"),
    "ministack.services.cloudwatch_logs": ("_log_groups",),
    "ministack.services.iam": ("_roles",),
    "ministack.services.sns": ("_topics", "time"),
    "ministack.services.sqs": ("_HANDLERS", "time"),
    "ministack.core.iam_evaluator": ("EvalContext",),
}


@pytest.mark.parametrize("module", _USED)
def test_the_functions_are_as_we_know_them(module: str) -> None:
    """Each exists and begins with the parameters that the adapter gives it."""
    loaded: Any = importlib.import_module(module)
    for name, expected in _USED[module].items():
        function = getattr(loaded, name, None)
        assert function is not None, f"{module}.{name} is gone{_REMEDY}"
        parameters = list(inspect.signature(function).parameters)
        wanted = expected.split()
        assert parameters[: len(wanted)] == wanted, f"{module}.{name} takes {parameters} now{_REMEDY}"


@pytest.mark.parametrize("module", _TABLES)
def test_the_tables_are_where_we_know_them(module: str) -> None:
    """What the adapter reads and writes is there."""
    loaded: Any = importlib.import_module(module)
    missing = [name for name in _TABLES[module] if not hasattr(loaded, name)]
    assert missing == [], f"{module} lacks {missing}{_REMEDY}"


def test_the_list_is_complete() -> None:
    """Every private name in the adapter is one of those above, or the adapter's own."""
    source = Path(inspect.getfile(adapter)).read_text()
    used = set(re.findall(r"\.(_[a-z]\w+|_[A-Z]\w+)", source))
    own = set(re.findall(r"(?:self\.|def )(_\w+)", source))
    known = {name for names in (*_USED.values(), *_TABLES.values()) for name in names}
    assert used - own - known == set()


def test_private_names_stand_in_the_adapter_only() -> None:
    """No other file of the server knows ministack or hypercorn."""
    folder = Path(_server.__path__[0])
    knowing = [
        f.name
        for f in folder.glob("*.py")
        if re.search(r"import.*(ministack|hypercorn)|\"ministack", f.read_text())
    ]
    assert knowing == ["adapter.py"]


def test_the_installed_version_is_the_pinned_one() -> None:
    """The adapter's version is the one in pyproject.toml, and it is installed."""
    project = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert f'"ministack=={adapter.VERSION}"' in project
    assert adapter.check_version() == ""


def test_another_version_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server does not start, and says what to install and where to look."""
    monkeypatch.setattr(adapter, "VERSION", "0.0.1")
    told = adapter.check_version()
    assert told.startswith("ministack must be 0.0.1 (got ")
    assert "test_adapter.py" in told


def test_a_missing_ministack_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the message names it."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert "cdk_incidents[local]" in adapter.check_version()
