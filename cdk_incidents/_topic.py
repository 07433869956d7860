"""A topic in a type hint: CDK's interface, and CDK's class, which pyright does not take for the interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from aws_cdk import aws_sns as sns

    Topic: TypeAlias = sns.ITopic | sns.TopicBase
