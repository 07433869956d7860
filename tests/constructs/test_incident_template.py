"""Impact and IncidentTemplate: pure values that refuse what the service would refuse."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from cdk_incidents import Impact, IncidentTemplate
from tests.synthesis import steady

if TYPE_CHECKING:
    from tests.synthesis import Make


def template(**changes: Any) -> IncidentTemplate:
    """Return a template that is fine but for the changes."""
    return IncidentTemplate(**{"title": "Checkout is failing", "impact": Impact.HIGH, **changes})


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("title", "t" * 200),
        ("title", "t"),
        ("impact", 1),
        ("impact", 5),
        ("impact", Impact.NO_IMPACT),
        ("summary", "s" * 4000),
        ("dedupe_string", "d" * 1000),
        ("tags", {f"key{n}": "value" for n in range(50)}),
        ("tags", {"k" * 128: "v" * 256}),
        ("tags", {"team:a/b_c.d-e+f=g": "Shop, team 7 _=@:.+-/"}),
    ],
)
def test_takes_what_is_just_within_a_limit(argument: str, value: object) -> None:
    """The last value that the service takes is taken, as it is."""
    assert getattr(template(**{argument: value}), argument) == value


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        (
            "title",
            "t" * 201,
            rf"title must be 1 to 200 characters long \(got '{'t' * 59}…\): it has 201; shorten it\.",
        ),
        ("title", "", r"title must be 1 to 200 characters long \(got ''\): it has 0; give it a value"),
        (
            "impact",
            0,
            r"impact must be a whole number from 1 to 5 \(got 0\): take a member of Impact, e\.g\. I",
        ),
        ("impact", 6, r"impact must be a whole number from 1 to 5 \(got 6\): take"),
        ("impact", 9, r"impact must be a whole number from 1 to 5 \(got 9\): take"),
        ("impact", 2.5, r"impact must be a whole number from 1 to 5 \(got 2\.5\): take"),
        ("impact", True, r"impact must be a whole number from 1 to 5 \(got True\): take"),
        ("impact", "high", r"impact must be a whole number from 1 to 5 \(got 'high'\): take"),
        (
            "summary",
            "s" * 4001,
            r"summary must be 1 to 4000 characters long \(got 's+…\): it has 4001; shorten",
        ),
        (
            "dedupe_string",
            "d" * 1001,
            r"dedupe_string must be 1 to 1000 characters long \(got 'd+…\): it has 1001; shorten",
        ),
        (
            "tags",
            {f"key{n}": "value" for n in range(51)},
            r"tags must be at most 50 items \(got '51 items'\): leave some out\.",
        ),
        (
            "tags",
            {"k" * 129: "v"},
            r"tags: the key 'k+' must be 1 to 128 characters long .* it has 129; shorten",
        ),
        ("tags", {"": "v"}, r"tags: the key '' must be 1 to 128 characters long \(got ''\)"),
        ("tags", {"key": "v" * 257}, r"tags: the value of 'key' must be 1 to 256 .* it has 257; shorten"),
        ("tags", {"key": ""}, r"tags: the value of 'key' must be 1 to 256 .*\(got ''\): it has 0; give"),
        ("tags", {"key": "50 €"}, r"tags: the value of 'key' must be letters, .*\(got '50 €'\): put free"),
        ("tags", {"a key": "v"}, r"tags: a key must be letters, .*\(got 'a key'\): rename it, without space"),
        ("tags", {"a@b": "v"}, r"tags: a key must be letters, .*\(got 'a@b'\): rename it"),
        ("tags", {"aws:team": "v"}, r"tags: a key must .* not begin with aws: \(got 'aws:team'\): rename"),
    ],
)
def test_refuses_what_is_just_beyond_a_limit(argument: str, value: object, message: str) -> None:
    """The first value that the service refuses is refused: argument, rule, what was received, remedy."""
    with pytest.raises(ValueError, match=f"^{message}"):
        template(**{argument: value})


@pytest.mark.parametrize(("count", "is_refused"), [(10, False), (11, True)])
def test_holds_ten_notification_topics(make: Make, count: int, *, is_refused: bool) -> None:
    """Ten topics are told of an incident; with an eleventh the message says what to do."""
    stack = make.stack()
    topics = [
        sns.Topic.from_topic_arn(stack, f"Topic{n}", f"arn:aws:sns:eu-west-1:111122223333:topic{n}")
        for n in range(count)
    ]
    if is_refused:
        with pytest.raises(
            ValueError, match=r"notification_topics must be at most 10 items \(got '11 items'\)"
        ):
            template(notification_topics=topics)
    else:
        assert len(template(notification_topics=topics).notification_topics) == 10


@pytest.mark.parametrize(
    ("argument", "token"),
    [
        ("title", cdk.Fn.ref("Title")),
        ("title", " ".join(cdk.Fn.ref(f"Part{n}") for n in range(20))),
        ("impact", cdk.Token.as_number(cdk.Fn.ref("Impact"))),
        ("summary", cdk.Fn.ref("Summary")),
        ("dedupe_string", cdk.Fn.ref("Dedupe")),
    ],
    ids=steady,
)
def test_lets_tokens_through(argument: str, token: object) -> None:
    """A value that only CloudFormation knows is not checked, be it a text or a number."""
    assert getattr(template(**{argument: token}), argument) == token


@pytest.mark.parametrize(
    ("factory", "impact"),
    [
        (IncidentTemplate.critical, 1),
        (IncidentTemplate.high, 2),
        (IncidentTemplate.medium, 3),
        (IncidentTemplate.low, 4),
        (IncidentTemplate.no_impact, 5),
    ],
)
def test_factories_differ_by_impact_only(make: Make, factory: Any, impact: int) -> None:
    """Each factory hands all of its arguments on, and gives the impact that it is named after."""
    topic = sns.Topic.from_topic_arn(make.stack(), "Topic", "arn:aws:sns:eu-west-1:111122223333:topic")
    arguments: dict[str, Any] = {
        "title": "Title",
        "summary": "Summary",
        "dedupe_string": "dedupe",
        "tags": {"team": "shop"},
        "notification_topics": [topic],
    }
    assert factory(**arguments) == IncidentTemplate(impact=impact, **arguments)


def test_is_frozen() -> None:
    """A value that was checked cannot become another one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        template().title = "t" * 201  # type: ignore[misc]


def test_impact_is_the_services_number() -> None:
    """The five impacts are the service's, in its order."""
    assert {impact.name: int(impact) for impact in Impact} == {
        "CRITICAL": 1,
        "HIGH": 2,
        "MEDIUM": 3,
        "LOW": 4,
        "NO_IMPACT": 5,
    }
