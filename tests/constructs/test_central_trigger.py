"""A central trigger: imported by its names, and shared with accounts one by one or as an organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk_incidents import IncidentTrigger
from tests.synthesis import steady

if TYPE_CHECKING:
    from cdk_incidents import IRoute
    from tests.synthesis import Make, Synth

ALARM = "AWS::CloudWatch::Alarm"
ALIAS = "AWS::Lambda::Alias"
PERMISSION = "AWS::Lambda::Permission"
RESOURCE_POLICY = "AWS::Lambda::ResourcePolicy"
ROLE = "AWS::IAM::Role"
RULE = "AWS::Events::Rule"

OURS = cdk.Environment(account="111122223333", region="eu-west-1")
THEIRS = cdk.Environment(account="444455556666", region="eu-west-1")
ALARMS = "lambda.alarms.cloudwatch.amazonaws.com"
ORGANIZATION = "o-exampleorgid"
HEALTH = events.EventPattern(source=["aws.health"])


def named(text: str) -> dict[str, Any]:
    """Return an ARN as CloudFormation puts it together."""
    return {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, text]]}


ALIAS_ARN = named(":lambda:eu-west-1:111122223333:function:central:Critical")


def central_in(make: Make, stack: cdk.Stack) -> IncidentTrigger:
    """Return a platform team's trigger."""
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="central")
    trigger.add_route("Critical", response_plan=make.plan(stack))
    return trigger


def imported(stack: cdk.Stack, account: str | None = "111122223333") -> IRoute:
    """Return its route in an app team's stack."""
    trigger = IncidentTrigger.from_trigger_attributes(
        stack, "Central", trigger_name="central", routes=["Critical", "Notice"], account=account
    )
    return trigger.route("Critical")


@pytest.mark.parametrize("is_owned", [True, False])
def test_another_accounts_alarms_and_rules(make: Make, *, is_owned: bool) -> None:
    """Alarms name the alias; rules take a role of their account, one for all of them, that may do no more."""
    app = make.app()
    team = cdk.Stack(app, "Team", env=THEIRS)
    if is_owned:
        trigger = central_in(make, cdk.Stack(app, "Central", env=OURS))
        trigger.share_with(accounts=["444455556666"])
        route: IRoute = trigger.route("Critical")
    else:
        route = imported(team)
    route.watch(make.alarm(team))
    for number in (1, 2):
        events.Rule(team, f"Rule{number}", event_pattern=HEALTH, targets=[route.rule_target()])
    synth = make.synth(team)
    alarm = synth.properties(ALARM)
    assert alarm["AlarmActions"] == [ALIAS_ARN]
    assert alarm.get("OKActions") == (None if is_owned else [ALIAS_ARN])
    assert synth.of_type(PERMISSION) == {}
    for number in (1, 2):
        (target,) = synth.properties(RULE, f"Rule{number}")["Targets"]
        assert target["Arn"] == ALIAS_ARN
        assert target["RoleArn"] == {"Fn::GetAtt": [synth.id_of(ROLE), "Arn"]}
        assert target["DeadLetterConfig"] == {
            "Arn": named(":sqs:eu-west-1:111122223333:central-dead-letters")
        }
    role = synth.properties(ROLE)
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "444455556666"},
        "ArnLike": {"aws:SourceArn": named(":events:eu-west-1:444455556666:rule/*")},
    }
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement == {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ALIAS_ARN}
    assert synth.dependencies == (["Central"] if is_owned else [])


def queue_of(stack: cdk.Stack) -> sqs.Queue:
    """Return a queue that a route may read."""
    return sqs.Queue(stack, "Queue", visibility_timeout=cdk.Duration.minutes(3))


