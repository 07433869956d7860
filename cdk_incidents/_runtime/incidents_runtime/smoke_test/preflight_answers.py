"""Questions that may stay unanswered: each is asked once, none after three denials, none beyond the time.

What AWS does not tell is kept, to be said in one finding for each operation.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from incidents_runtime.errors import code_of, describe, kind_of
from incidents_runtime.smoke_test.clients import SERVICES
from incidents_runtime.smoke_test.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incidents_runtime.smoke_test.clients import Clients

# Systems Manager has words of its own for what is not there.
_NOT_THERE = ("InvalidDocument", "InvalidDocumentVersion")
_NO_TIME = "no time was left"
_LONGEST_REASON = 200
_MOST_DENIALS = 3
# Where an ARN has them.
_REGION, _ACCOUNT = 3, 4


class MissingError(Exception):
    """AWS says that there is none; the message is its error's code."""


class NotToldError(Exception):
    """AWS did not say, which is kept already."""


class Answers:
    """The clients of the look, with the same names.

    Parameters
    ----------
    clients
        What to ask.
    ends_at
        When no further question begins, by the monotonic clock.
    """

    cloudwatch: Any
    incidents: Any
    contacts: Any
    ssm: Any
    sns: Any
    functions: Any
    iam: Any

    def __init__(self, clients: Clients, ends_at: float) -> None:
        self.region = clients.region
        self._ends_at = ends_at
        self._known: dict[str, Any] = {}
        # By action and account: another's plan has people whom nobody here may ask for.
        self._given_up: dict[tuple[str, str], str] = {}
        self._denials: Counter[tuple[str, str]] = Counter()
        # By action and reason: what it was about.
        self._not_told: dict[tuple[str, str], list[str]] = {}
        self._elsewhere: list[str] = []
        for name, service in SERVICES.items():
            setattr(self, name, _Service(self, service, getattr(clients, name)))

    def of(self, action: str, operation: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Return an answer, as it was at the first time."""
        key = f"{action} {sorted(arguments.items())!r}"
        if key not in self._known:
            self._known[key] = self._ask(action, operation, arguments)
        answer = self._known[key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _ask(self, action: str, operation: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        about = ":".join(
            value for name, value in arguments.items() if isinstance(value, str) and name != "NextToken"
        )
        if time.monotonic() > self._ends_at:
            return self._unanswered(action, _NO_TIME, about)
        place = (action, f"{about}:::::".split(":")[_ACCOUNT])
        if place in self._given_up:
            return self._unanswered(action, self._given_up[place], about)
        try:
            return operation(**arguments)
        except TimeoutError:
            # Whoever made the clients lets no further call begin.
            self._ends_at = 0.0
            return self._unanswered(action, _NO_TIME, about)
        except Exception as error:  # noqa: BLE001 - what it means is told by its kind
            if kind_of(error) == "not_found" or code_of(error) in _NOT_THERE:
                return MissingError(code_of(error))
            reason = describe(error)
            if kind_of(error) != "permanent":
                # It was asked patiently, and would be so again for each of a hundred people. But one of them
                # may be denied because the plan was changed by hand: the role knows the app's only.
                self._denials[place] += 1
                if kind_of(error) != "access" or self._denials[place] == _MOST_DENIALS:
                    self._given_up[place] = reason
            return self._unanswered(action, reason, about)

    def _unanswered(self, action: str, reason: str, about: str) -> NotToldError:
        self._not_told.setdefault((action, reason), []).append(about)
        return NotToldError(action)

    def has_time(self, seconds: float) -> bool:
        """Tell whether a question may still begin in so many seconds."""
        return time.monotonic() + seconds < self._ends_at

    def forget(self, action: str) -> None:
        """Ask all of an action anew, since its answers may change within seconds."""
        self._known = {key: told for key, told in self._known.items() if not key.startswith(f"{action} ")}

    def unsure(self, action: str, about: str, reason: str) -> None:
        """Keep what an answer leaves open."""
        self._unanswered(action, reason, about)

    def elsewhere(self, arn: str) -> bool:
        """Tell whether this is of another Region, where these clients cannot look; it is kept if so."""
        region = f"{arn}:::".split(":")[_REGION]
        if region in ("", self.region) or not self.region:
            return False
        if arn not in self._elsewhere:
            self._elsewhere.append(arn)
        return True

    def not_told(self) -> Iterator[Finding]:
        """Yield what AWS did not say."""
        late = []
        for (action, why), about in self._not_told.items():
            if why == _NO_TIME:
                late.append(_asked(action, about))
            else:
                yield _not_looked(
                    f"{_asked(action, about)} was not answered ({why[:_LONGEST_REASON]})",
                    f"let the smoke test's role do {action} there, or look yourself.",
                )
        if late:
            yield _not_looked(
                f"{_NO_TIME} to ask {'; '.join(late)}",
                "look yourself, or give it longer with SmokeTest(timeout=…).",
            )
        if self._elsewhere:
            yield _not_looked(
                f"the test asks {self.region} only, and {_some(self._elsewhere)} is of another Region",
                "look there yourself, or deploy a smoke test there, too.",
            )


class _Service:
    """A client's operations, by the names that boto3 gives them."""

    def __init__(self, answers: Answers, name: str, client: Any) -> None:
        self._answers = answers
        self._name = name
        self._client = client

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        action = f"{self._name}:{''.join(word.capitalize() for word in operation.split('_'))}"

        def ask(**arguments: Any) -> Any:
            return self._answers.of(action, getattr(self._client, operation), arguments)

        return ask


def every(
    operation: Callable[..., dict[str, Any]], *lists: str, **arguments: Any
) -> Iterator[dict[str, Any]]:
    """Yield what an operation lists, page by page.

    Parameters
    ----------
    operation
        One that pages by ``NextToken``.
    lists
        Where its answers have the items.
    **arguments
        Its arguments.

    Yields
    ------
    dict
        The items.
    """
    seen: set[str] = set()
    page = operation(**arguments)
    while True:
        for name in lists:
            yield from page.get(name) or []
        token = page.get("NextToken")
        # A token that comes again would lead round and round, past all clocks.
        if not token or token in seen:
            return
        seen.add(token)
        page = operation(**arguments, NextToken=token)


def _asked(action: str, about: list[str]) -> str:
    return f"{action} of {_some(about)}" if any(about) else action


def _some(about: list[str]) -> str:
    return about[0] if len(about) == 1 else f"{about[0]} and {len(about) - 1} more"


def _not_looked(text: str, remedy: str) -> Finding:
    return Finding("not-looked", "", text, remedy)
