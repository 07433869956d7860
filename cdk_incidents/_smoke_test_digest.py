"""Texts that change whenever something changes that a smoke test proves, and with nothing else.

They are made of what synth knows; a token stands for itself, so that a text is the same in each stage.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import CfnResource, Stack

from cdk_incidents._plan_reach import parts_of, properties_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct


def digest_of(scope: IConstruct, *roots: IConstruct, beside: object = "") -> str:
    """Return the digest of all resources below the roots, and of a value beside them."""
    resources = [child for root in roots for child in root.node.find_all() if isinstance(child, CfnResource)]
    return _digest(resources, Stack.of(scope).resolve(beside))


def digest_of_plan(plan: IResponsePlanRef) -> str:
    """Return the digest of a plan, and of all in this app that its incidents depend on."""
    return _digest(parts_of(plan), "")


def _digest(resources: Iterable[CfnResource], beside: object) -> str:
    # Sorted: in which order they were made means nothing.
    parts = sorted(json.dumps(properties_of(resource), sort_keys=True) for resource in resources)
    import hashlib  # noqa: PLC0415 - OpenSSL loads slowly

    return hashlib.sha256(json.dumps([beside, *parts], sort_keys=True).encode()).hexdigest()[:16]