@pytest.mark.parametrize("is_owned", [True, False])
def test_topics_and_queues_of_another_account_are_the_triggers_to_bring_in(
    make: Make, *, is_owned: bool
) -> None:
    """SNS and Lambda want the function's account to do it, so a stack of the other one is told where."""
    app = make.app()
    team = cdk.Stack(app, "Team", env=THEIRS)
    route = (
        central_in(make, cdk.Stack(app, "Central", env=OURS)).route("Critical")
        if is_owned
        else imported(team)
    )
    message = (
        r"subscription must be made by the trigger's account, 111122223333 \(got 'Team/Topic in 4444.*'\):"
        r" SNS would wait for a confirmation that no function gives: let the trigger's stack import the topic"
    )
    with pytest.raises(RuntimeError, match=message):
        sns.Topic(team, "Topic").add_subscription(route.subscription())
    message = (
        r"^queue must be read from a stack of the trigger's account, 111122223333 \(got 'Team/Queue in .*'\):"
        r" Lambda reads queues for functions of its own account: let the trigger's stack import the queue and"
    )
    with pytest.raises(ValueError, match=message):
        route.on_queue(queue_of(team))


def test_wants_to_know_the_account_where_it_matters(make: Make) -> None:
    """Whether a rule needs a role or a permission depends on its account; an alarm does not care."""
    stack = make.stack()
    route = imported(stack)
    route.watch(make.alarm(stack))
    message = (
        r"account of Stack must be known at synth, since the trigger's is given as 111122223333 \(got .*\):"
        r" give the stack an env=, or leave account= out if they are the same\."
    )
    with pytest.raises(RuntimeError, match=message):
        events.Rule(stack, "Rule", event_pattern=HEALTH, targets=[route.rule_target()])
    with pytest.raises(ValueError, match=message):
        route.on_queue(queue_of(stack))


def test_an_import_tells_its_names(make: Make) -> None:
    """Name, ids and ARN are known at synth; figures are those of the trigger's own place."""
    stack = make.stack(env=THEIRS)
    trigger = IncidentTrigger.from_trigger_attributes(
        stack, "C", trigger_name="central", routes=["Critical"], account="111122223333", region="eu-west-1"
    )
    route = trigger.route("Critical")
    assert (trigger.trigger_name, route.route_id, route.auto_resolve) == ("central", "Critical", True)
    assert stack.resolve(route.route_arn) == ALIAS_ARN
    metric = trigger.metric("Started", route="Critical", statistic="Sum").to_metric_config().metric_stat
    assert metric is not None
    assert (metric.account, metric.region, metric.metric_name) == ("111122223333", "eu-west-1", "Started")
    assert {each.name: each.value for each in metric.dimensions or []} == {
        "Trigger": "central",
        "Route": "Critical",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trigger_name": ""}, r"trigger_name must be the name of a trigger \(got ''\): ask who has it\."),
        (
            {"trigger_name": "a b"},
            r"trigger_name must be 1 to 64 letters, .* \(got 'a b'\): copy it from the tr",
        ),
        (
            {"trigger_name": cdk.Fn.ref("Name")},
            r"trigger_name must be known at synth \(got '.*Token.*\): write",
        ),
        (
            {"routes": "Critical"},
            r"routes must be a list of route ids \(got 'Critical'\): put it into brackets\.",
        ),
        ({"routes": ["a b"]}, r"route id must be letters, .* \(got 'a b'\): rename it"),
        (
            {"routes": ["smoke-test"]},
            r"route id must be other than smoke-test and retry, .* \(got 'smoke-test'\)",
        ),
        ({"account": "4444"}, r"account must be 12 digits \(got '4444'\): pass it as a text, zeros kept\."),
        ({"region": "eu-south-1"}, r"region must be one of ap-northeast-1, .* \(got 'eu-south-1'\): copy it"),
    ],
    ids=steady,
)
def test_refuses_what_cannot_be_imported(make: Make, changes: dict[str, Any], message: str) -> None:
    """Argument, rule, what was received and the remedy."""
    arguments = {"trigger_name": "central", "routes": ["Critical"], **changes}
    with pytest.raises(ValueError, match=f"^{message}"):
        IncidentTrigger.from_trigger_attributes(make.stack(), "Central", **arguments)


