"""What people read of a failed smoke test: the step, what was expected, what was seen, what to do, where."""

from __future__ import annotations

from urllib.parse import quote

from incidents_runtime.redaction import redacted
from incidents_runtime.telemetry import log

# CloudFormation takes 4,096 bytes in all, and CDK's provider framework adds a trace to the message. What to
# do must survive, however much was seen.
_LONGEST_EXPECTED = 500
_LONGEST_SEEN = 1_000
_LONGEST_REMEDY = 450

# By words that the services' errors have, wherever they are told.
_REMEDIES = (
    (
        ("ServiceQuotaExceeded",),
        (
            "the quiet plan has opened the 200 incidents of a month: until the next give another quiet_plan,"
            " or deploy with --context cdk-incidents:skip-smoke-test=true."
        ),
    ),
    (
        ("Throttl", "TooManyRequests", "LimitExceeded", "(429)"),
        "AWS throttles the account's calls: wait until that is over, and deploy again.",
    ),
    (
        ("ConflictException",),
        "the service refused the client token, or something else changed the same thing: deploy again.",
    ),
    (
        ("AccessDenied", "not authorized", "NotAuthorized"),
        "give the role that is named the permission that it lacks.",
    ),
    (
        (
            *("InternalServer", "InternalFailure", "ServiceUnavailable"),
            *("ReadTimeout", "Read timeout", "ConnectTimeout", "Connect timeout", "EndpointConnection"),
        ),
        "the service does not answer: look at its health in this Region, and deploy again when it is back.",
    ),
)


class SmokeTestFailed(Exception):  # noqa: N818 - CloudFormation shows the name to people
    """What CloudFormation shows: the step, what was expected, what was seen, what to do."""


def failure(step: str, *, expected: str, seen: str, remedy: str) -> SmokeTestFailed:
    """Make a failure, short enough for CloudFormation; the log has all of it.

    Parameters
    ----------
    step
        The step that failed.
    expected, seen
        What should have been, and what was instead.
    remedy
        What to do about it.
    """
    seen = redacted(seen)
    log("ERROR", f"step {step} failed", expected=expected, seen=seen, remedy=remedy)
    return SmokeTestFailed(
        f"Smoke test failed at {step}: expected {shortened(expected, _LONGEST_EXPECTED)};"
        f" saw {shortened(seen, _LONGEST_SEEN)}. Remedy: {shortened(remedy, _LONGEST_REMEDY)}"
    )


def remedy_for(seen: str, otherwise: str) -> str:
    """Say what to do about an error of AWS, known by its words.

    Parameters
    ----------
    seen
        What was seen.
    otherwise
        What to do about anything else.
    """
    return next((told for words, told in _REMEDIES if any(word in seen for word in words)), otherwise)


def log_of(log_group: str, region: str) -> str:
    """Say where the log of the test is: its group, and the page that shows it.

    Parameters
    ----------
    log_group
        The group's name.
    region
        Where it is.
    """
    # The console wants the name encoded twice, with a dollar for the second percent.
    name = quote(log_group, safe="").replace("%", "$25")
    home = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"The test's log: {log_group} {home}#logsV2:log-groups/log-group/{name}"


def shortened(text: str, most_bytes: int) -> str:
    """Cut a text to so many bytes of UTF-8."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= most_bytes:
        return encoded.decode()
    return f"{encoded[: most_bytes - 3].decode(errors='ignore')}…"
