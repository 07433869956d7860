"""Constructs of other libraries, which are CDK's references to a plan or a contact, and may be imports."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk.interfaces.aws_ssmcontacts import ContactReference, IContactRef
from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef, ResponsePlanReference

from cdk_incidents import IncidentTemplate, IncidentTrigger, ResponsePlan
from cdk_incidents._kinds import is_a

if TYPE_CHECKING:
    from tests.synthesis import Make

THEIRS = "444455556666"


@jsii.implements(IResponsePlanRef)
class TheirPlan(cdk.Resource):
    """A plan of another account, imported by another library."""

    def __init__(self, scope: cdk.Stack, construct_id: str) -> None:
        super().__init__(scope, construct_id, account=THEIRS)

    @property
    def response_plan_ref(self) -> ResponsePlanReference:
        """CDK's reference."""
        arn = f"arn:aws:ssm-incidents::{THEIRS}:response-plan/theirs"
        return ResponsePlanReference(response_plan_arn=arn)


@jsii.implements(IContactRef)
class TheirContact(cdk.Resource):
    """A contact of another account, imported by another library."""

    def __init__(self, scope: cdk.Stack, construct_id: str) -> None:
        super().__init__(scope, construct_id, account=THEIRS)

    @property
    def contact_ref(self) -> ContactReference:
        """CDK's reference."""
        return ContactReference(contact_arn=f"arn:aws:ssm-contacts:eu-west-1:{THEIRS}:contact/theirs")


def test_a_plan_is_of_the_account_that_it_says(make: Make) -> None:
    """The trigger may touch the plan's incidents and page its contacts where they are: in that account."""
    stack = make.stack(env=make.env)
    IncidentTrigger(stack, "Trigger").add_route("Critical", response_plan=TheirPlan(stack, "Plan"))
    role = json.dumps(make.synth(stack).properties("AWS::IAM::Role", "TriggerRole"))
    for resource in ("ssm-incidents::{}:incident-record/theirs/*", "ssm-contacts:*:{}:contact/*"):
        assert resource.format(THEIRS) in role
        assert resource.format("111122223333") not in role


def test_a_contact_is_of_the_account_that_it_says(make: Make) -> None:
    """A plan of another account that engages it warns."""
    stack = make.stack(env=make.env)
    incident = IncidentTemplate.critical(title="Checkout is failing")
    ResponsePlan(stack, "Plan", incident=incident, engagements=[TheirContact(stack, "Contact")])
    ((path, _, text),) = make.synth(stack).messages
    assert path == "/Stack/Plan"
    assert f"got Stack/Contact of {THEIRS}" in text


class _Topic(sns.CfnTopic, jsii_type="another-library.Topic"):
    pass


class _TopicOfAnApp(sns.CfnTopic):
    pass


@pytest.mark.parametrize("kind", [sns.CfnTopic, _TopicOfAnApp, _Topic])
def test_a_class_made_of_one_of_cdks(kind: type[sns.CfnTopic]) -> None:
    """It counts as CDK's, in Python and in another library of jsii's."""
    assert is_a(object.__new__(kind), "aws_sns.CfnTopic")
    assert not is_a(object.__new__(kind), "aws_sns.CfnTopicPolicy", "aws_ssm.CfnDocument")