def test_refuses_a_route_that_was_not_imported(make: Make) -> None:
    """A misspelt id would be an alarm that nobody answers."""
    trigger = IncidentTrigger.from_trigger_attributes(
        make.stack(), "Central", trigger_name="central", routes=["Notice", "Critical", "Notice"]
    )
    message = (
        r"^route_id must be one of the routes imported here \(Critical, Notice\) \(got 'critical'\): ask"
        r" for it at the trigger's owners, and add it to routes=\.$"
    )
    with pytest.raises(ValueError, match=message):
        trigger.route("critical")


# --- sharing


@pytest.fixture(scope="module", params=["routes-first", "sharing-first"])
def by_account(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a trigger that is shared with two accounts, before or after its routes and rules are made."""
    stack = make.stack(env=OURS)
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="central")
    accounts = ["444455556666", "777788889999", "444455556666"]
    if request.param == "sharing-first":
        trigger.share_with(accounts=accounts)
    route = trigger.add_route("Critical", response_plan=make.plan(stack))
    events.Rule(stack, "Rule", event_pattern=HEALTH, targets=[route.rule_target()])
    if request.param == "routes-first":
        trigger.share_with(accounts=accounts[:1])
        trigger.share_with(accounts=accounts)
    return make.synth(stack)


def test_lets_accounts_in_one_by_one(by_account: Synth) -> None:
    """Each account's alarms may invoke the alias, and whoever of it may by its own policies; that is all."""
    alias = {"Ref": by_account.id_of(ALIAS, "Critical")}
    permissions = [
        permission["Properties"] for permission in by_account.of_type(PERMISSION, "LiveCritical").values()
    ]
    assert {each.pop("Action") for each in permissions} == {"lambda:InvokeFunction"}
    assert [each.pop("FunctionName") for each in permissions] == [alias] * 5
    assert sorted(map(str, permissions)) == sorted(
        map(
            str,
            [
                {"Principal": ALARMS, "SourceAccount": "111122223333"},
                {"Principal": ALARMS, "SourceAccount": "444455556666"},
                {"Principal": "444455556666"},
                {"Principal": ALARMS, "SourceAccount": "777788889999"},
                {"Principal": "777788889999"},
            ],
        )
    )
    assert by_account.of_type(RESOURCE_POLICY) == {}


def test_takes_dead_letters_of_their_rules(by_account: Synth) -> None:
    """The queue lets the rules of those accounts send, by their ARNs."""
    _, _, *statements = by_account.properties("AWS::SQS::QueuePolicy", "DeadLetters")["PolicyDocument"][
        "Statement"
    ]
    assert [statement["Condition"] for statement in statements] == [
        {"ArnLike": {"aws:SourceArn": named(f":events:eu-west-1:{account}:rule/*")}}
        for account in ("444455556666", "777788889999")
    ]
    assert all(each["Principal"] == {"Service": "events.amazonaws.com"} for each in statements)


@pytest.fixture(scope="module", params=["organization-last", "organization-first"])
def by_organization(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a trigger that is shared with an organisation and an account, before or after all else."""
    stack = make.stack(env=OURS)
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="central")
    if request.param == "organization-first":
        trigger.share_with(organization=ORGANIZATION)
        trigger.share_with(accounts=["444455556666"], organization=ORGANIZATION)
    route = trigger.add_route("Critical", response_plan=make.plan(stack))
    events.Rule(stack, "Rule", event_pattern=HEALTH, targets=[route.rule_target()])
    sns.Topic(stack, "Topic").add_subscription(route.subscription())
    theirs = sns.Topic.from_topic_arn(stack, "Theirs", "arn:aws:sns:eu-west-1:777788889999:theirs")
    theirs.add_subscription(route.subscription())
    if request.param == "organization-last":
        trigger.share_with(accounts=["444455556666"])
        trigger.share_with(organization=ORGANIZATION)
    return make.synth(stack)


def test_lets_an_organization_in_by_one_policy(by_organization: Synth) -> None:
    """Never both kinds of permission on one alias: whatever invokes it stands in one policy."""
    synth = by_organization
    assert synth.of_type(PERMISSION) == {}
    alias = {"Ref": synth.id_of(ALIAS, "Critical")}
    policy = synth.properties(RESOURCE_POLICY)
    assert policy["ResourceArn"] == alias
    statements = policy["PolicyDocument"]["Statement"]
    assert {(each["Effect"], each["Action"], str(each["Resource"])) for each in statements} == {
        ("Allow", "lambda:InvokeFunction", str(alias))
    }
    shown = [(each["Principal"], each.get("Condition")) for each in statements]
    account = {"AWS": named(":iam::444455556666:root")}
    expected = [
        ({"Service": ALARMS}, {"StringEquals": {"aws:SourceAccount": "111122223333"}}),
        (
            {"Service": "events.amazonaws.com"},
            {"ArnLike": {"aws:SourceArn": named(":events:eu-west-1:111122223333:rule/*")}},
        ),
        ({"Service": "sns.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": named(":sns:*:111122223333:*")}}),
        ({"Service": ALARMS}, {"StringEquals": {"aws:SourceOrgID": ORGANIZATION}}),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION}}),
        ({"Service": ALARMS}, {"StringEquals": {"aws:SourceAccount": "444455556666"}}),
        (account, None),
        (
            {"Service": "sns.amazonaws.com"},
            {"ArnLike": {"aws:SourceArn": "arn:aws:sns:eu-west-1:777788889999:theirs"}},
        ),
    ]
    assert sorted(map(str, shown)) == sorted(map(str, expected))


def test_nobody_gets_in_without_a_condition(by_organization: Synth) -> None:
    """Whoever is let in by a star or as a service is narrowed by a condition."""
    for statement in by_organization.properties(RESOURCE_POLICY)["PolicyDocument"]["Statement"]:
        if statement["Principal"] == {"AWS": "*"} or "Service" in statement["Principal"]:
            assert statement["Condition"]


def test_takes_dead_letters_of_the_organizations_rules(by_organization: Synth) -> None:
    """The queue lets rules of the organisation send."""
    statements = by_organization.properties("AWS::SQS::QueuePolicy", "DeadLetters")["PolicyDocument"][
        "Statement"
    ]
    (allowed,) = (each for each in statements if "aws:SourceOrgID" in str(each))
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceOrgID": ORGANIZATION}}


@pytest.mark.parametrize(("accounts", "warns"), [([], True), (["444455556666"], False)])
def test_warns_that_alarms_may_not_tell_their_organization(
    make: Make, accounts: list[str], *, warns: bool
) -> None:
    """AWS does not say whether they do; with the accounts named, nothing rests on it."""
    stack = make.stack()
    central_in(make, stack).share_with(accounts=accounts, organization=ORGANIZATION)
    found = [
        text for _, _, text in make.synth(stack).messages if "cdk-incidents:alarms-of-organization" in text
    ]
    assert len(found) == int(warns)


@pytest.mark.parametrize("way", ["alarm", "rule"])
def test_refuses_whom_it_was_not_shared_with(make: Make, way: str) -> None:
    """An alarm or rule of another account of the app would be turned away, so synth says whom to let in."""
    app = make.app()
    central, team = cdk.Stack(app, "Central", env=OURS), cdk.Stack(app, "Team", env=THEIRS)
    trigger = central_in(make, central)
    trigger.share_with(accounts=["777788889999"])
    route = trigger.route("Critical")
    if way == "alarm":
        route.watch(make.alarm(team, "User"))
    else:
        events.Rule(team, "User", event_pattern=HEALTH, targets=[route.rule_target()])
    message = (
        r"trigger must be shared with account 444455556666, for Team/User \(got 'shared with 777788889999'\):"
        r" call share_with\(accounts=\[\"444455556666\"\]\)\."
    )
    with pytest.raises(RuntimeError, match=message):
        app.synth()


def test_a_person_of_another_account_is_let_in_by_both(make: Make) -> None:
    """The grant is theirs, in their stack; that their account may come at all is share_with's."""
    stack = make.stack(env=THEIRS)
    imported(stack).grant_start(iam.Role(stack, "Person", assumed_by=iam.AccountRootPrincipal()))
    (statement,) = make.synth(stack).properties("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert statement == {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": ALIAS_ARN}


FIFTEEN = [f"{number:012}" for number in range(15)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {},
            r"share_with must be called with whom to share \(got 'nobody'\): pass accounts or organization\.",
        ),
        (
            {"accounts": "444455556666"},
            r"accounts must be a list of account ids \(got '444455556666'\): put it in",
        ),
        (
            {"accounts": ["4444"]},
            r"accounts must be 12 digits each \(got '4444'\): pass them as texts, zeros kep",
        ),
        (
            {"accounts": [cdk.Fn.ref("A")]},
            r"accounts must be known at synth \(got .*Token.*\): write them out\.",
        ),
        (
            {"accounts": ["111122223333"]},
            r"accounts must be others than the trigger's own \(got '111122223333'\)",
        ),
        (
            {"accounts": [*FIFTEEN, "444455556666"]},
            r"accounts must be at most 15 items \(got '16 items'\): an alias's policy takes no more: share",
        ),
        (
            {"organization": "exampleorg"},
            r"organization must be an id like o-exampleorgid \(got 'exampleorg'\): ",
        ),
        (
            {"organization": "o-anotherorgid"},
            r"organization must be one a trigger \(got 'o-anotherorgid'\): an account is in one at a time\.",
        ),
    ],
    ids=steady,
)
def test_refuses_whom_it_cannot_be_shared_with(make: Make, arguments: dict[str, Any], message: str) -> None:
    """Argument, rule, what was received and the remedy."""
    trigger = central_in(make, make.stack(env=OURS))
    if arguments.get("organization") == "o-anotherorgid":
        trigger.share_with(organization=ORGANIZATION)
    with pytest.raises(ValueError, match=f"^{message}"):
        trigger.share_with(**arguments)


