"""How an assertion over resources speaks: all that are wrong at once, why, and what to do about each."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from cdk_incidents._checks import check_list

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cdk_incidents._testing_templates import Resource, Templates


def judge(
    templates: Templates,
    resources: Sequence[Resource],
    problem_of: Callable[[Resource], str | None],
    *,
    kind: str,
    named_by: str,
    fault: str,
    except_for: Sequence[str],
) -> None:
    """Raise an AssertionError unless there are resources and none has a problem.

    Parameters
    ----------
    templates
        Where they come from.
    resources
        What is looked at.
    problem_of
        What is wrong with one, and the remedy.
    kind, named_by, fault
        For the message: what the resources are, which property names one, and what a wrong one does.
    except_for
        Patterns of names, paths or logical ids that are left out.
    """
    __tracebackhide__ = True
    check_list("except_for", except_for, str, "names, paths or logical ids")
    names = {resource: _names(templates, resource, named_by) for resource in resources}
    excepted: set[Resource] = set()
    for pattern in except_for:
        matching = {
            one for one in resources if any(fnmatch.fnmatchcase(name, pattern) for name in names[one])
        }
        if not matching:
            raise AssertionError(
                f"except_for: {pattern!r} is none of the {kind}s of {templates.name}; take it out."
            )
        excepted |= matching
    judged = [resource for resource in resources if resource not in excepted]
    if not judged:
        found = f"All {kind}s are left out by except_for" if excepted else f"{templates.name} has no {kind}"
        raise AssertionError(f"{found}: there is nothing to assert, and so no test.")
    problems = {resource: problem for resource in judged if (problem := problem_of(resource)) is not None}
    if problems:
        lines = [f"- {_called(names[resource])}: {problem}" for resource, problem in problems.items()]
        raise AssertionError(
            "\n".join(
                [
                    f"{len(problems)} of {len(judged)} {kind}s of {templates.name} {fault}:",
                    *lines,
                    "What is meant to be so is named in except_for.",
                ]
            )
        )


def _names(templates: Templates, resource: Resource, named_by: str) -> list[str]:
    """Return the resource's path first, its logical id, and its name where the app gives it one."""
    name = resource.properties.get(named_by)
    names = [resource.path, resource.logical_id]
    return names if name is None else [*names, templates.text(name, resource.template)]


def _called(names: list[str]) -> str:
    path, _, *name = names
    return f"{path} ({name[0]})" if name else path
