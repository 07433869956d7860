"""An alarm action that runs within CDK: one of Python's is called back for each alarm, which costs more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from constructs import Construct


def native_action(scope: Construct, construct_id: str, arn: str) -> cloudwatch.IAlarmAction:
    """Return CDK's own action over a route's alias, which knows nothing of the alarm's stack.

    Of the alias itself CDK would make a permission for each alarm. Of an import that has its permissions it
    makes none: one of the alias serves all alarms.

    Parameters
    ----------
    scope, construct_id
        Where the import lives in the app; it adds no resource.
    arn
        The alias's ARN as the alarm's stack may name it.
    """
    imported = lambda_.Function.from_function_attributes(
        scope, construct_id, function_arn=arn, same_environment=False, skip_permissions=True
    )
    return actions.LambdaAction(imported)
