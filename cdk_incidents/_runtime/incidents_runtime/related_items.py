"""What a responder should look at: the route's own items first, then what the signal brings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from incidents_runtime.shapes import text
from incidents_runtime.signal_model import RelatedItem
from incidents_runtime.templates import PLACEHOLDER, fill, value_of
from incidents_runtime.text import fits, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

_LONGEST = 1000
_LONGEST_TITLE = 200
# The service's own pattern, without controls and what cannot be sent in the part that it leaves open.
_ARN = re.compile(
    r"arn:aws(-cn|-us-gov)?:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12})?:[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+"
)
# A responder clicks on it: a page, and no script.
_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def related_items(signal: Signal, route: Route) -> list[RelatedItem]:
    """List the related items of a signal's incident, as services take them.

    Parameters
    ----------
    signal
        What happened, with items of its own.
    route
        Its items, whose titles, URLs and ARNs are templates.

    Returns
    -------
    list of RelatedItem
        The route's, then the signal's: none twice, none without a value that may be clicked on. A title is
        one line of 1 to 200 characters; how many there may be, the service decides.
    """
    kept: dict[str, RelatedItem] = {}
    for item in (*_of_route(signal, route), *signal.related_items):
        value = _value(item)
        if value is not None:
            title = one_line(item.title, _LONGEST_TITLE) or "Related"
            kept.setdefault(value, RelatedItem(item.type, title, arn=item.arn, url=item.url))
    return list(kept.values())


def is_arn(value: str) -> bool:
    """Say whether the service would take a text for an ARN."""
    return fits(value, _LONGEST) and _ARN.fullmatch(value) is not None


def _of_route(signal: Signal, route: Route) -> Iterator[RelatedItem]:
    for item in route.related_items:
        title = fill(text(item.get("title")), signal, _in_title)
        arn = _filled_arn(item, signal)
        url = fill(text(item.get("url")), signal, _in_url)
        yield RelatedItem("OTHER", title, arn=arn, url=None if arn else url)


def _filled_arn(item: Mapping[str, str], signal: Signal) -> str | None:
    template = text(item.get("arn"))
    # A resource with a part missing is another resource.
    if not all(value_of(name, signal) for name in PLACEHOLDER.findall(template)):
        return None
    return fill(template, signal, _bounded) or None


def _in_title(value: str) -> str:
    return one_line(value, _LONGEST_TITLE)


def _in_url(value: str) -> str:
    return quote(_bounded(value), safe="", errors="replace")


def _bounded(value: str) -> str:
    # One more than is allowed: too long stays too long, and is left out.
    return value[: _LONGEST + 1]


def _value(item: RelatedItem) -> str | None:
    value = item.url if item.arn is None else item.arn
    is_one = is_arn if item.arn is not None else _is_url
    return value if value and is_one(value) else None


def _is_url(value: str) -> bool:
    return fits(value, _LONGEST) and _URL.fullmatch(value) is not None
