"""Roles bite: in functions, and in what IAM tells of them."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from .conftest import ACCOUNT, unique

if TYPE_CHECKING:
    from .conftest import Aws

_VIA = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}


def _allow(action: str, *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*"}


def test_a_function_calls_as_its_role(aws: Aws) -> None:
    """A client in a function finds the cloud, and is assumed-role/ROLE/FUNCTION there."""
    name, role = unique("fn"), aws.role()
    code = "import boto3\ndef handler(e, c): return boto3.client('sts').get_caller_identity()['Arn']\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("index.py", code)
    client = aws.client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=20,
        Code={"ZipFile": archive.getvalue()},
    )
    caller = json.load(client.invoke(FunctionName=name)["Payload"])
    assert caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{name}"


def test_iam_tells_what_a_role_may_do(aws: Aws) -> None:
    """A simulation answers for each resource, with the context that is given, and does nothing."""
    ada, bob = (f"arn:aws:ssm-contacts:us-east-1:{ACCOUNT}:contact/{name}" for name in ("ada", "bob"))
    role = aws.role({**_allow("ssm-contacts:StartEngagement", ada), "Condition": _VIA})
    via = {
        "ContextKeyName": "aws:CalledViaFirst",
        "ContextKeyValues": ["ssm-incidents.amazonaws.com"],
        "ContextKeyType": "string",
    }
    told = [
        aws.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["ssm-contacts:StartEngagement"],
            ResourceArns=[ada, bob],
            ContextEntries=entries,
        )["EvaluationResults"]
        for entries in ([via], [])
    ]
    decisions = [{one["EvalResourceName"]: one["EvalDecision"] for one in results} for results in told]
    assert decisions == [{ada: "allowed", bob: "implicitDeny"}, {ada: "implicitDeny", bob: "implicitDeny"}]
