"""PagerDuty: what it renders, what the service must be let into, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_incidents import IncidentTemplate, PagerDuty, ResponsePlan

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

PLAN = "AWS::SSMIncidents::ResponsePlan"
POLICY = "AWS::SecretsManager::ResourcePolicy"
TOKEN = "y_NbAkKc66ryYEXAMPLE"
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:pager-duty-AbCdEf"
FOR_THIS_ACCOUNT = {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def plan_of(scope: cdk.Stack, secret: secretsmanager.ISecret, name: str = "Plan") -> ResponsePlan:
    """Return a plan with an integration."""
    incident = IncidentTemplate.low(title="Title")
    pager_duty = PagerDuty(name="shop", secret=secret, service_id="PABC123")
    return ResponsePlan(scope, name, incident=incident, pager_duty=pager_duty)


def secret_of(scope: cdk.Stack, **changes: Any) -> secretsmanager.Secret:
    """Return a secret with a key of its own."""
    key = kms.Key(scope, "Key")
    return secretsmanager.Secret(scope, "Secret", **{"encryption_key": key, **changes})


@pytest.fixture(scope="module")
def owned(make: Make) -> Synth:
    """Return a stack with two plans that share a secret of the app."""
    stack = make.stack()
    value = {"pagerDutyToken": cdk.SecretValue.unsafe_plain_text(TOKEN)}
    secret = secret_of(stack, secret_object_value=value)
    for name in ("One", "Other"):
        plan_of(stack, secret, name)
    return make.synth(stack)


def test_renders_every_field(owned: Synth) -> None:
    """Each argument becomes its property; the secret is named, and its value is nowhere in the plan."""
    assert owned.properties(PLAN, "One")["Integrations"] == [
        {
            "PagerDutyConfiguration": {
                "Name": "shop",
                "PagerDutyIncidentConfiguration": {"ServiceId": "PABC123"},
                "SecretId": {"Ref": owned.id_of("AWS::SecretsManager::Secret")},
            }
        }
    ]
    assert TOKEN not in str(owned.of_type(PLAN))


def test_lets_the_service_read_the_secret(owned: Synth) -> None:
    """Incident Manager may read the secret, for this account; two plans need no more than one."""
    assert owned.properties(POLICY)["ResourcePolicy"]["Statement"] == [
        {
            "Action": "secretsmanager:GetSecretValue",
            "Effect": "Allow",
            "Principal": {"Service": "ssm-incidents.amazonaws.com"},
            "Resource": "*",
            "Condition": FOR_THIS_ACCOUNT,
        }
    ]


def test_lets_the_service_use_the_key(owned: Synth) -> None:
    """Incident Manager may decrypt with the secret's key, as AWS's guide asks, for this account; once."""
    statements = owned.properties("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    ours = [each for each in statements if "Service" in each["Principal"]]
    assert ours == [
        {
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Effect": "Allow",
            "Principal": {"Service": "ssm-incidents.amazonaws.com"},
            "Resource": "*",
            "Condition": FOR_THIS_ACCOUNT,
        }
    ]


def test_the_plan_waits_for_both(owned: Synth) -> None:
    """The service reads the secret while it makes the plan, so it must be let in before."""
    for name in ("One", "Other"):
        assert {owned.id_of(POLICY), owned.id_of("AWS::KMS::Key")} <= set(owned.one(PLAN, name)["DependsOn"])
    assert owned.messages == []


def test_takes_secrets_that_exist(make: Make) -> None:
    """An import is named by its full ARN or else its name; synth says what its policies must allow."""
    stack = make.stack()
    imports = {
        "ByName": secretsmanager.Secret.from_secret_name_v2(stack, "Name", "pager-duty"),
        "ByArn": secretsmanager.Secret.from_secret_complete_arn(stack, "Arn", SECRET_ARN),
        "ByPart": secretsmanager.Secret.from_secret_partial_arn(stack, "Part", SECRET_ARN[:-7]),
    }
    for name, secret in imports.items():
        plan_of(stack, secret, name)
    synth = make.synth(stack)
    ids = {
        name: synth.properties(PLAN, name)["Integrations"][0]["PagerDutyConfiguration"]["SecretId"]
        for name in imports
    }
    assert ids == {"ByName": "pager-duty", "ByArn": SECRET_ARN, "ByPart": "pager-duty"}
    said = {path: text for path, _, text in synth.messages}
    assert set(said) == {"/Stack/ByName", "/Stack/ByArn", "/Stack/ByPart"}
    assert said["/Stack/ByName"] == (
        "pager_duty: the secret must let ssm-incidents.amazonaws.com read it (got Stack/Name, an import,"
        " whose policy nobody here knows): allow it secretsmanager:GetSecretValue there, and kms:Decrypt and"
        " kms:GenerateDataKey* on its customer managed key. [ack: cdk-incidents:secret-policy]"
    )


def test_warns_of_a_key_that_exists(make: Make) -> None:
    """A secret of the app may have an imported key, of which synth says what its policy must allow."""
    stack = make.stack()
    arn = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
    key = kms.Key.from_key_arn(stack, "Theirs", arn)
    plan_of(stack, secretsmanager.Secret(stack, "Secret", encryption_key=key))
    ((path, level, text),) = make.synth(stack).messages
    assert (path, level) == ("/Stack/Plan", "warning")
    assert text == (
        "pager_duty: the key must let ssm-incidents.amazonaws.com use it (got Stack/Theirs, an import,"
        " whose policy nobody here knows): allow it kms:Decrypt and kms:GenerateDataKey* there."
        " [ack: cdk-incidents:secret-key]"
    )


def test_refuses_a_secret_without_a_key_of_its_own(make: Make) -> None:
    """The service cannot read what AWS's own key encrypts, so a secret of the app needs a customer's."""
    secret = secretsmanager.Secret(make.stack(), "Secret")
    message = (
        r"^secret must be encrypted with a customer managed key \(got \"Stack/Secret with AWS's own\"\):"
        r" Incident Manager cannot read that; pass encryption_key=kms\.Key\(…\)\.$"
    )
    with pytest.raises(ValueError, match=message):
        PagerDuty(name="shop", secret=secret, service_id="PABC123")


@pytest.mark.parametrize("value", [TOKEN, cdk.SecretValue.unsafe_plain_text(TOKEN)], ids=["text", "value"])
def test_refuses_a_secrets_value_without_telling_it(value: Any) -> None:
    """Who passes the token itself is told to pass the secret, and the token is not in the message."""
    with pytest.raises(ValueError, match=r"^secret must be a secret of Secrets Manager ") as refused:
        PagerDuty(name="shop", secret=value, service_id="PABC123")
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("argument", ["name", "service_id"])
@pytest.mark.parametrize(("length", "is_refused"), [(0, True), (1, False), (200, False), (201, True)])
def test_limits(make: Make, argument: str, length: int, *, is_refused: bool) -> None:
    """Name and service id have 1 to 200 characters."""
    secret = secretsmanager.Secret.from_secret_name_v2(make.stack(), "Secret", "pager-duty")
    arguments: dict[str, Any] = {"name": "n", "service_id": "s", argument: "x" * length}
    if not is_refused:
        assert getattr(PagerDuty(secret=secret, **arguments), argument) == "x" * length
        return
    with pytest.raises(ValueError, match=rf"^{argument} must be 1 to 200 characters long .* it has {length}"):
        PagerDuty(secret=secret, **arguments)


def test_lets_tokens_through(make: Make) -> None:
    """Name and service id may be parameters of the stack."""
    stack = make.stack()
    name, service = (cdk.CfnParameter(stack, key).value_as_string for key in ("Name", "Service"))
    secret = secretsmanager.Secret.from_secret_name_v2(stack, "Secret", "pager-duty")
    pager_duty = PagerDuty(name=name, secret=secret, service_id=service)
    ResponsePlan(stack, "Plan", incident=IncidentTemplate.low(title="Title"), pager_duty=pager_duty)
    (found,) = make.synth(stack).properties(PLAN)["Integrations"]
    assert found["PagerDutyConfiguration"]["Name"] == {"Ref": "Name"}
    assert "'ServiceId': {'Ref': 'Service'}" in str(found)


def test_is_frozen(make: Make) -> None:
    """A value that was checked cannot become another one."""
    secret = secretsmanager.Secret.from_secret_name_v2(make.stack(), "Secret", "pager-duty")
    with pytest.raises(dataclasses.FrozenInstanceError):
        PagerDuty(name="n", secret=secret, service_id="s").name = "x"  # type: ignore[misc]
