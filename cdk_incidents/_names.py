"""Names of what a trigger is made of, known at synth: other stacks, apps and accounts build ARNs of them."""

from __future__ import annotations

from cdk_incidents._checks import check_pattern, is_token, refusal

METRIC_NAMESPACE = "CdkIncidents"
"""Where the function writes its own figures."""
PURPOSE = "cdk-incidents:purpose"
"""Template metadata that tells our own alarms from the user's."""

# The longest Region that has the service has 14 characters, a role's name 64.
_LONGEST = 64 - len("-ap-northeast-1")
_HASH = 8
_LONGEST_FUNCTION = 64
_SMOKE_TEST = "smoke-test-"


def role_name(trigger_name: str, region: str) -> str:
    """Return the name of the function's role; roles have no Region, and triggers of two may share a name."""
    if len(trigger_name) > _LONGEST:
        import hashlib  # noqa: PLC0415 - OpenSSL loads slowly

        digest = hashlib.sha256(trigger_name.encode()).hexdigest()[:_HASH]
        trigger_name = f"{trigger_name[: _LONGEST - _HASH - 1]}-{digest}"
    return f"{trigger_name}-{region}"


def dead_letter_queue_name(trigger_name: str) -> str:
    """Return the name of the dead-letter queue; the longest trigger's takes 77 of SQS's 80 characters."""
    return f"{trigger_name}-dead-letters"


def smoke_test_name(trigger_name: str) -> str:
    """Return the name of the function that repeats a trigger's smoke test: its alarm is the trigger's own.

    The runtime's `own_alarms` makes the same. Of a long name the end stays, where derived ones differ.
    """
    return f"{_SMOKE_TEST}{trigger_name[len(_SMOKE_TEST) - _LONGEST_FUNCTION :]}"


def check_trigger_name(name: str | None, *, remedy: str) -> None:
    """Refuse what cannot be the name of a function, or is not known at synth."""
    check_pattern(
        "trigger_name",
        name,
        pattern="[a-zA-Z0-9_-]{1,64}",
        rule="1 to 64 letters, digits, hyphens and underscores",
        remedy=remedy,
    )
    if is_token(name):
        raise refusal("trigger_name", "known at synth", name, "write it out.")
