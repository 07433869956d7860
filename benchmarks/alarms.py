"""What an alarm costs in the template and at synth: our ways to an incident, and those of aws-cdk-lib."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Figure
from benchmarks.sides import in_new_interpreter, in_turns, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ROUNDS = 3
_MANY, _SOME, _PLANS = 400, 100, 20

_BY_HAND = "LambdaAction, same function"
_TESTED = "watch and a SmokeTest"

# A way of ours, and one of CDK's that it stands against.
_MAIN = [("ResponsePlanAction", "SsmIncidentAction"), ("watch", "LambdaAction")]
_PAIRS = [
    *_MAIN,
    ("watch", _BY_HAND),
    ("ResponsePlanAction", "LambdaAction"),
    ("watch", "SsmIncidentAction"),
    ("Alarms.of to a plan", "SsmIncidentAction"),
    ("Alarms.of to a route", "LambdaAction"),
    ("Alarms.of to a route", _BY_HAND),
]
# Both tell a function of the recovery too; compared by what they make only.
_WITH_OK = ("watch with OK", "LambdaAction with OK")

_BYTES = {"SsmIncidentAction": 1.0, "LambdaAction": 0.65, _BY_HAND: 0.65, "LambdaAction with OK": 0.65}
_TIME = {"SsmIncidentAction": 1.25, "LambdaAction": 0.8, _BY_HAND: 0.8}
_GROWTH = 1.15


def measure(*, quick: bool) -> list[Figure]:
    """Measure all ways.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    if quick:
        told = _Samples(_MAIN, counts=(0, 1), plans=1, rounds=1)
        return [*told.resources(), *told.bytes(), *told.times()]
    told = _Samples(_PAIRS, [_WITH_OK], counts=(0, _SOME, _MANY), plans=_PLANS, rounds=_ROUNDS)
    return [*told.resources(), *told.bytes(), *told.times(), *told.smoke_test(), *told.growth()]


class _Samples:
    """Apps of each way with several numbers of alarms, the last of which counts.

    Parameters
    ----------
    pairs
        ways of ours and of CDK's
    sized
        those that are compared by what they make only, for which one app is enough
    counts
        the numbers of alarms, the first of them none
    plans
        how many plans the alarms are spread over
    rounds
        how many apps of each
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        sized: Sequence[tuple[str, str]] = (),
        *,
        counts: Sequence[int],
        plans: int,
        rounds: int,
    ) -> None:
        self._pairs, self._sized = pairs, [*pairs, *sized]
        self._counts = counts
        self._most = counts[-1]

        def sides(ways: Sequence[str]) -> dict[str, Callable[[], Mapping[str, Any]]]:
            return {
                f"{way}:{count}": _taker(way, count, plans, rounds)
                for way in ways
                for count in counts
                if count in (0, self._most) or way in dict(_MAIN)
            }

        timed = [*_ways(pairs), *([_TESTED] if rounds > 1 else [])]
        self._taken = in_turns(sides(timed), rounds)
        self._made = {app: taken[:1] for app, taken in self._taken.items()}
        if sized:
            self._made |= in_turns(sides(_ways(sized)), 1)

    def resources(self) -> list[Figure]:
        """Tell how many resources an alarm adds beyond itself."""
        ours = {one for one, _ in self._sized}
        return [
            Figure(
                f"resources an alarm beyond itself, {way}",
                "resources",
                tuple(each - 1 for each in self._per_alarm(self._made, way, "resources")),
                at_most=0 if way in ours else None,
            )
            for way in _ways(self._sized)
        ]

    def bytes(self) -> list[Figure]:
        """Compare the bytes of an alarm and all that comes with it."""
        return [
            ratio(
                f"bytes an alarm, {ours} to {theirs}",
                self._per_alarm(self._made, ours, "bytes"),
                self._per_alarm(self._made, theirs, "bytes"),
                at_most=_BYTES[theirs],
            )
            for ours, theirs in self._sized
        ]

    def times(self) -> list[Figure]:
        """Compare whole apps, and what the alarms alone take of them."""
        figures: list[Figure] = []
        for ours, theirs in self._pairs:
            apps = f"{self._most} alarms, {ours} to {theirs}"
            figures.append(ratio(apps, self._whole(ours), self._whole(theirs), at_most=_TIME[theirs]))
            if self._most > 1:
                each = (self._per_alarm(self._taken, way, "cpu_ms") for way in (ours, theirs))
                figures.append(ratio(f"an alarm more, {ours} to {theirs}", *each))
        if self._most > 1:
            # What is left of it without the permissions: no action can do better.
            floor = (self._whole(theirs) for theirs in ("SsmIncidentAction", "LambdaAction"))
            figures.append(ratio(f"{self._most} alarms, SsmIncidentAction to LambdaAction", *floor))
        for way in _ways(self._pairs):
            figures += [
                Figure(f"{count} alarms, {way}", "ms", tuple(self._whole(way, count)))
                for count in (0, self._most)
            ]
        return figures

    def smoke_test(self) -> list[Figure]:
        """Compare the app whose deployment is proven with the same without."""
        return [
            ratio(
                f"{count} alarms, {_TESTED} to watch",
                self._whole(_TESTED, count),
                self._whole("watch", count),
            )
            for count in (0, self._most)
        ]

    def growth(self) -> list[Figure]:
        """Compare what an alarm adds to an app without any: as one of many, and as one of some.

        It is a difference of differences, in time of processors. What others at work do only adds to it, so
        each is the least of its rounds.
        """
        some = self._counts[1]
        return [
            Figure(
                f"an alarm of {self._most} to one of {some}, {way}",
                "",
                (self._least(way, self._most) / self._least(way, some),),
                at_most=_GROWTH,
            )
            for way in dict(_MAIN)
        ]

    def _least(self, way: str, count: int) -> float:
        many, none = (min(app["cpu_ms"] for app in self._taken[f"{way}:{each}"]) for each in (count, 0))
        return float(many - none) / count

    def _whole(self, way: str, count: int | None = None) -> list[float]:
        taken = self._taken[f"{way}:{self._most if count is None else count}"]
        return [sample["ms"] for sample in taken]

    def _per_alarm(self, apps: Mapping[str, list[Mapping[str, Any]]], way: str, what: str) -> list[float]:
        pairs = zip(apps[f"{way}:{self._most}"], apps[f"{way}:0"], strict=True)
        return [(sample[what] - empty[what]) / self._most for sample, empty in pairs]


def _ways(pairs: Sequence[tuple[str, str]]) -> list[str]:
    return list(dict.fromkeys([ours for ours, _ in pairs] + [theirs for _, theirs in pairs]))


def _taker(way: str, count: int, plans: int, rounds: int) -> Callable[[], Mapping[str, Any]]:
    if rounds > 1:
        arguments = (way, str(count), str(plans))
        return functools.partial(in_new_interpreter, "benchmarks.peers.alarms", *arguments)
    from benchmarks.peers import alarms  # noqa: PLC0415 - quick, which stays in this process

    return functools.partial(alarms.sample, way, count, plans)
