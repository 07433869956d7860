"""What a route means, checked, and as the line that travels with the function's version."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from aws_cdk import Duration

from cdk_incidents._checks import check_length, check_pattern, check_range, is_token, refusal
from cdk_incidents._templates import check_key_template, check_template
from cdk_incidents.ops_items import rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cdk_incidents.incident_template import Impact
    from cdk_incidents.ops_items import OpsItems

SMOKE_TEST = "smoke-test"
"""The alias of the quiet route."""
RETRY = "retry"
"""The alias that reads the retry queue."""

_A_DAY = 86_400
_REMEDY = "rename it, e.g. Critical."
_INDEX = """\
from incidents_runtime.cold_start import handler
# Below is data, not code: one route a line, read when the function starts.
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class RouteSettings:
    """What the function must know of a route."""

    id: str
    # One of these three.
    response_plan_arn: str | None = None
    ops_items: OpsItems | None = None
    topic_arn: str | None = None
    regions: Callable[[], Sequence[str]] = tuple
    impact: Impact | int | None = None
    title: str | None = None
    dedupe_key: str | None = None
    related_items: Sequence[Mapping[str, str]] = ()
    calendars: Sequence[Mapping[str, str]] = ()
    auto_resolve: bool = False
    join_for: Duration
    quiet: bool = False

    def __post_init__(self) -> None:
        check_route_id(self.id, own=self.quiet)
        # They become a line of the function's code: a line break in a parameter of the stack would end it.
        for argument, value, remedy in (
            ("impact", self.impact, "write it out, or let the plan decide."),
            ("title", self.title, "write it out, or let the plan decide."),
            ("dedupe_key", self.dedupe_key, "write it out, or let each signal's own key do."),
        ):
            if value is not None and is_token(value):
                raise refusal(argument, "known at synth", value, remedy)
        if not isinstance(self.auto_resolve, bool):
            raise refusal("auto_resolve", "True or False", self.auto_resolve, "the function takes no other.")
        if not isinstance(self.join_for, Duration):
            raise refusal("join_for", "a Duration", self.join_for, "e.g. Duration.hours(12).")
        if self.join_for.is_unresolved():
            raise refusal("join_for", "known at synth", "a token", "e.g. Duration.hours(12).")
        check_range(
            "impact",
            self.impact,
            minimum=1,
            maximum=5,
            remedy="take a member of Impact, e.g. Impact.CRITICAL.",
        )
        for argument, template, check in (
            ("title", self.title, check_template),
            ("dedupe_key", self.dedupe_key, check_key_template),
        ):
            check_length(argument, template, maximum=200)
            if template is not None:
                check(argument, template)
        seconds = self.join_for.to_seconds(integral=False)
        check_range(
            "join_for in seconds",
            seconds,
            minimum=60,
            maximum=30 * _A_DAY,
            remedy="a minute to 30 days, e.g. Duration.hours(12).",
        )

    def line(self) -> str:
        """Return the route as one line of JSON, without what is left at its default."""
        values: dict[str, Any] = {
            "id": self.id,
            "response_plan_arn": self.response_plan_arn,
            "ops_item": None if self.ops_items is None else rendered(self.ops_items),
            "topic_arn": self.topic_arn,
            "regions": list(self.regions()) or None,
            "impact": None if self.impact is None else int(self.impact),
            "title": self.title,
            "dedupe_key": self.dedupe_key,
            "related_items": list(map(dict, self.related_items)) or None,
            "calendars": list(map(dict, self.calendars)) or None,
            "auto_resolve": self.auto_resolve or None,
            "join_for_s": int(self.join_for.to_seconds()),
            "quiet": self.quiet or None,
        }
        return json.dumps({key: value for key, value in values.items() if value is not None})


def check_route_id(route_id: str, *, own: bool = False) -> None:
    """Refuse what cannot be the id of a route, and the names of our own aliases."""
    check_length("route id", route_id, maximum=128)
    # An alias's name: https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html
    check_pattern(
        "route id",
        route_id,
        pattern=r"(?![0-9]+$)[a-zA-Z0-9_-]+",
        rule="letters, digits, hyphens and underscores, and not digits only",
        remedy=_REMEDY,
    )
    if is_token(route_id):
        raise refusal("route id", "known at synth", route_id, "write the name out: it becomes an ARN.")
    if route_id in {SMOKE_TEST, RETRY} and not own:
        raise refusal("route id", f"other than {SMOKE_TEST} and {RETRY}, our own aliases", route_id, _REMEDY)


def index_of(routes: Iterable[RouteSettings]) -> str:
    """Return the function's own file: what it imports, and the routes as comments.

    Comments, since a plan's ARN may be a parameter of the stack: nothing that is only known at deployment
    may end up as code. An old version of the function goes on reading its own routes.
    """
    return _INDEX + "".join(f"# {route.line()}\n" for route in routes)
