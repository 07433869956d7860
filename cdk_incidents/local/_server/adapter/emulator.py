"""ministack as the rest of the server sees it."""

from __future__ import annotations

import functools
import time
import types
import uuid
from typing import TYPE_CHECKING, Any

from . import (
    alarms,
    dropped,
    functions,
    iam_answers,
    identity,
    messages,
    permissions,
    private,
    rules,
    templates,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents.local._server.state import Cloud


class Emulator:
    """ministack, loaded, and strict where it is lax. There is one in a process.

    Parameters
    ----------
    cloud
        whose clock queues, topics, rules and schedules go by
    """

    here = staticmethod(identity.here)
    owning = staticmethod(identity.owning)
    may_deliver = staticmethod(permissions.may_deliver)
    may_invoke = staticmethod(permissions.may_invoke)
    may_publish = staticmethod(permissions.may_publish)
    policy_allows = staticmethod(permissions.policy_allows)
    role_refuses = staticmethod(permissions.role_refuses)
    put_function_policy = staticmethod(permissions.put_function_policy)
    add_resource_type = staticmethod(templates.add_resource_type)
    execute = staticmethod(functions.execute)
    version_of = staticmethod(functions.version_of)
    event_invoke_config = staticmethod(functions.event_invoke_config)
    publish = staticmethod(messages.publish)
    deliver = staticmethod(messages.deliver)
    alarm = staticmethod(alarms.alarm)
    put_composite_alarm = staticmethod(alarms.put_composite_alarm)
    delete_alarm = staticmethod(alarms.delete_alarm)
    suppressed_by = staticmethod(alarms.suppressed_by)
    tell_history = staticmethod(alarms.tell_history)
    put_event = staticmethod(rules.put_event)
    tick = staticmethod(rules.tick)

    def __init__(self, cloud: Cloud) -> None:
        self.app = private.app.app
        self.identify = functools.partial(identity.identify, cloud)
        self._clock = cloud.clock
        moved = types.SimpleNamespace(**{**vars(time), "time": lambda: cloud.clock.now().timestamp()})
        private.queues.time = private.topics.time = private.bridge.time = private.scheduler.time = moved
        for part in (iam_answers, templates, dropped, functions, messages, alarms, rules):
            part.put_right()

    def connect(
        self,
        invoke: Callable[[str, Any], None],
        alarm_changed: Callable[[dict[str, Any], str, str, str], None],
        alarm_configured: Callable[[dict[str, Any] | None, dict[str, Any] | None], None],
        message_taken: Callable[[str, str, str], None],
        start_incident: Callable[[dict[str, Any], str, dict[str, Any], dict[str, Any]], None],
    ) -> None:
        """Hand over what the emulator does not do as AWS does.

        Parameters
        ----------
        invoke
            every asynchronous invocation: the function's ARN, the event
        alarm_changed
            every change of an alarm's state: the alarm, before, after, the reason
        alarm_configured
            every alarm that is made, changed or deleted: as it was, as it is
        message_taken
            every message that a topic takes: the topic, the subject, the text
        start_incident
            what a rule or a schedule sends to Incident Manager: target, input, rule, event
        """
        functions.hand_over_to(invoke)
        alarms.tell_of_changes(alarm_changed)
        alarms.tell_of_configurations(alarm_configured)
        messages.tell_of_messages(message_taken)
        rules.start_incidents_by(start_incident)

    def event_shape(self, detail_type: str, resource: str, detail: dict[str, Any]) -> dict[str, Any]:
        """Make an event of CloudWatch's as EventBridge delivers it."""
        account, region = self.here()
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": "aws.cloudwatch",
            "account": account,
            "time": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [resource],
            "detail": detail,
        }

    def stop(self) -> None:
        """Stop every function worker and every node process."""
        private.app._reset_all_state()
