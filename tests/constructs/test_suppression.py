"""Suppression: Change Calendars as the function and its role are told of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ssm as ssm
from incidents_runtime.settings import routes_in

from cdk_incidents import IncidentTrigger, Suppression

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.synthesis import Make, Synth

THEIRS = "arn:aws:ssm:eu-west-1:444455556666:document/freeze"
CONTENT = """\
BEGIN:VCALENDAR
PRODID:-//AWS//Change Calendar 1.0//EN
VERSION:2.0
X-CALENDAR-TYPE:DEFAULT_OPEN
END:VCALENDAR
"""


def calendar(stack: cdk.Stack, *, name: str | None = "maintenance", **changes: Any) -> ssm.CfnDocument:
    """Return a Change Calendar of the app."""
    properties = {"content": {}, "document_format": "TEXT", "document_type": "ChangeCalendar", **changes}
    document = ssm.CfnDocument(stack, "Calendar", name=name, **properties)
    # CDK takes no text there, and the service nothing else.
    document.add_property_override("Content", CONTENT)
    return document


class Held:
    """A trigger in eu-west-1 with one route that calendars hold back."""

    def __init__(self, make: Make, *windows: Suppression, stack: cdk.Stack | None = None) -> None:
        stack = stack or make.stack(env=make.env)
        trigger = IncidentTrigger(stack, "Trigger")
        trigger.add_route("Critical", response_plan=make.plan(stack), suppression=windows)
        self.synth: Synth = make.synth(stack)

    @property
    def calendars(self) -> tuple[Mapping[str, str], ...]:
        """What the function reads."""
        code = self.synth.properties("AWS::Lambda::Function")["Code"]["ZipFile"]
        text = code if isinstance(code, str) else "".join(map(_shown, code["Fn::Join"][1]))
        return routes_in(text.splitlines())["Critical"].calendars

    @property
    def asked(self) -> list[Any]:
        """What the role may ask."""
        (inline,) = self.synth.properties("AWS::IAM::Role", "TriggerRole")["Policies"]
        found = [
            each["Resource"]
            for each in inline["PolicyDocument"]["Statement"]
            if "ssm:GetCalendarState" in each["Action"]
        ]
        return found[0] if found and isinstance(found[0], list) else found


def _shown(part: Any) -> str:
    return part if isinstance(part, str) else f"<{part['Ref']}>"


def own_arn(name: str) -> dict[str, Any]:
    """Return the ARN of a document of the trigger's own account and Region."""
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":ssm:eu-west-1:111122223333:{name}"]]}


def test_the_function_and_its_role_are_told(make: Make) -> None:
    """A name, another account's ARN and a calendar of the app reach the function, in the state that holds."""
    stack = make.stack(env=make.env)
    held = Held(
        make,
        Suppression.while_closed("work.hours_1"),
        Suppression.while_open(THEIRS),
        Suppression.while_closed(calendar(stack)),
        stack=stack,
    )
    assert held.calendars == (
        {"name": "work.hours_1", "state": "CLOSED"},
        {"name": THEIRS, "state": "OPEN"},
        {"name": "maintenance", "state": "CLOSED"},
    )
    assert held.asked == [own_arn("document/work.hours_1"), THEIRS, own_arn("document/maintenance")]


def test_without_windows_nothing_may_be_asked(make: Make) -> None:
    """Who suppresses nothing grants nothing."""
    held = Held(make)
    assert held.calendars == ()
    assert held.asked == []


def test_a_calendar_of_two_routes_is_asked_by_one_right(make: Make) -> None:
    """The role names a calendar once, however many routes look at it."""
    stack = make.stack(env=make.env)
    trigger = IncidentTrigger(stack, "Trigger")
    plan = make.plan(stack)
    for name, window in (("One", Suppression.while_open), ("Two", Suppression.while_closed)):
        trigger.add_route(name, response_plan=plan, suppression=[window("freeze")])
    text = json.dumps(make.synth(stack).properties("AWS::IAM::Role", "TriggerRole"))
    assert text.count("document/freeze") == 1


def test_a_calendar_of_another_stack_is_named_by_text(make: Make) -> None:
    """An app team's calendar makes neither an export nor an order: the team's stack may come later."""
    app = make.app()
    central, team = cdk.Stack(app, "Central", env=make.env), cdk.Stack(app, "Team", env=make.env)
    held = Held(make, Suppression.while_closed(calendar(team)), stack=central)
    assert held.calendars == ({"name": "maintenance", "state": "CLOSED"},)
    assert held.synth.dependencies == []
    assert make.synth(team).exports() == []


def test_a_calendar_of_another_accounts_stack_is_named_by_its_arn(make: Make) -> None:
    """The service finds another account's calendar by its ARN only."""
    app = make.app()
    central = cdk.Stack(app, "Central", env=make.env)
    env = cdk.Environment(account="444455556666", region="eu-west-1")
    theirs = calendar(cdk.Stack(app, "Theirs", env=env))
    held = Held(make, Suppression.while_open(theirs), stack=central)
    arn = "arn:<AWS::Partition>:ssm:eu-west-1:444455556666:document/maintenance"
    assert held.calendars == ({"name": arn, "state": "OPEN"},)


