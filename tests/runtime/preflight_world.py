"""What the preflight sees of an account, each question and answer held against botocore's own model."""

from __future__ import annotations

import functools
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from incidents_runtime.smoke_test.clients import Clients
from incidents_runtime.smoke_test.preflight import preflight
from incidents_runtime.smoke_test.settings import Path, Plan, Settings, Trigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import ServiceModel
    from incidents_runtime.smoke_test.findings import Finding

_Item = TypeVar("_Item")

ACCOUNT, REGION = "111122223333", "us-east-1"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:retries"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/incidents-{REGION}"
ALIASES = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:incidents"
PATHS = (Path("trigger", "canary", f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:canary", "arn:aws:quiet"),)
_SERVICES = {
    "cloudwatch": "cloudwatch",
    "incidents": "ssm-incidents",
    "contacts": "ssm-contacts",
    "ssm": "ssm",
    "sns": "sns",
    "functions": "lambda",
    "iam": "iam",
}


def plan_arn(name: str) -> str:
    """Return a response plan's ARN."""
    return f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan/{name}"


def contact_arn(alias: str, region: str = REGION) -> str:
    """Return a contact's ARN."""
    return f"arn:aws:ssm-contacts:{region}:{ACCOUNT}:contact/{alias}"


def topic_arn(name: str) -> str:
    """Return a topic's ARN."""
    return f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"


def error(code: str, status: int = 400) -> ClientError:
    """Return a service's refusal."""
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Any"
    )


class World:
    """One account, in which all is well until a test breaks something."""

    def __init__(self) -> None:
        self.now = datetime.now(timezone.utc)
        self.misshapen: list[str] = []
        self.asked: Counter[str] = Counter()
        self.questions: list[tuple[str, dict[str, Any]]] = []
        self.denied_accounts: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self.replication_set: dict[str, Any] | None = {
            "createdBy": "me",
            "createdTime": self.now,
            "deletionProtected": True,
            "lastModifiedBy": "me",
            "lastModifiedTime": self.now,
            "regionMap": {REGION: {"status": "ACTIVE", "statusUpdateDateTime": self.now}},
            "status": "ACTIVE",
        }
        self.plans: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.channels: dict[str, list[dict[str, Any]]] = {}
        self.rotations: dict[str, dict[str, Any]] = {}
        self.shifts: dict[str, list[dict[str, Any]]] = {}
        self.topics: dict[str, dict[str, str]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, str] = {}
        self.destinations: dict[str, dict[str, Any]] = {}
        self.denied: set[tuple[str, str]] = set()
        self.alarms: dict[str, list[dict[str, Any]]] = {}
        self.page = 2
        # Whether shifts are listed that began before the time that was asked for: no document says.
        self.lists_running_shifts = False
        self.settings = Settings()

    # --- what a test puts there

    def plan(self, name: str = "Checkout", **answer: Any) -> dict[str, Any]:
        """Make a plan and have it looked at."""
        template = {"title": "Checkout is failing", "impact": 1, **answer.pop("template", {})}
        self.plans[plan_arn(name)] = {
            "arn": plan_arn(name),
            "name": name,
            "incidentTemplate": template,
            **answer,
        }
        self.look_at(Plan(name, plan_arn(name)))
        return self.plans[plan_arn(name)]

    def look_at(self, *plans: Plan, **settings: Any) -> None:
        """Have plans, and more, looked at."""
        before = {plan.name: plan for plan in self.settings.plans}
        kept = {"trigger": self.settings.trigger, "paths": PATHS, **settings}
        self.settings = Settings(
            plans=tuple({**before, **{plan.name: plan for plan in plans}}.values()), **kept
        )

    def routes(self, *routes: str) -> None:
        """Have a trigger's live routes looked at."""
        self.look_at(trigger=Trigger("incidents", QUEUE, routes))

    def person(self, alias: str, **channels: str) -> str:
        """Make a contact with channels, by name and activation status; return its ARN."""
        arn = contact_arn(alias)
        self.channels[arn] = [
            {
                "ContactChannelArn": f"{arn}/{name}".replace(":contact/", ":contact-channel/"),
                "ContactArn": arn,
                "Name": name,
                "Type": "SMS",
                "DeliveryAddress": {"SimpleAddress": "+14255550100"},
                "ActivationStatus": status,
            }
            for name, status in channels.items()
        ]
        targets = [
            {"ChannelTargetInfo": {"ContactChannelId": channel["ContactChannelArn"]}}
            for channel in self.channels[arn]
        ]
        stages = [{"DurationInMinutes": 5, "Targets": targets}] if targets else []
        return self._contact(arn, "PERSONAL", {"Stages": stages})

    def escalation(self, alias: str, *members: str) -> str:
        """Make an escalation plan; return its ARN."""
        stages = [
            {
                "DurationInMinutes": 5,
                "Targets": [{"ContactTargetInfo": {"ContactId": member, "IsEssential": False}}],
            }
            for member in members
        ]
        return self._contact(contact_arn(alias), "ESCALATION", {"Stages": stages})

    def schedule(self, alias: str, *rotations: str) -> str:
        """Make an on-call schedule; return its ARN."""
        return self._contact(contact_arn(alias), "ONCALL_SCHEDULE", {"RotationIds": list(rotations)})

    def rotation(self, name: str, *members: str, begins: float = -1000, **recurrence: Any) -> str:
        """Make a rotation that begins in so many hours, with nobody's turn in it; return its ARN."""
        arn = f"arn:aws:ssm-contacts:{REGION}:{ACCOUNT}:rotation/{name}"
        self.rotations[arn] = {
            "RotationArn": arn,
            "Name": name,
            "ContactIds": list(members),
            "StartTime": self.at(begins),
            "TimeZoneId": "UTC",
            "Recurrence": {
                "NumberOfOnCalls": 1,
                "RecurrenceMultiplier": 1,
                **(recurrence or {"DailySettings": [{"HourOfDay": 9, "MinuteOfHour": 0}]}),
            },
        }
        self.shifts[arn] = []
        return arn

    def turn(
        self, rotation: str, begin: float, end: float, *people: str, kind: str | None = "REGULAR"
    ) -> None:
        """Put a shift from one hour to another into a rotation."""
        shift = {"ContactIds": list(people), "StartTime": self.at(begin), "EndTime": self.at(end)}
        self.shifts[rotation].append(shift if kind is None else {**shift, "Type": kind})

    def at(self, hours: float) -> datetime:
        """Return the time in so many hours."""
        return self.now + timedelta(hours=hours)

    def _contact(self, arn: str, kind: str, plan: dict[str, Any]) -> str:
        alias = arn.rpartition("/")[2]
        self.contacts[arn] = {"ContactArn": arn, "Alias": alias, "Type": kind, "Plan": plan}
        return arn

    # --- what the check sees

    def clients(self) -> Clients:
        """Return the account's clients."""
        made = {name: _Client(self, service) for name, service in _SERVICES.items()}
        return Clients(**made, logs=None, cloudformation=None, region=REGION)

    def found(self, **options: Any) -> list[Finding]:
        """Look."""
        found = preflight(self.settings, self.clients(), **options)
        assert self.misshapen == []
        return found

    def ids(self) -> list[str]:
        """Look, and tell the findings' ids."""
        return [finding.id for finding in self.found()]

    def only(self) -> Finding:
        """Look, and return the one finding."""
        (finding,) = self.found()
        return finding

    def list_replication_sets(self) -> dict[str, Any]:
        return {"replicationSetArns": [] if self.replication_set is None else ["arn:aws:set/1"]}

    def get_replication_set(self, *, arn: str) -> dict[str, Any]:
        assert arn == "arn:aws:set/1"
        return {"replicationSet": self.replication_set}

    def get_response_plan(self, *, arn: str) -> dict[str, Any]:
        return _there(self.plans, arn)

    def get_contact(self, *, ContactId: str) -> dict[str, Any]:  # noqa: N803
        if ContactId.split(":")[4] in self.denied_accounts:
            raise error("AccessDeniedException", 403)
        return _there(self.contacts, ContactId)

    def list_contact_channels(self, *, ContactId: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        return self._page("ContactChannels", self.channels[ContactId], NextToken)

    def get_rotation(self, *, RotationId: str) -> dict[str, Any]:  # noqa: N803
        return _there(self.rotations, RotationId)

    def list_rotation_shifts(
        self,
        *,
        RotationId: str,  # noqa: N803
        StartTime: datetime,  # noqa: N803
        EndTime: datetime,  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        begin = "EndTime" if self.lists_running_shifts else "StartTime"
        shifts = [s for s in self.shifts[RotationId] if StartTime <= s[begin] and s["StartTime"] < EndTime]
        return self._page("RotationShifts", shifts, NextToken)

    def get_topic_attributes(self, *, TopicArn: str) -> dict[str, Any]:  # noqa: N803
        return {"Attributes": _there(self.topics, TopicArn, "NotFound")}

    def describe_document(self, *, Name: str, DocumentVersion: str = "1") -> dict[str, Any]:  # noqa: N803
        document = _there(self.documents, Name, "InvalidDocument")
        if DocumentVersion not in ("1", "$LATEST", "$DEFAULT"):
            raise error("InvalidDocumentVersion")
        return {"Document": document}

    def get_policy(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "incidents"
        return {"Policy": _there(self.policies, Qualifier), "RevisionId": "1"}

    def get_function_event_invoke_config(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "incidents"
        return _there(self.destinations, Qualifier)

    def describe_alarms(
        self,
        *,
        ActionPrefix: str,  # noqa: N803
        AlarmTypes: list[str],  # noqa: N803
        NextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert ActionPrefix
        kind = AlarmTypes[int(NextToken)]
        more = {"NextToken": f"{int(NextToken) + 1}"} if int(NextToken) + 1 < len(AlarmTypes) else {}
        return {f"{kind}s": self.alarms.get(kind, []), **more}

    def simulate_principal_policy(
        self,
        *,
        PolicySourceArn: str,  # noqa: N803
        ActionNames: list[str],  # noqa: N803
        ResourceArns: list[str],  # noqa: N803
        ContextEntries: list[dict[str, Any]],  # noqa: N803
        MaxItems: int,  # noqa: N803
    ) -> dict[str, Any]:
        assert PolicySourceArn == ROLE
        assert ContextEntries[0]["ContextKeyValues"] == ["ssm-incidents.amazonaws.com"]
        (action,) = ActionNames
        assert len(ResourceArns) <= MaxItems
        return {"EvaluationResults": [self.evaluated(action, arn) for arn in ResourceArns]}

    def evaluated(self, action: str, arn: str) -> dict[str, Any]:
        """Return what IAM says of one action on one resource."""
        decision = "implicitDeny" if (action, arn) in self.denied else "allowed"
        return {"EvalActionName": action, "EvalResourceName": arn, "EvalDecision": decision}

    def _page(self, name: str, items: list[dict[str, Any]], token: str) -> dict[str, Any]:
        begin, end = int(token), int(token) + self.page
        return {name: items[begin:end], **({"NextToken": str(end)} if end < len(items) else {})}


def _there(items: dict[str, _Item], key: str, code: str = "ResourceNotFoundException") -> _Item:
    if key not in items:
        raise error(code, 404)
    return items[key]


@functools.cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


class _Client:
    """A client that checks what it is asked and what it answers."""

    def __init__(self, world: World, service: str) -> None:
        self._world = world
        self._operations = {xform_name(name): name for name in _model(service).operation_names}
        self._service = service

    def __getattr__(self, name: str) -> Callable[..., Any]:
        model = _model(self._service).operation_model(self._operations[name])

        def call(**arguments: Any) -> Any:
            self._check(arguments, model.input_shape)
            self._world.asked[name] += 1
            self._world.questions.append((name, arguments))
            if name in self._world.errors:
                raise self._world.errors[name]
            answer = getattr(self._world, name)(**arguments)
            self._check(answer, model.output_shape)
            return answer

        return call

    def _check(self, values: dict[str, Any], shape: Any) -> None:
        report = ParamValidator().validate(values, shape)
        if report.has_errors():
            # Kept, since what a check meets on its way it makes a finding.
            self._world.misshapen.append(f"{shape.name}: {report.generate_report()}")