@pytest.mark.parametrize(("accounts", "most"), [(0, 41), (15, 11)])
def test_refuses_what_an_aliass_policy_does_not_take(make: Make, accounts: int, most: int) -> None:
    """Each rule and topic is a statement, each account two; an organisation's one policy takes any number."""
    stack = make.stack(env=OURS)
    trigger = central_in(make, stack)
    if accounts:
        trigger.share_with(accounts=FIFTEEN[:accounts])
    target = trigger.route("Critical").rule_target()
    for number in range(most):
        events.Rule(stack, f"Rule{number}", event_pattern=HEALTH, targets=[target])
    assert trigger._shares.problems() == []
    events.Rule(stack, "OneMore", event_pattern=HEALTH, targets=[target])
    (problem,) = trigger._shares.problems()
    assert problem.startswith(
        f"rules and topics of Stack/Trigger/Live/Critical must be at most {most}, or its policy grows too"
        f" long (got '{most + 1}'): let them share a topic"
    )
    trigger.share_with(accounts=["444455556666"][: 0 if accounts else 1], organization=ORGANIZATION)
    assert trigger._shares.problems() == []


def test_takes_fifteen_accounts(make: Make) -> None:
    """The last number that fits an alias's policy, with rules of the trigger's own account beside it."""
    stack = make.stack(env=OURS)
    central_in(make, stack).share_with(accounts=FIFTEEN)
    permissions = make.synth(stack).of_type(PERMISSION, "LiveCritical")
    assert len(permissions) == 1 + 2 * 15
    # As Lambda writes a statement: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
    longest = 2 * len(str(permissions)) // len(permissions)
    assert len(permissions) * longest < 20_480
