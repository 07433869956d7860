"""What snapshot tests and assertions in your own CI need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from cdk_incidents._checks import check_pattern
from cdk_incidents._testing_alarms import AlarmsOf
from cdk_incidents._testing_normal import normalised, place_of_assets
from cdk_incidents._testing_plans import PlansOf
from cdk_incidents._testing_smoke_tests import TestsOf
from cdk_incidents._testing_templates import Templates, body_of, environment_of
from cdk_incidents._testing_verdict import judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import assertions

__all__ = [
    "assert_alarms_start_incidents",
    "assert_plans_reach_somebody",
    "assert_smoke_tested",
    "normalised_template",
]


def normalised_template(
    source: cdk.Stack | assertions.Template | Mapping[str, Any],
    *,
    account: str | None = None,
    region: str | None = None,
) -> dict[str, Any]:
    """Return a stack's template as plain JSON for a snapshot, without what changes by itself.

    The snapshot stays the same when a release of this library brings other code, when any asset's content
    changes, and wherever the stack goes. It changes with everything that the app says: titles, actions,
    statements, routes, names, and what a release changes in its resources.

    Taken out are

    - names by content: hashes, keys and buckets of assets, and the hash in the logical id of a function's
      version or an API's deployment, there and wherever it is named;
    - the smoke test's digests and its nonce, and our own lines of inline code; lines of data are what the app
      says, and stay;
    - the stack's own account and Region, where they are written out. Those of others stay: whom one trusts,
      shares with or replicates to is no detail;
    - CDK's metadata, and the parameter and the rule by which it looks for its bootstrap stack.

    Keys are sorted, and so is what CloudFormation and IAM read as sets.

    Parameters
    ----------
    source
        A stack of any app, synthesised or not; a nested stack is one of its own. Or its
        ``assertions.Template``, or the template itself. It is not changed.
    account, region
        What is written out of the stack's own place. By default what a stack says of itself; of a template,
        what the name of its assets' bucket says, or nothing.

    Raises
    ------
    ValueError
        If `source` is none of these, or a place cannot be one.
    """
    check_pattern("account", account, pattern="[0-9]{12}", rule="12 digits", remedy="pass it as a text.")
    check_pattern(
        "region",
        region,
        pattern="[a-z]{2,4}(-[a-z]+){1,3}-[0-9]",
        rule="the name of a Region",
        remedy="e.g. eu-west-1.",
    )
    body = body_of(source)
    found = environment_of(source) if isinstance(source, cdk.Stack) else place_of_assets(body)
    return normalised(body, account or found[0], region or found[1])


def assert_alarms_start_incidents(
    stack: cdk.Stack | assertions.Template | Mapping[str, Any], *, except_for: Sequence[str] = ()
) -> None:
    """Assert that every alarm of a stack, and of the stacks nested in it, starts an incident.

    An alarm starts one if its actions are enabled and one of them is

    - a response plan: a resource of the app, an import, or the ARN of one, whoever wrote it; but for the
      quiet plan of a smoke test, which tells nobody;
    - a route that lets CloudWatch invoke it. Of a trigger that the app does not have, the ARN of an alias is
      taken for a route: nobody here knows more;
    - a topic to which a route subscribes in the app, without a filter.

    **An alarm also counts if a composite alarm names it in its rule and starts incidents itself.** Whatever
    the rule says of it; one that only suppresses the composite's actions is not in the rule.

    This library's own alarms and those that scale something are left out. An action under a condition counts
    if it starts an incident either way. ``Route.watch_account`` and rules of EventBridge give no alarm an
    action, and so are not seen.

    Parameters
    ----------
    stack
        The stack; or its template, in which nobody sees what other stacks of the app have.
    except_for
        Alarms that may start nothing: patterns of names, of paths such as ``"Shop/*/Errors"``, or of logical
        ids. Each must match an alarm, so that none outlives what it was meant for. By default none.

    Raises
    ------
    AssertionError
        If an alarm starts no incident, with all that do not, why, and the remedy; or if there is no alarm:
        nothing would be asserted.
    ValueError
        If an argument is none of these.
    """
    __tracebackhide__ = True
    templates = Templates.of(stack)
    alarms = AlarmsOf(templates)
    judge(
        templates,
        alarms.users,
        alarms.problem_of,
        kind="alarm",
        named_by="AlarmName",
        fault="start no incident",
        except_for=except_for,
    )


def assert_plans_reach_somebody(
    stack: cdk.Stack | assertions.Template | Mapping[str, Any], *, except_for: Sequence[str] = ()
) -> None:
    """Assert that somebody hears of the incidents of every response plan of a stack.

    A plan reaches somebody if it has a chat channel, a notification topic or an integration, or if it
    engages a contact with a channel, through escalation plans and on-call schedules, too. Who is behind an
    import nobody here knows: it counts. The quiet plans of the app's smoke tests are left out.

    Parameters
    ----------
    stack
        As for `assert_alarms_start_incidents`.
    except_for
        Plans that may reach nobody, as for `assert_alarms_start_incidents`. By default none.

    Raises
    ------
    AssertionError
        If a plan reaches nobody, or if there is no plan.
    ValueError
        If an argument is none of these.
    """
    __tracebackhide__ = True
    templates = Templates.of(stack)
    plans = PlansOf(templates)
    judge(
        templates,
        plans.users,
        plans.problem_of,
        kind="response plan",
        named_by="Name",
        fault="reach nobody",
        except_for=except_for,
    )


def assert_smoke_tested(stack: cdk.Stack | assertions.Template | Mapping[str, Any]) -> None:
    """Assert that every deployment of a stack proves its triggers before their new code serves live alarms.

    Each trigger of the stack has a smoke test, all of its live aliases wait for that, and it is not skipped.
    A stack without a trigger has a smoke test of its plans.

    Parameters
    ----------
    stack
        As for `assert_alarms_start_incidents`.

    Raises
    ------
    AssertionError
        If a trigger is not proven, or if there is neither a trigger nor a smoke test.
    ValueError
        If `stack` is none of these.
    """
    __tracebackhide__ = True
    templates = Templates.of(stack)
    tests = TestsOf(templates)
    judge(
        templates,
        tests.triggers or tests.tests,
        tests.problem_of,
        kind="trigger",
        named_by="FunctionName",
        fault="go unproven",
        except_for=(),
    )
