"""Failover Regions: given to the trigger or a route, or taken from the app's replication set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ssmcontacts as ssmcontacts
from incidents_runtime.regions import Regions
from incidents_runtime.settings import routes_in

from cdk_incidents import (
    IncidentTemplate,
    IncidentTrigger,
    OpsItems,
    ReplicationSet,
    ResponsePlan,
    SmokeTest,
)
from tests.runtime.fakes import FakeClock
from tests.synthesis import steady

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.synthesis import Make

REGIONS = ["us-east-1", "eu-west-1", "eu-central-1"]


class Routes:
    """A trigger in eu-west-1, and the Regions of its routes as the function reads them."""

    def __init__(self, make: Make, *, app: cdk.App | None = None, given: Sequence[str] | None = None) -> None:
        self._make = make
        self.stack = cdk.Stack(app or make.app(), "Stack", env=make.env)
        self.trigger = IncidentTrigger(self.stack, "Trigger", failover_regions=given)

    def add(self, name: str, plan: Any = None, **changes: Any) -> None:
        """Add a route."""
        plan = plan or self._make.plan(self.stack, f"{name}Plan")
        self.trigger.add_route(name, response_plan=plan, **changes)

    def own(self, stack: cdk.Stack | None = None) -> None:
        """Own the replication set."""
        ReplicationSet(stack or self.stack, "ReplicationSet", regions=REGIONS)

    @property
    def regions(self) -> dict[str, tuple[str, ...]]:
        """What the function reads."""
        code = self._make.synth(self.stack).properties("AWS::Lambda::Function", "TriggerFunction")["Code"]
        text = code["ZipFile"]
        if not isinstance(text, str):
            text = "".join(part if isinstance(part, str) else "x" for part in text["Fn::Join"][1])
        return {name: route.regions for name, route in routes_in(text.splitlines()).items()}


@pytest.mark.parametrize("is_first", [True, False])
def test_the_sets_other_regions_are_the_default(make: Make, *, is_first: bool) -> None:
    """The Regions of the app's own set but the trigger's, in its order, whichever was made first."""
    routes = Routes(make)
    if is_first:
        routes.own()
    routes.add("Critical")
    if not is_first:
        routes.own()
    assert routes.regions == {"Critical": ("us-east-1", "eu-central-1")}


def test_the_set_may_stand_in_another_stack(make: Make) -> None:
    """There is one set in an account, wherever the app has it."""
    app = make.app()
    routes = Routes(make, app=app)
    routes.add("Critical")
    routes.own(cdk.Stack(app, "Account", env=cdk.Environment(account=make.env.account, region="us-east-1")))
    assert routes.regions == {"Critical": ("us-east-1", "eu-central-1")}


def test_without_a_set_there_are_none(make: Make) -> None:
    """A set that nobody here knows gives no Regions, and neither does another account's."""
    app = make.app()
    routes = Routes(make, app=app)
    routes.add("Critical")
    routes.own(cdk.Stack(app, "Theirs", env=cdk.Environment(account="444455556666", region="us-east-1")))
    assert routes.regions == {"Critical": ()}


def test_a_plan_of_another_account_has_its_own_set(make: Make) -> None:
    """Our set says nothing about a plan that lives in another one; of an own import it does."""
    routes = Routes(make)
    routes.own()
    imported = {
        "Ours": ResponsePlan.from_response_plan_name(routes.stack, "Ours", "checkout"),
        "Theirs": ResponsePlan.from_response_plan_name(
            routes.stack, "Theirs", "checkout", account="444455556666"
        ),
    }
    for name, plan in imported.items():
        routes.add(name, plan)
    assert routes.regions == {"Ours": ("us-east-1", "eu-central-1"), "Theirs": ()}


def test_what_is_given_goes_first(make: Make) -> None:
    """A route's own go before the trigger's, these before the set's, and no Regions are Regions too."""
    routes = Routes(make, given=["eu-central-1"])
    routes.own()
    routes.add("AsTheTrigger")
    routes.add("Own", failover_regions=["us-east-1"])
    routes.add("Stays", failover_regions=[])
    assert routes.regions == {"AsTheTrigger": ("eu-central-1",), "Own": ("us-east-1",), "Stays": ()}


def test_other_destinations_and_the_smoke_test_stay(make: Make) -> None:
    """OpsItems are of one Region, and a smoke test proves the trigger's own."""
    routes = Routes(make)
    routes.own()
    routes.trigger.add_route("OpsItems", ops_items=OpsItems())
    SmokeTest(routes.stack, "SmokeTest", trigger=routes.trigger)
    assert routes.regions == {"OpsItems": (), "smoke-test": ()}


