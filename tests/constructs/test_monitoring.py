"""IncidentStrategy: the alarms of cdk-monitoring-constructs start incidents."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import cdk_monitoring_constructs as monitoring
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents import IncidentTrigger
from cdk_incidents.monitoring import IncidentStrategy

if TYPE_CHECKING:
    import aws_cdk as cdk

    from tests.synthesis import Make, Synth

METRIC_ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE_ALARM = "AWS::CloudWatch::CompositeAlarm"


def add_alarm(scope: cdk.Stack, action: monitoring.IAlarmActionStrategy, suffix: str, **options: Any) -> None:
    """Let the library make an alarm, as its own monitoring of a resource does."""
    defaults = monitoring.AlarmFactoryDefaults(actions_enabled=True, alarm_name_prefix="Shop", action=action)
    factory = monitoring.AlarmFactory(
        scope,
        global_alarm_defaults=defaults,
        global_metric_defaults=monitoring.MetricFactoryDefaults(),
        local_alarm_name_prefix="Checkout",
    )
    factory.add_alarm(
        cloudwatch.Metric(namespace="Checkout", metric_name=suffix),
        alarm_name_suffix=suffix,
        alarm_description=suffix,
        threshold=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        **options,
    )


def starts(synth: Synth) -> dict[str, tuple[int, int]]:
    """Return how many things each alarm does on ALARM and on OK, by its name."""
    alarms = [*synth.of_type(METRIC_ALARM).values(), *synth.of_type(COMPOSITE_ALARM).values()]
    return {
        properties["AlarmName"]: (
            len(properties.get("AlarmActions", [])),
            len(properties.get("OKActions", [])),
        )
        for properties in (alarm["Properties"] for alarm in alarms if "Metadata" not in alarm)
        if "AlarmName" in properties
    }


@pytest.fixture(scope="module")
def mapped(make: Make) -> Synth:
    """Return a stack whose alarms are decided by each of the ways."""
    stack = make.stack()
    plan = make.plan(stack)
    trigger = IncidentTrigger(stack, "Trigger")
    route = trigger.add_route("Critical", response_plan=plan, auto_resolve=True)
    strategy = IncidentStrategy(
        disambiguators={"Critical": route, "Warning": plan},
        tags={"pager": route, "desk": make.cfn_plan(stack)},
    )
    add_alarm(stack, strategy, "Errors", disambiguator="Critical")
    add_alarm(stack, strategy, "Errors", disambiguator="Warning")
    add_alarm(stack, strategy, "Tagged", disambiguator="Warning", custom_tags=["desk", "pager"])
    add_alarm(stack, strategy, "Desk", custom_tags=["desk"], dedupe_string_override="desk")
    add_alarm(stack, strategy, "Unknown", disambiguator="Notice")
    add_alarm(stack, strategy, "Neither")
    return make.synth(stack)


def test_severities_choose_the_target(mapped: Synth) -> None:
    """Tags decide before disambiguators, in the strategy's order; routes get the recovery they use."""
    assert starts(mapped) == {
        "Shop-Checkout-Errors-Critical": (1, 1),
        "Shop-Checkout-Errors-Warning": (1, 0),
        "Shop-Checkout-Tagged-Warning": (1, 1),
        "Shop-Checkout-Desk": (1, 0),
        "Shop-Checkout-Unknown-Notice": (0, 0),
        "Shop-Checkout-Neither": (0, 0),
    }


def test_an_alarm_that_nobody_knows_warns(mapped: Synth) -> None:
    """A severity with a slip of the pen would page nobody, so synth names it."""
    told = [(path, text) for path, _, text in mapped.messages if "unknown-severity" in text]
    assert [path for path, _ in told] == [
        "/Stack/Shop-Checkout-Unknown-Notice",
        "/Stack/Shop-Checkout-Neither",
    ]
    assert told[0][1].startswith(
        "custom_tags or disambiguator must be one of Critical, Warning, desk, pager (got [] and 'Notice'):"
    )


def test_a_default_serves_the_rest(make: Make) -> None:
    """What nothing else decides goes to the default, also within the library's own compositions."""
    stack = make.stack()
    plan = make.plan(stack)
    strategy = IncidentStrategy(plan, disambiguators={"Critical": make.cfn_plan(stack)})
    both = monitoring.MultipleAlarmActionStrategy([monitoring.NoopAlarmActionStrategy(), strategy])
    add_alarm(stack, both, "Errors", disambiguator="Notice")
    synth = make.synth(stack)
    assert synth.properties(METRIC_ALARM)["AlarmActions"] == [stack.resolve(plan.response_plan_arn)]
    assert not synth.of_type(COMPOSITE_ALARM)


def test_joins_alarms_of_one_dedupe_string(make: Make) -> None:
    """Where asked, alarms of one dedupe string and target stand behind one composite alarm."""
    stack = make.stack()
    plan, other = make.plan(stack), make.cfn_plan(stack)
    strategy = IncidentStrategy(plan, disambiguators={"Other": other}, join_by_dedupe_string=True)
    for suffix in ("Errors", "Latency"):
        add_alarm(stack, strategy, suffix, dedupe_string_override="checkout")
    add_alarm(stack, strategy, "Errors", dedupe_string_override="checkout", disambiguator="Other")
    add_alarm(stack, strategy, "Alone")
    synth = make.synth(stack)
    ours, theirs = (stack.resolve(each.response_plan_ref.response_plan_arn) for each in (plan, other))
    rules = {
        str(alarm["Properties"]["AlarmActions"]): alarm["Properties"]["AlarmRule"]["Fn::Join"][1]
        for alarm in synth.of_type(COMPOSITE_ALARM).values()
    }
    assert {key: [part for part in parts if isinstance(part, str)] for key, parts in rules.items()} == {
        str([ours]): ['ALARM("', '") OR ALARM("', '")'],
        str([theirs]): ['ALARM("', '")'],
    }
    assert starts(synth) == {
        "Shop-Checkout-Errors": (0, 0),
        "Shop-Checkout-Latency": (0, 0),
        "Shop-Checkout-Errors-Other": (0, 0),
        "Shop-Checkout-Alone": (1, 0),
        **dict.fromkeys((name for name in starts(synth) if "Any" in name), (1, 0)),
    }
    assert len(starts(synth)) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"default, disambiguators and tags must be one or more together \(got 'none'\)"),
        ({"default": "plan"}, r"default must be a route or a response plan \(got 'plan'\)"),
        ({"tags": {"pager": "plan"}}, r"tags\['pager'\] must be a route or a response plan"),
        (
            {"disambiguators": {"Critical": 1}},
            r"disambiguators\['Critical'\] must be a route or a response plan",
        ),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    """A strategy that leads nowhere is refused where it is made."""
    with pytest.raises(ValueError, match=f"^{message}"):
        IncidentStrategy(**arguments)


def test_names_the_extra_that_is_missing() -> None:
    """Without the library one line says what to install; nothing else of the package needs it."""
    code = (
        "import sys; sys.modules['cdk_monitoring_constructs'] = None\n"
        "import cdk_incidents; [getattr(cdk_incidents, name) for name in cdk_incidents.__all__]\n"
        "import cdk_incidents.monitoring"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last == (
        "ModuleNotFoundError: cdk_incidents.monitoring needs its extra:"
        " pip install 'cdk_incidents[monitoring]'"
    )
