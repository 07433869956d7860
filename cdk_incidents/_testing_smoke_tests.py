"""Whether the triggers of a template are proven before their live aliases move to new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents._route_settings import SMOKE_TEST
from cdk_incidents._testing_templates import Resource
from cdk_incidents._testing_trigger import ALIAS, FUNCTION, TEST, function_of, is_trigger

if TYPE_CHECKING:
    from cdk_incidents._testing_templates import Template, Templates


class TestsOf:
    """The smoke tests of a source, and what they hold back."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self.triggers = [function for function in templates.of_type(FUNCTION) if is_trigger(function)]
        self.tests = list(templates.of_type(TEST))

    def problem_of(self, proven: Resource) -> str | None:
        """Return why a trigger, or what a smoke test alone stands for, goes unproven, and the remedy."""
        if proven.type == TEST:
            return self._skipped([proven])
        aliases = [
            alias for alias in self._templates.of_type(ALIAS) if function_of(alias, self._templates) is proven
        ]
        quiet = [alias for alias in aliases if alias.properties.get("Name") == SMOKE_TEST]
        if not quiet:
            return 'it has no smoke test. Make one, SmokeTest(self, "SmokeTest", trigger=trigger).'
        tests = [test for test in self.tests if self._ahead_of(test) >= set(quiet)]
        if not tests:
            stack = self._templates.name
            return f"its smoke test is not in {stack}, and so goes after its live aliases. Make it there."
        early = [alias for alias in aliases if alias not in quiet and not self._ahead_of(alias) & set(tests)]
        if early:
            named = ", ".join(alias.path for alias in early)
            return f"its smoke test does not go before {named}. Take routes from add_route."
        return self._skipped(tests)

    def _skipped(self, tests: list[Resource]) -> str | None:
        if all(str(test.properties.get("Skip", "")).lower() == "true" for test in tests):
            return "its smoke test is skipped. Take cdk-incidents:skip-smoke-test out of the context."
        return None

    def _ahead_of(self, resource: Resource) -> set[Resource]:
        """Return the resources that CloudFormation makes before one."""
        seen: set[Resource] = set()
        waiting = [resource]
        while waiting:
            one = waiting.pop()
            new = set(self._needs(one)) - seen
            seen |= new
            waiting += new
        return seen

    def _needs(self, resource: Resource) -> list[Resource]:
        template: Template = resource.template
        after = resource.body.get("DependsOn", [])
        named = [
            template.resources[id_]
            for id_ in ([after] if isinstance(after, str) else after)
            if id_ in template.resources
        ]
        referred = self._templates.named_in(resource.properties, template)
        return named + [one for one in referred if isinstance(one, Resource)]
