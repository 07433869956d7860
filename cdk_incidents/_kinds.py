"""Of which of CDK's classes a construct is: the question loads none of their modules."""

from __future__ import annotations


def is_a(construct: object, *names: str) -> bool:
    """Tell whether a construct is of a class of CDK's, such as ``aws_sns.CfnTopic``, or of one of several."""
    wanted = {f"aws-cdk-lib.{name}" for name in names}
    # Also of one that another library has made of it.
    return any(getattr(kind, "__jsii_type__", None) in wanted for kind in type(construct).__mro__)
