"""Where constructs stand: a construct never moves, so CDK is asked once; each question is a trip to Node."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aws_cdk import Stack, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import IConstruct


class Place:
    """A stack, and what of it never changes."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    @functools.cached_property
    def account(self) -> str:
        """The account, or a token for it."""
        return self.stack.account

    @functools.cached_property
    def region(self) -> str:
        """The Region, or a token for it."""
        return self.stack.region

    @functools.cached_property
    def partition(self) -> str:
        """The partition, or a token for it."""
        return self.stack.partition

    @functools.cached_property
    def name(self) -> str:
        """The stack's name; of a nested one a token."""
        return self.stack.stack_name

    @functools.cached_property
    def path(self) -> str:
        """The stack's path in the app."""
        return self.stack.node.path

    @functools.cached_property
    def app(self) -> str:
        """The identity of the app."""
        return identity_of(self.stack.node.root)

    @functools.cached_property
    def stage(self) -> str | None:
        """The identity of the stage; a stack may stand in none."""
        stage = Stage.of(self.stack)
        return None if stage is None else identity_of(stage)

    @functools.cached_property
    def outermost(self) -> Place:
        """The place of the stack that is deployed, where this one is nested."""
        parent = self.stack.nested_stack_parent
        return self if parent is None else place_of(parent).outermost


# By the identity of each construct that was asked for, and by that of its stack. It is never given to another
# construct, and nothing is freed: jsii itself keeps every construct of the process.
_PLACES: dict[str, Place] = {}


def place_of(construct: IConstruct) -> Place:
    """Return where a construct stands: one object for all of a stack."""
    identity = identity_of(construct)
    place = _PLACES.get(identity)
    if place is None:
        stack = construct if isinstance(construct, Stack) else Stack.of(construct)
        place = _PLACES[identity] = _PLACES.setdefault(identity_of(stack), Place(stack))
    return place


def stands_in(construct: IConstruct, scope: IConstruct) -> Place:
    """Return the place of a construct that was just made in a scope: the scope's own."""
    place = _PLACES[identity_of(construct)] = place_of(scope)
    return place


def learn_places(scope: IConstruct, found: Sequence[IConstruct], wanted: Sequence[IConstruct]) -> None:
    """Learn where constructs stand by one trip a stack, and not one a construct: there may be thousands.

    Parameters
    ----------
    scope
        A construct of the app.
    found
        All below it.
    wanted
        Those of them that will be asked for.
    """
    if all(identity_of(construct) in _PLACES for construct in wanted):
        return
    stacks = [construct for construct in found if isinstance(construct, Stack)]
    if all(identity_of(stack) == identity_of(scope) for stack in stacks):
        place = place_of(scope)
        _PLACES.update((identity_of(construct), place) for construct in wanted)
        return
    # Outer ones come first, so that a nested one has the last word.
    for stack in stacks:
        place = place_of(stack)
        _PLACES.update((identity_of(construct), place) for construct in stack.node.find_all())


def identity_of(construct: object) -> str:
    """Return what stays the same: what Node made comes back as another Python object each time."""
    # jsii's own reference; it types constructs without it.
    identity: str = construct.__jsii_ref__.ref  # type: ignore[attr-defined]
    return identity
