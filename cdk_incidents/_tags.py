"""Tags that the service takes: fewer than CDK, CloudFormation and the service's own API let through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents._checks import check_count, check_length, check_pattern
from cdk_incidents._late_warnings import warn_at_synth

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aws_cdk import TagManager
    from constructs import Construct

_REFUSED_TAGS = "cdk-incidents:refused-tags"


def check_tags(argument: str, tags: Mapping[str, str]) -> None:
    """Refuse tags that the service refuses, long after the template was accepted.

    Parameters
    ----------
    argument
        The name of the argument, for the message.
    tags
        Up to 50; a key has 1 to 128 letters, digits and `+-=._:/`, a value 1 to 256 letters, digits, spaces
        and `_=@:.+,-/`.
    """
    check_count(argument, list(tags), maximum=50, remedy="leave some out.")
    for key, value in tags.items():
        check_length(f"{argument}: the key {key!r}", key, maximum=128)
        check_pattern(
            f"{argument}: a key",
            key,
            pattern=r"(?!aws:)[a-zA-Z+\-=._:/0-9,;<]+",
            rule="letters, digits and +-=._:/ and not begin with aws:",
            remedy="rename it, without space and @.",
        )
        check_length(f"{argument}: the value of {key!r}", value, maximum=256)
        check_pattern(
            f"{argument}: the value of {key!r}",
            value,
            pattern=r"[a-zA-Z0-9 _=@:.+,\-/]*",
            rule="letters, digits, spaces and _=@:.+,-/",
            remedy="put free text into the summary instead.",
        )


def warn_of_refused_tags(construct: Construct, resource_type: str, tags: TagManager) -> None:
    """Warn of tags that reach a resource, mostly from the whole app, and that fail its deployment."""

    def refused() -> Iterator[tuple[str, str]]:
        try:
            check_tags("tags", tags.tag_values())
        except ValueError as error:
            rule = str(error).rpartition(": ")[0]
            text = (
                f"{rule}: the deployment will fail. Rename it, or keep it from here: Tags.of(app).add(…,"
                f' exclude_resource_types=["{resource_type}"]).'
            )
            yield _REFUSED_TAGS, text

    warn_at_synth(construct, refused)