@pytest.mark.parametrize(
    "name", ["abc", "n" * 128, THEIRS, cdk.Fn.ref("Calendar")], ids=["3", "128", "arn", "token"]
)
def test_takes_what_may_be_a_calendar(name: str) -> None:
    """A name of 3 to 128 characters, an ARN, and what CloudFormation knows are taken."""
    assert Suppression.while_open(name).calendar == name


REFUSED: dict[str, tuple[Callable[[Make], object], str]] = {
    "two-characters": (
        lambda _: Suppression.while_open("ab"),
        r"calendar must be a Change Calendar's name, or its ARN like .* \(got 'ab'\): copy it from",
    ),
    "129-characters": (
        lambda _: Suppression.while_open("n" * 129),
        r"calendar must be a Change Calendar's name, or its ARN like .* \(got 'n+…\): copy it from",
    ),
    "words": (
        lambda _: Suppression.while_closed("my calendar"),
        r"calendar must be a Change Calendar's name",
    ),
    "another-arn": (
        lambda _: Suppression.while_closed("arn:aws:ssm:eu-west-1:444455556666:parameter/freeze"),
        r"calendar must be a Change Calendar's name",
    ),
    "no-account": (
        lambda _: Suppression.while_closed("arn:aws:ssm:eu-west-1::document/freeze"),
        r"calendar must be a Change Calendar's name",
    ),
    "number": (
        lambda _: Suppression.while_open(7),  # type: ignore[arg-type]
        r"calendar must be a name, an ARN or an ssm\.CfnDocument \(got 7\): pass one of these\.",
    ),
    "state": (
        lambda _: Suppression("freeze", "open"),  # type: ignore[arg-type]
        r"state must be OPEN or CLOSED \(got 'open'\): take Suppression\.while_open or Suppression\.while_cl",
    ),
    "document-of-another-type": (
        lambda make: Suppression.while_open(calendar(make.stack(), document_type="Command")),
        r"calendar must be of type ChangeCalendar \(got 'Stack/Calendar of type Command'\): document_type=\"",
    ),
    "document-without-type": (
        lambda make: Suppression.while_open(calendar(make.stack(), document_type=None)),
        r"calendar must be of type ChangeCalendar \(got 'Stack/Calendar of type None'\): document_type=\"",
    ),
    "document-without-name": (
        lambda make: Suppression.while_open(calendar(make.stack(), name=None)),
        r"calendar must be named: .* \(got 'Stack/Calendar'\): pass name= there, with",
    ),
    "another-region-by-arn": (
        lambda make: Held(make, Suppression.while_open(THEIRS.replace("eu-west-1", "us-east-1"))),
        r"calendar must be in the trigger's Region, eu-west-1 \(got 'arn:aws:ssm:us-east-1:.*\): make",
    ),
    "another-region": (
        lambda make: Held(
            make,
            Suppression.while_open(calendar(make.stack(env=cdk.Environment(region="us-east-1")))),
        ),
        r"calendar must be in the trigger's Region, eu-west-1 \(got 'Stack/Calendar in us-east-1'\)",
    ),
    "no-suppression": (
        lambda make: Held(make, "freeze"),  # type: ignore[arg-type]
        r"suppression must be a list of Suppression \(got 'freeze'\): it holds a str\.",
    ),
    "always": (
        lambda make: Held(
            make,
            Suppression.while_open("freeze"),
            Suppression.while_closed(f"arn:aws:ssm:{make.env.region}:{make.env.account}:document/freeze"),
        ),
        r"suppression must be while a calendar is open or while it is closed, not both \(got 'arn:.*'\): the",
    ),
    "eleven": (
        lambda make: Held(make, *[Suppression.while_open("freeze")] * 11),
        r"suppression must be at most 10 items \(got '11 items'\): put the events into one calendar\.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_would_suppress_nothing(make: Make, case: str) -> None:
    """A calendar that cannot be asked would hold nothing back in silence, so it is refused at synth."""
    act, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{message}"):
        act(make)


def test_each_calendar_may_have_its_own_state(make: Make) -> None:
    """The same one twice, and another one's other state, are no contradiction."""
    window = Suppression.while_open("freeze")
    assert len(Held(make, window, window, Suppression.while_closed("hours")).calendars) == 3


def test_ten_windows_are_taken(make: Make) -> None:
    """Ten are the most."""
    assert len(Held(make, *[Suppression.while_open("freeze")] * 10).calendars) == 10


def test_a_document_whose_type_is_told_later_is_taken(make: Make) -> None:
    """A parameter may give the type; then synth has nothing to refuse."""
    stack = make.stack()
    document = calendar(stack, document_type=cdk.CfnParameter(stack, "Type").value_as_string)
    assert Suppression.while_open(document).calendar is document
