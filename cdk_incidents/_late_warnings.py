"""Warnings that only synth can tell, since what they are about may still change until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Annotations
from constructs import IValidation

from cdk_incidents._places import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from constructs import Construct

    from cdk_incidents._places import Place


@jsii.implements(IValidation)
class _Warnings:
    """All of a stack: CDK calls back for each validation, and a team may have a hundred constructs."""

    def __init__(self) -> None:
        self.late: list[tuple[Construct, Callable[[], Iterable[tuple[str, str]]]]] = []

    def validate(self) -> list[str]:
        for construct, find in self.late:
            for warning_id, text in find():
                Annotations.of(construct).add_warning_v2(warning_id, text)
        return []


_STACKS: dict[Place, _Warnings] = {}


def warn_at_synth(construct: Construct, find: Callable[[], Iterable[tuple[str, str]]]) -> None:
    """Add the warnings, each an id and a text, that `find` returns when the app synthesises.

    CDK validates after all aspects, tags among them, and before it writes what constructs have to say.
    """
    place = place_of(construct)
    warnings = _STACKS.get(place)
    if warnings is None:
        warnings = _STACKS[place] = _Warnings()
        place.stack.node.add_validation(warnings)
    warnings.late.append((construct, find))
