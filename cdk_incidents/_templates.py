"""Templates of routes: what they may name of a signal; the runtime fills them in."""

from __future__ import annotations

import re

from cdk_incidents._checks import refusal

FIELDS = ("account", "key", "reason", "region", "source", "time", "title")
"""The fields of any signal."""
# Of an event in EventBridge shape what is a text by itself, and what leads to one.
_FIELD = re.compile(r"\{([\w.-]*|[\w-]+(?:\.[\w:/-]+)+)\}", re.ASCII)
_PATH = re.compile(r"(id|version|detail-type|(detail|resources)(\.[a-zA-Z0-9_:/-]+)+)")


def check_key_template(argument: str, template: str) -> None:
    """Refuse what a deduplication key cannot name, and braces that name nothing.

    Elsewhere such a slip is seen by whoever reads it; here the key would be the same for all signals.
    """
    check_template(argument, template)
    if set("{}") & set(_FIELD.sub("", template)):
        raise refusal(
            argument,
            "text without other braces than those of fields",
            template,
            "as it stands, signals of different causes would share an incident.",
        )


def check_template(argument: str, template: str, *, remedy: str = "") -> None:
    """Refuse fields that no signal has; other braces are text."""
    for field in _FIELD.findall(template):
        if field not in FIELDS and not _PATH.fullmatch(field):
            fields = ", ".join(f"{{{each}}}" for each in FIELDS)
            raise refusal(
                argument,
                f"text with none but these fields: {fields}, or a path such as {{detail.service.name}}",
                template,
                f"there is no {{{field}}} in a signal.{remedy}",
            )
