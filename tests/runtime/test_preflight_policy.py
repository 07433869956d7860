"""A policy refuses a service only where nobody can doubt it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from incidents_runtime.smoke_test.preflight_policy import Request, refuses

TOPIC = "arn:aws:sns:us-east-1:111122223333:chat"
PLAN = "arn:aws:ssm-incidents::111122223333:response-plan/Checkout"
REQUEST = Request(
    "ssm-incidents.amazonaws.com",
    "sns:Publish",
    TOPIC,
    {"aws:sourceaccount": ("111122223333", None), "aws:sourcearn": (PLAN, None)},
)
LETS_IN: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "ssm-incidents.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": TOPIC,
}


def refused(*statements: dict[str, Any]) -> bool:
    """Tell whether statements refuse the request."""
    return refuses(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), REQUEST)


def on(**condition: dict[str, Any]) -> dict[str, Any]:
    """Return the statement that lets in, on a condition."""
    return {**LETS_IN, "Condition": condition}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Principal": "*"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["111122223333", "*"]}},
        {"Principal": {"Service": ["events.amazonaws.com", "ssm-incidents.amazonaws.com"]}},
        {"Action": "SNS:Publish"},
        {"Action": "*"},
        {"Action": ["sns:GetTopicAttributes", "sns:Pub*"]},
        {"Action": "sns:Publis?"},
        {"Resource": "*"},
        {"Resource": ["arn:aws:sns:*:*:other", "arn:aws:sns:*:*:ch?t"]},
    ],
)
def test_whoever_is_named_is_let_in(change: dict[str, Any]) -> None:
    """Principals by name or star, actions in any case, resources by wildcard: each lets the service in."""
    assert not refused({**LETS_IN, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}},
        {"Action": "sns:Subscribe"},
        {"Action": "sns:Publish[a-z]"},
        {"Action": "sns:[P]ublish"},
        {"Resource": "arn:aws:sns:us-east-1:111122223333:CHAT"},
        {"Resource": "arn:aws:sns:us-east-1:111122223333:other"},
        {"Effect": "Deny"},
    ],
)
def test_whoever_is_not_named_is_refused(change: dict[str, Any]) -> None:
    """Another service, an account, another action or resource let nobody in; a resource's case matters."""
    assert refused({**LETS_IN, **change})


@pytest.mark.parametrize(
    ("key", "value", "lets_in"),
    [
        ("NotAction", "sns:Subscribe", True),
        ("NotAction", ["SNS:Publish"], False),
        ("NotResource", "arn:aws:sns:*:*:other", True),
        ("NotResource", "*", False),
    ],
)
def test_all_but_what_is_named(key: str, value: object, *, lets_in: bool) -> None:
    """NotAction and NotResource mean all others."""
    statement = {name: kept for name, kept in LETS_IN.items() if name != key.removeprefix("Not")}
    assert refused({**statement, key: value}) is not lets_in


def test_a_denial_may_hold_of_what_is_not_there() -> None:
    """A condition "if exists" holds of a key that a service does not send."""
    condition = {"StringEqualsIfExists": {"aws:SourceOwner": "444455556666"}}
    assert refused(LETS_IN, {**on(**condition), "Effect": "Deny"})


@pytest.mark.parametrize("policy", [{}, {"Statement": []}])
def test_an_empty_policy_refuses(policy: dict[str, Any]) -> None:
    """Where nothing is allowed nobody comes in."""
    assert refuses(json.dumps(policy), REQUEST)


def test_a_policy_of_one_statement_may_have_no_list() -> None:
    """IAM takes a single statement for a list of one."""
    assert not refuses(json.dumps({"Statement": LETS_IN}), REQUEST)


