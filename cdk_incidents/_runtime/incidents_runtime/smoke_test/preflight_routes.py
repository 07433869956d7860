"""Whether CloudWatch may invoke each live alias, and its failed events go to the retry queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.findings import Finding
from incidents_runtime.smoke_test.preflight_answers import MissingError
from incidents_runtime.smoke_test.preflight_policy import Request, refuses
from incidents_runtime.smoke_test.preflight_reach import each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Settings, Trigger

_SERVICE = "lambda.alarms.cloudwatch.amazonaws.com"


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield the routes that lose signals."""
    trigger = settings.trigger
    if trigger is None:
        return iter(())
    return each(trigger.routes, lambda route: _at(route, trigger, alias_arn(settings, route), aws))


def _at(route: str, trigger: Trigger, arn: str, aws: Answers) -> Iterator[Finding]:
    about = {"FunctionName": trigger.function, "Qualifier": route}
    # What AWS::Lambda::ResourcePolicy puts there, for an organisation, is taken to be told here as well.
    policy = _if_any(aws.functions.get_policy, about)
    settings = _if_any(aws.functions.get_function_event_invoke_config, about)
    if policy is None and settings is None:
        # An alias has both from its first deployment, so this one is still to come: live aliases come after
        # the test. What Lambda says of an alias that is not there it says of a missing policy, too.
        return
    account = arn.split(":")[4]
    request = Request(_SERVICE, "lambda:InvokeFunction", arn, {"aws:sourceaccount": (account,)})
    if policy is None or refuses(policy["Policy"], request):
        yield Finding(
            "route-permission",
            "",
            f"the alias {route} of {trigger.function} must let {_SERVICE} invoke it for account {account}"
            " (its policy does not, so that its alarms start nothing)",
            "deploy the trigger's stack again, or aws lambda add-permission --qualifier ALIAS --function-name"
            f" {trigger.function} --principal {_SERVICE} --source-account {account}"
            " --action lambda:InvokeFunction --statement-id Alarms.",
        )
    destination = _failure_destination(settings or {})
    # A test of another stack than the trigger's does not know the queue.
    if not destination or trigger.retry_queue_arn not in ("", destination):
        yield Finding(
            "route-destination",
            "",
            f"what fails at the alias {route} of {trigger.function} must go to the trigger's retry queue (it"
            f" goes {f'to {destination}' if destination else 'nowhere'}, so that signals are lost)",
            "deploy the trigger's stack again, or set the alias's destination on failure.",
        )


def alias_arn(settings: Settings, route: str) -> str:
    """Return the ARN of a live route's alias, of the account and Region that the canary is of."""
    _, partition, _, region, account, *_ = settings.paths[0].canary_arn.split(":")
    function = settings.trigger.function if settings.trigger else ""
    return f"arn:{partition}:lambda:{region}:{account}:function:{function}:{route}"


def _if_any(operation: Callable[..., Any], arguments: dict[str, str]) -> Any | None:
    try:
        return operation(**arguments)
    except MissingError:
        return None


def _failure_destination(settings: dict[str, Any]) -> str:
    destinations: dict[str, dict[str, str]] = settings.get("DestinationConfig") or {}
    return (destinations.get("OnFailure") or {}).get("Destination", "")