@pytest.mark.parametrize("given", [None, [], ["us-east-1"]])
@pytest.mark.parametrize("is_owned", [True, False])
def test_contacts_may_be_engaged_where_incidents_may_start(
    make: Make, given: list[str] | None, *, is_owned: bool
) -> None:
    """Under which Region's name another one asks for a contact is settled nowhere: then it is any."""
    routes = Routes(make, given=given)
    contact = ssmcontacts.CfnContact(routes.stack, "Ada", alias="ada", display_name="Ada", type="PERSONAL")
    incident = IncidentTemplate.critical(title="Checkout is failing")
    routes.add("Critical", ResponsePlan(routes.stack, "Plan", incident=incident, engagements=[contact]))
    if is_owned:
        routes.own()
    (inline,) = make.synth(routes.stack).properties("AWS::IAM::Role", "TriggerRole")["Policies"]
    (engage,) = (
        each["Resource"]
        for each in inline["PolicyDocument"]["Statement"]
        if each["Action"] == "ssm-contacts:StartEngagement"
    )
    region = "*" if given or (given is None and is_owned) else "eu-west-1"
    place = f":ssm-contacts:{region}:111122223333:contact/ada"
    assert engage in (own := {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, place]]}, [own])


def test_a_trigger_whose_region_nobody_knows(make: Make) -> None:
    """All of the set's Regions are told then; the function leaves its own out."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    trigger.add_route("Critical", response_plan=make.plan(stack))
    ReplicationSet(stack, "ReplicationSet", regions=REGIONS)
    parts = make.synth(stack).properties("AWS::Lambda::Function")["Code"]["ZipFile"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "x" for part in parts)
    told = routes_in(text.splitlines())["Critical"].regions
    assert told == tuple(REGIONS)
    regions: Regions[object] = Regions("eu-west-1", lambda _: object(), FakeClock())
    assert regions.in_order(told) == ["eu-west-1", "us-east-1", "eu-central-1"]


@pytest.mark.parametrize("is_routes", [True, False])
@pytest.mark.parametrize("is_known", [True, False])
def test_refuses_what_the_apps_own_set_lacks(make: Make, *, is_routes: bool, is_known: bool) -> None:
    """A Region that the set does not have is refused at synth; with a token for a Region nobody knows."""
    routes = Routes(make, given=None if is_routes else ["us-east-2"])
    routes.add("Critical", failover_regions=["us-east-2"] if is_routes else None)
    regions = REGIONS if is_known else ["eu-west-1", cdk.Fn.ref("Region")]
    ReplicationSet(routes.stack, "ReplicationSet", regions=regions)
    if not is_known:
        cdk.CfnParameter(routes.stack, "Region")
        assert routes.regions == {"Critical": ("us-east-2",)}
        return
    message = (
        r"\[Stack/Trigger\] failover_regions must be of the replication set's \(us-east-1, eu-west-1,"
        r" eu-central-1\) \(got \['us-east-2'\]\): add them to the set, or choose others\."
    )
    with pytest.raises(RuntimeError, match=message):
        make.synth(routes.stack)


def test_of_another_accounts_set_nobody_knows(make: Make) -> None:
    """Regions for a plan of another account are taken, whatever our own set has."""
    routes = Routes(make)
    routes.own()
    plan = ResponsePlan.from_response_plan_name(routes.stack, "Theirs", "checkout", account="444455556666")
    routes.add("Critical", plan, failover_regions=["us-east-2"])
    assert routes.regions == {"Critical": ("us-east-2",)}


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ("eu-central-1", r"a list of Regions \(got 'eu-central-1'\): put it into brackets\."),
        ([7], r"a list of Regions \(got 7\): it holds a int\."),
        (
            ["us-east-1", "us-east-2", "us-west-2"],
            r"at most 2 different Regions \(got \[.*\]\): a replication set has three",
        ),
        (["us-east-1", "us-east-1"], r"at most 2 different Regions \(got \['us-east-1', 'us-east-1'\]\)"),
        (
            ["eu-south-1"],
            r"of those that have Incident Manager \(ap-northeast-1, .*\) \(got 'eu-south-1'\): choose others",
        ),
        (["eu-west-1"], r"other than the trigger's own \(got 'eu-west-1'\): it is tried first anyway\."),
        ([cdk.Fn.ref("Region")], r"known at synth \(got .*\): write them out\."),
    ],
    ids=steady,
)
@pytest.mark.parametrize("is_routes", [True, False])
def test_refuses_what_no_set_could_have(make: Make, regions: Any, message: str, *, is_routes: bool) -> None:
    """A Region that cannot be in the trigger's set would fail in the night, so it is refused."""
    routes = Routes(make)
    with pytest.raises(ValueError, match=rf"^failover_regions must be {message}"):
        routes.add("Critical", failover_regions=regions) if is_routes else IncidentTrigger(
            routes.stack, "Second", failover_regions=regions
        )
