"""Warnings that only synth can tell, since what they are about may still change until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Annotations
from constructs import IValidation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constructs import Construct


@jsii.implements(IValidation)
class _Warnings:
    def __init__(self, construct: Construct, find: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self._construct = construct
        self._find = find

    def validate(self) -> list[str]:
        for warning_id, text in self._find():
            Annotations.of(self._construct).add_warning_v2(warning_id, text)
        return []


def warn_at_synth(construct: Construct, find: Callable[[], Iterable[tuple[str, str]]]) -> None:
    """Add the warnings, each an id and a text, that `find` returns when the app synthesises.

    CDK validates after all aspects, tags among them, and before it writes what constructs have to say.
    """
    construct.node.add_validation(_Warnings(construct, find))
