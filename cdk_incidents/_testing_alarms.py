"""Which alarms of a template start an incident, and why the others do not."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

from cdk_incidents._names import PURPOSE
from cdk_incidents._route_settings import RETRY, SMOKE_TEST
from cdk_incidents._route_sharing import ALARMS, INVOKE
from cdk_incidents._testing_plans import PLAN, PlansOf
from cdk_incidents._testing_templates import Resource
from cdk_incidents._testing_trigger import ALIAS, FUNCTION, function_of, is_trigger

if TYPE_CHECKING:
    from cdk_incidents._testing_templates import Template, Templates

_METRIC = "AWS::CloudWatch::Alarm"
_LOG = "AWS::CloudWatch::LogAlarm"
_COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
_PERMISSION = "AWS::Lambda::Permission"
_POLICY = "AWS::Lambda::ResourcePolicy"
_SUBSCRIPTION = "AWS::SNS::Subscription"

_PART = r"(?:\$\{[^}]*\}|[^:$])+"
_NAME = r"(?:\$\{[^}]*\}|[a-zA-Z0-9_-])+"
_PLAN_ARN = re.compile(rf"arn:{_PART}:ssm-incidents::{_PART}:response-plan/(?P<name>{_NAME})")
_ALIAS_ARN = re.compile(
    rf"arn:{_PART}:lambda:{_PART}:{_PART}:function:(?P<function>{_PART}):(?P<alias>{_PART})"
)
_NAMED = re.compile(r"(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(\"?)(.+?)\1\s*\)")

_NO_ROUTES = {SMOKE_TEST, RETRY, "$LATEST"}
_Problem = tuple[str, str]
"""What is wrong, and the remedy."""
_TAKE_A_ROUTE = "Take route.alarm_action()."
_WIRE = "Let a route watch it, route.watch(alarm), or alarm.add_alarm_action(ResponsePlanAction(plan))."
_NO_ACTION = ("it has no alarm action", _WIRE)


class AlarmsOf:
    """The alarms of a source, but those of this library and those that scale something."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._plans = PlansOf(templates)
        # Not of its own stacks only: a composite alarm of another one may name them.
        everywhere = [
            alarm
            for alarm in templates.of_type(_METRIC, _LOG, _COMPOSITE, everywhere=True)
            if not self._is_left_alone(alarm)
        ]
        self.users = [alarm for alarm in everywhere if alarm.template in templates.own]
        self._starting = {alarm for alarm in everywhere if not self._problems_with_actions(alarm)}
        self._add_those_named_by_composites([alarm for alarm in everywhere if alarm.type == _COMPOSITE])

    def problem_of(self, alarm: Resource) -> str | None:
        """Return why an alarm starts no incident, and the remedy."""
        if alarm in self._starting:
            return None
        problems = self._problems_with_actions(alarm)
        remedies = dict.fromkeys(remedy for _, remedy in problems)
        return f"{', '.join(what for what, _ in problems)}. {' '.join(remedies)}"

    def _is_left_alone(self, alarm: Resource) -> bool:
        return PURPOSE in alarm.metadata or any(
            self._scales(action, alarm.template) for action in alarm.values("AlarmActions")
        )

    def _scales(self, action: Any, template: Template) -> bool:
        meant = self._templates.meaning(action, template)
        return (
            ":scalingPolicy:" in meant if isinstance(meant, str) else meant.type.endswith("::ScalingPolicy")
        )

    def _add_those_named_by_composites(self, composites: list[Resource]) -> None:
        by_name = {
            self._templates.text(name, alarm.template): alarm
            for alarm in self.users
            if (name := alarm.properties.get("AlarmName")) is not None
        }
        waiting = [composite for composite in composites if composite in self._starting]
        while waiting:
            composite = waiting.pop()
            rule = composite.properties.get("AlarmRule")
            named = {
                one for one in self._templates.named_in(rule, composite.template) if isinstance(one, Resource)
            }
            for _, name in _NAMED.findall(self._templates.text(rule, composite.template)):
                named |= {by_name[found] for found in [name.rpartition(":")[2]] if found in by_name}
            new = {one for one in named if one.type in {_METRIC, _LOG, _COMPOSITE}} - self._starting
            self._starting |= new
            waiting += [one for one in new if one.type == _COMPOSITE]

    def _problems_with_actions(self, alarm: Resource) -> list[_Problem]:
        """Return why none of the actions starts an incident; nothing where one does."""
        if _may_be_off(alarm.properties.get("ActionsEnabled", True)):
            return [("its actions are disabled", "Take actions_enabled=False out.")]
        problems = [self._problem_with(action, alarm) for action in alarm.values("AlarmActions")]
        if None in problems:
            return []
        return [problem for problem in problems if problem is not None] or [_NO_ACTION]

    def _problem_with(self, action: Any, alarm: Resource) -> _Problem | None:  # noqa: PLR0911 - one a form
        match action:
            case {"Fn::If": [_, one, other]}:
                either = [self._problem_with(branch, alarm) for branch in (one, other)]
                return next((problem for problem in either if problem is not None), None)
            case list():
                # All of them, in one branch of a condition.
                problems = [self._problem_with(item, alarm) for item in action]
                return None if None in problems else next(iter(problems), _NO_ACTION)
            case {"Ref": "AWS::NoValue"}:
                return _NO_ACTION
        meant = self._templates.meaning(action, alarm.template)
        if isinstance(meant, str):
            return self._problem_with_text(meant, alarm)
        if meant.type == PLAN:
            return self._problem_with_plan(meant, meant.path)
        if self._is_heard_by_a_route(meant):
            return None
        if meant.type == ALIAS:
            return self._problem_with_alias(meant, alarm)
        return (f"its action is {meant.path}, {_article(meant.type)}", _WIRE)

    def _problem_with_text(self, arn: str, alarm: Resource) -> _Problem | None:
        if self._is_plan_arn(arn, alarm.template):
            return self._problem_with_plan(arn, arn)
        if self._is_heard_by_a_route(arn):
            return None
        found = _ALIAS_ARN.fullmatch(arn)
        if found is None:
            misnamed = ":ssm-incidents:" in arn
            remedy = "SsmIncidentAction takes a name; take ResponsePlanAction." if misnamed else _WIRE
            return (f"its action is {arn}, no ARN of a response plan or a route", remedy)
        functions = self._functions_called(found["function"])
        if not functions:
            is_route = _may_be_route(found["alias"])
            return None if is_route else (f"its action is {arn}, which is no route", _TAKE_A_ROUTE)
        alias = self._alias_of(functions, found["alias"])
        if alias is not None:
            return self._problem_with_alias(alias, alarm)
        return (f"its action is {arn}, which {functions[0].path} does not have", _TAKE_A_ROUTE)

    def _problem_with_plan(self, plan: Resource | str, called: str) -> _Problem | None:
        if self._plans.is_quiet(plan):
            return (f"its action is {called}, the quiet plan of a smoke test, which tells nobody", _WIRE)
        return None

    def _is_plan_arn(self, arn: str, template: Template) -> bool:
        found = _PLAN_ARN.fullmatch(arn)
        if found is None:
            return False
        # A reference to a plan is its ARN, and no part of one.
        referred = template.resources.get(found["name"].removeprefix("${").removesuffix("}"))
        return referred is None or referred.type != PLAN

    def _functions_called(self, name: str) -> list[Resource]:
        return [
            function
            for function in self._templates.of_type(FUNCTION, everywhere=True)
            if self._templates.text(function.properties.get("FunctionName"), function.template) == name
        ]

    def _alias_of(self, functions: list[Resource], name: str) -> Resource | None:
        aliases = self._templates.of_type(ALIAS, everywhere=True)
        of_theirs = (alias for alias in aliases if function_of(alias, self._templates) in functions)
        return next((alias for alias in of_theirs if alias.properties.get("Name") == name), None)

    def _problem_with_alias(self, alias: Resource, alarm: Resource) -> _Problem | None:
        if not self._is_route(alias):
            return (f"its action is {alias.path}, an alias that is no route of a trigger", _TAKE_A_ROUTE)
        if any(self._lets_in(permission, alias, alarm) for permission in self._permissions()):
            return None
        remedy = "add_route makes the permission, share_with that of other accounts: see what took it away."
        return (f"{alias.path} does not let CloudWatch invoke it for this alarm", remedy)

    def _is_route(self, alias: Resource) -> bool:
        function = function_of(alias, self._templates)
        return (
            function is not None and is_trigger(function) and alias.properties.get("Name") not in _NO_ROUTES
        )

    def _is_heard_by_a_route(self, topic: Resource | str) -> bool:
        """Tell whether a route subscribes to a topic, to all that is published there."""
        return any(
            self._templates.meaning(subscription.properties.get("TopicArn"), subscription.template) == topic
            and "FilterPolicy" not in subscription.properties
            and self._leads_to_a_route(
                self._templates.meaning(subscription.properties.get("Endpoint"), subscription.template)
            )
            for subscription in self._templates.of_type(_SUBSCRIPTION, everywhere=True)
        )

    def _leads_to_a_route(self, endpoint: Resource | str) -> bool:
        if isinstance(endpoint, Resource):
            return endpoint.type == ALIAS and self._is_route(endpoint)
        found = _ALIAS_ARN.fullmatch(endpoint)
        if found is None:
            return False
        functions = self._functions_called(found["function"])
        if not functions:
            return _may_be_route(found["alias"])
        alias = self._alias_of(functions, found["alias"])
        return alias is not None and self._is_route(alias)

    def _permissions(self) -> list[Resource]:
        return list(self._templates.of_type(_PERMISSION, _POLICY, everywhere=True))

    def _lets_in(self, permission: Resource, alias: Resource, alarm: Resource) -> bool:
        given = permission.properties
        if permission.type == _POLICY:
            if self._templates.meaning(given.get("ResourceArn"), permission.template) is not alias:
                return False
            statements = given.get("PolicyDocument", {}).get("Statement", [])
            return any(self._states(statement, permission, alarm) for statement in statements)
        return (
            self._templates.meaning(given.get("FunctionName"), permission.template) is alias
            and given.get("Action") in {INVOKE, "lambda:*"}
            and given.get("Principal") == ALARMS
            and self._is_of(given.get("SourceAccount"), permission.template, alarm)
            and self._is_source(given.get("SourceArn"), permission.template, alarm)
        )

    def _states(self, statement: Any, policy: Resource, alarm: Resource) -> bool:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        actions = statement.get("Action", [])
        condition = statement.get("Condition", {})
        account = condition.get("StringEquals", {}).get("aws:SourceAccount")
        return (
            statement.get("Effect") == "Allow"
            and ALARMS in ([services] if isinstance(services, str) else services)
            and INVOKE in ([actions] if isinstance(actions, str) else actions)
            and self._is_of(account, policy.template, alarm)
        )

    def _is_of(self, account: Any, template: Template, alarm: Resource) -> bool:
        """Tell whether an alarm is of an account, as far as the app says which is which."""
        if account is None:
            return True
        named = self._templates.text(account, template)
        if not named.isdecimal():
            named = template.account or ""
        theirs = alarm.template.account or ""
        return not (named and theirs) or named == theirs

    def _is_source(self, source: Any, template: Template, alarm: Resource) -> bool:
        if source is None:
            return True
        meant = self._templates.meaning(source, template)
        if isinstance(meant, Resource):
            return meant is alarm
        name = self._templates.text(alarm.properties.get("AlarmName", "*"), alarm.template)
        return fnmatch.fnmatchcase(name, meant.rpartition(":")[2])


def _may_be_off(enabled: Any) -> bool:
    match enabled:
        case {"Fn::If": [_, one, other]}:
            return _may_be_off(one) or _may_be_off(other)
    return str(enabled).lower() == "false"


def _may_be_route(alias: str) -> bool:
    """Tell whether an alias of a function that another app has may be a route: its name is all there is."""
    return alias not in _NO_ROUTES and not alias.isdecimal()


def _article(resource_type: str) -> str:
    return f"{'an' if resource_type[0] in 'AEIO' else 'a'} {resource_type}"
