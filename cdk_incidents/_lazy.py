"""Values that are known only when the app synthesises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import IAnyProducer, IStableListProducer, IStableStringProducer, IStringProducer, Lazy

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import IResolvable, IResolveContext


@jsii.implements(IStableStringProducer)
class _Text:
    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def produce(self) -> str:
        return self._make()


@jsii.implements(IStringProducer)
class _UncachedText:
    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def produce(self, context: IResolveContext) -> str:  # noqa: ARG002 - jsii gives it
        return self._make()


@jsii.implements(IAnyProducer)
class _UncachedValue:
    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def produce(self, context: IResolveContext) -> object:  # noqa: ARG002 - jsii gives it
        return self._make()


@jsii.implements(IStableListProducer)
class _Texts:
    def __init__(self, make: Callable[[], list[str]]) -> None:
        self._make = make

    def produce(self) -> list[str]:
        return self._make()


def lazy_text(make: Callable[[], str]) -> str:
    """Return a token for the text that `make` returns at synth."""
    return Lazy.string(_Text(make))


def uncached_text(make: Callable[[], str]) -> str:
    """Return a token for a text that is made anew at each resolution: it depends on ids that still change."""
    return Lazy.uncached_string(_UncachedText(make))


def uncached_any(make: Callable[[], object]) -> IResolvable:
    """Return a token for a value that is made anew at each resolution, like `uncached_text`."""
    return Lazy.uncached_any(_UncachedValue(make))


def lazy_texts(make: Callable[[], list[str]]) -> list[str]:
    """Return a token for the list that `make` returns at synth."""
    return Lazy.list(_Texts(make))