def test_a_denial_goes_before_all() -> None:
    """One statement that denies is enough, wherever it stands."""
    assert refused(LETS_IN, {**LETS_IN, "Effect": "Deny"})
    assert not refused(LETS_IN, {**LETS_IN, "Effect": "Deny", "Action": "sns:Subscribe"})


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        {"StringEquals": {"AWS:SourceAccount": ["444455556666", "111122223333"]}},
        {"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}},
        {"StringLike": {"aws:SourceAccount": "1111*"}},
        {"StringNotEquals": {"aws:SourceAccount": "444455556666"}},
        {"StringNotLike": {"aws:SourceAccount": "4*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:ssm-incidents:*:111122223333:response-plan/*"}},
        {"ArnEquals": {"aws:SourceArn": PLAN}},
        {"StringLike": {"aws:SourceArn": "arn:aws:ssm-incidents:*"}},
        {"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:*:*:*"}},
        {"Bool": {"aws:SecureTransport": True}},
        {"Bool": {"aws:PrincipalIsAWSService": "True"}},
        {"StringEqualsIgnoreCase": {"aws:PrincipalServiceName": "SSM-incidents.amazonaws.com"}},
        {"StringNotEqualsIgnoreCase": {"aws:PrincipalServiceName": "EVENTS.amazonaws.com"}},
        {"Null": {"aws:SecureTransport": "false"}},
        {"Null": {"aws:SourceOwner": True}},
        {"StringEqualsIfExists": {"aws:SourceOwner": "111122223333"}},
        {"StringNotEquals": {"aws:SourceOwner": "111122223333"}},
        {
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "ArnLike": {"aws:SourceArn": "arn:aws:ssm-incidents::*:*"},
        },
    ],
)
def test_conditions_that_hold_let_in(condition: dict[str, Any]) -> None:
    """A condition on source, transport or service that may hold is no refusal."""
    assert not refused(on(**condition))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:SourceAccount": "444455556666"}},
        {"StringLike": {"aws:SourceAccount": "4*"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:ssm-incidents:*:111122223333:response-plan/Other"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:*response-plan/Checkout"}},
        {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::bucket"}},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"Bool": {"aws:PrincipalIsAWSService": False}},
        {"BoolIfExists": {"aws:SecureTransport": "false"}},
        {"StringNotEquals": {"aws:PrincipalServiceName": "ssm-incidents.amazonaws.com"}},
        {"StringLike": {"aws:PrincipalServiceName": "SSM-*"}},
        {"StringEqualsIgnoreCase": {"aws:PrincipalServiceName": "EVENTS.amazonaws.com"}},
        {"Null": {"aws:SecureTransport": "true"}},
        {"StringEquals": {"aws:SourceOwner": "111122223333"}},
        {
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "Bool": {"aws:SecureTransport": "false"},
        },
    ],
)
def test_conditions_that_never_hold_refuse(condition: dict[str, Any]) -> None:
    """A condition that holds neither with the key nor without it lets nobody in."""
    assert refused(on(**condition))


UNKNOWN: list[dict[str, Any]] = [
    {"StringEquals": {"aws:SourceOrgID": "o-1"}},
    {"IpAddress": {"aws:SecureTransport": "192.0.2.0/24"}},
    {"ForAnyValue:StringEquals": {"aws:SourceAccount": "444455556666"}},
    {"StringEquals": {"aws:SourceAccount": "${aws:PrincipalTag/account}"}},
    {"StringEqualsIfExists": {"aws:SourceAccount": "444455556666"}},
]


@pytest.mark.parametrize("condition", UNKNOWN)
def test_what_nobody_can_tell_is_no_refusal(condition: dict[str, Any]) -> None:
    """An unknown key or operator, a variable, a key that may be absent: neither Allow nor Deny is claimed."""
    assert not refused(on(**condition))
    assert not refused(LETS_IN, {**on(**condition), "Effect": "Deny"})


def test_what_nobody_can_tell_does_not_mend_what_is_sure() -> None:
    """An unknown condition beside one that never holds changes nothing."""
    assert refused(on(StringEquals={"aws:SourceOrgID": "o-1"}, Bool={"aws:SecureTransport": "false"}))


@pytest.mark.parametrize("left_out", ["Principal", "Resource", "Action"])
def test_a_statement_that_does_not_say_is_no_refusal(left_out: str) -> None:
    """What a statement leaves out, or says by NotPrincipal, nobody here can tell."""
    statement = {name: kept for name, kept in LETS_IN.items() if name != left_out}
    assert not refused({**statement, "NotPrincipal": {"AWS": "111122223333"}})
    assert not refused(LETS_IN, {**statement, "Effect": "Deny"})
