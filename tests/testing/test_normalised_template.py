"""normalised_template: the same wherever nothing was meant to change, another wherever something was."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import RootConstruct
from hypothesis import given, settings
from hypothesis import strategies as st

import cdk_incidents as incidents
from cdk_incidents import _runtime_asset
from cdk_incidents.testing import normalised_template
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.synthesis import Make

DIGEST = "0123456789abcdef" * 4
OTHER_DIGEST = "fedcba9876543210" * 4
ENV = cdk.Environment(account="111122223333", region="eu-west-1")
OTHER_ENV = cdk.Environment(account="999900001111", region="eu-central-1")


class Shop:
    """What a team may say of its stack, each with a value to begin with."""

    def __init__(
        self,
        stack: cdk.Stack,
        *,
        plan_title: str = "Checkout is failing",
        wired: bool = True,
        route_title: str = "{title}",
        quiet_for_s: int = 60,
        threshold: int = 1,
        trusted: str = "444455556666",
        action: str = "s3:GetObject",
        image: str = f"busybox@sha256:{DIGEST}",
        region: str = "us-east-1",
        timeout_s: int = 90,
        outputs: str = "output",
    ) -> None:
        template = incidents.IncidentTemplate.critical(title=plan_title)
        plan = incidents.ResponsePlan(stack, "Plan", incident=template)
        trigger = incidents.IncidentTrigger(stack, "Trigger")
        route = trigger.add_route(
            "Critical", response_plan=plan, title=route_title, join_for=cdk.Duration.seconds(quiet_for_s)
        )
        trigger.share_with(accounts=[trusted])
        metric = cloudwatch.Metric(namespace="Checkout", metric_name="Errors")
        alarm = cloudwatch.Alarm(stack, "Errors", metric=metric, threshold=threshold, evaluation_periods=1)
        if wired:
            route.watch(alarm)
        self.trigger = trigger
        self.role = iam.Role(stack, "Role", assumed_by=iam.AccountPrincipal(trusted))
        self.role.add_to_policy(iam.PolicyStatement(actions=[action], resources=["arn:aws:s3:::orders/*"]))
        cdk.CfnOutput(stack, "Image", value=image)
        cdk.CfnOutput(stack, "Said", value=outputs)
        cdk.CfnOutput(stack, "Second", value=region)
        incidents.SmokeTest(stack, "SmokeTest", trigger=trigger, timeout=cdk.Duration.seconds(timeout_s))


def raw(stack: cdk.Stack) -> dict[str, Any]:
    """Return a template as it is deployed."""
    return dict(assertions.Template.from_stack(stack).to_json())


@pytest.fixture(scope="module")
def shop(make: Make) -> cdk.Stack:
    """Return the stack that others are compared with."""
    stack = make.stack("Shop")
    Shop(stack)
    return stack


@pytest.mark.parametrize("flags", FLAGS)
def test_stays_with_other_code_of_ours(make: Make, monkeypatch: pytest.MonkeyPatch, flags: str) -> None:
    """A release that brings other code changes the layer, the version, the digests, and no snapshot."""
    before = make.stack(context=FLAGS[flags])
    Shop(before)
    monkeypatch.setattr(_runtime_asset, "_archive", lambda: b"another release")
    after = make.stack(context=FLAGS[flags])
    Shop(after)
    changed = {
        id_ for id_, body in raw(after)["Resources"].items() if body != raw(before)["Resources"].get(id_)
    }
    assert {id_.partition("CurrentVersion")[0] for id_ in changed} >= {"TriggerFunction", "SmokeTest737D2188"}
    assert normalised_template(after) == normalised_template(before)


@pytest.mark.parametrize("env", [None, ENV], ids=["anywhere", "somewhere"])
def test_stays_with_other_lines_of_ours(make: Make, env: cdk.Environment | None) -> None:
    """Of our inline code only the lines of data are the user's; it may be one text or put together."""
    stack = make.stack(env=env, context=FLAGS["cdk-init"])
    Shop(stack)
    text = json.dumps(raw(stack))
    other = re.sub(
        r"from incidents_runtime[^#]+# Below", r"import incidents_runtime.x as y\\nx = y\\n# Said", text
    )
    assert other.count("import incidents_runtime.x") == text.count("from incidents_runtime") == 2
    assert normalised_template(json.loads(other)) == normalised_template(json.loads(text))


def test_stays_in_every_deployment(make: Make) -> None:
    """The nonce of a test that runs in every deployment is in no snapshot."""
    found = []
    for _ in range(2):
        stack = make.stack()
        incidents.SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)], every_deployment=True)
        found.append((raw(stack), normalised_template(stack)))
    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


CHANGES: dict[str, dict[str, Any]] = {
    "the title of the plan": {"plan_title": "The checkout is failing"},
    "the action of the alarm": {"wired": False},
    "the title of a route": {"route_title": "Shop: {title}"},
    "how long a route joins": {"quiet_for_s": 61},
    "the threshold of the alarm": {"threshold": 2},
    "another account that is trusted": {"trusted": "777788889999"},
    "a statement of a policy": {"action": "s3:*"},
    "an image that is pinned": {"image": f"busybox@sha256:{OTHER_DIGEST}"},
    "a hash that is pinned": {"image": DIGEST},
    "another Region that is named": {"region": "us-west-2"},
    "the patience of the smoke test": {"timeout_s": 60},
    "a file of that name": {"outputs": "orders/v2.zip"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_changes_with_what_is_meant(make: Make, shop: cdk.Stack, change: str) -> None:
    """Whatever the app says is in the snapshot."""
    stack = make.stack("Shop")
    Shop(stack, **CHANGES[change])
    assert normalised_template(stack) != normalised_template(shop)


def test_changes_when_the_smoke_test_is_skipped(make: Make, shop: cdk.Stack) -> None:
    """A skipped smoke test is not to be committed unseen."""
    stack = make.stack("Shop", context={"cdk-incidents:skip-smoke-test": "true"})
    Shop(stack)
    assert normalised_template(stack) != normalised_template(shop)


def with_assets(make: Make, directory: Path, content: str, synthesizer: str) -> list[cdk.Stack]:
    """Return stacks with assets of every kind, named wherever CDK names them."""
    (directory / content).mkdir()
    source = directory / content
    (source / "index.py").write_text(content)
    (source / "Dockerfile").write_text(f"FROM scratch\n# {content}\n")
    (source / "plain").write_text(content)
    legacy = synthesizer == "legacy"
    app = make.app(context={"aws:cdk:enable-asset-metadata": True})
    stack = cdk.Stack(app, "Stack", synthesizer=cdk.LegacyStackSynthesizer() if legacy else None)
    nested = cdk.NestedStack(stack, "Nested")
    functions = [
        lambda_.Function(
            scope,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_asset(str(source)),
        )
        for scope in (stack, nested)
    ]
    lambda_.Alias(stack, "Alias", alias_name="live", version=functions[0].current_version)
    apigateway.LambdaRestApi(stack, "Api", handler=functions[0])
    cdk.CfnOutput(nested, "OfParent", value=functions[0].current_version.function_arn)
    lambda_.DockerImageFunction(stack, "Docker", code=lambda_.DockerImageCode.from_image_asset(str(source)))
    image = ecr_assets.DockerImageAsset(stack, "Image", directory=str(source))
    file = s3_assets.Asset(stack, "File", path=str(source / "plain"))
    tagged = image.repository.repository_uri_for_tag(image.image_tag)
    for name, value in {"Tagged": tagged, "Tag": image.image_tag, "Url": file.http_url}.items():
        cdk.CfnOutput(stack, name, value=value)
    if legacy:
        return [stack, nested]
    another = cdk.Stack(app, "Another")
    cdk.CfnOutput(another, "Version", value=functions[0].current_version.version)
    return [stack, nested, another]


@pytest.mark.parametrize("synthesizer", ["modern", "legacy"])
def test_stays_with_other_content_of_assets(make: Make, tmp_path: Path, synthesizer: str) -> None:
    """Files, images, nested stacks, versions and what other stacks import of them may have other content."""
    before, after = (with_assets(make, tmp_path, content, synthesizer) for content in ("before", "after"))
    for one, other in zip(before, after, strict=True):
        assert raw(one) != raw(other)
        assert normalised_template(one) == normalised_template(other)


@pytest.mark.parametrize("source", ["stack", "template"])
def test_stays_in_another_account_and_region(make: Make, source: str) -> None:
    """A stack's own place is taken out, and read of a template from the name of its assets' bucket."""
    found = []
    for env in (ENV, OTHER_ENV):
        stack = make.stack(env=env)
        Shop(stack)
        found.append(
            normalised_template(stack if source == "stack" else assertions.Template.from_stack(stack))
        )
    assert found[0] == found[1]
    text = json.dumps(found[0])
    assert ":ssm-incidents::[ACCOUNT]:response-plan/" in text
    assert "444455556666" in text
    assert "us-east-1" in text


def test_takes_the_place_of_a_template_from_its_arguments() -> None:
    """A template without assets does not tell whose it is; others' accounts and longer numbers stay."""
    said = [
        "arn:aws:sns:eu-west-1:111122223333:a",
        "1111222233334",
        "444455556666",
        "eu-west-10",
        "eu-west-1a",
    ]
    template = {"Outputs": {"Said": {"Value": said}}}
    assert normalised_template(template) == template
    found = normalised_template(template, account="111122223333", region="eu-west-1")
    assert found["Outputs"]["Said"]["Value"] == [
        "arn:aws:sns:[REGION]:[ACCOUNT]:a",
        "1111222233334",
        "444455556666",
        "eu-west-10",
        "[REGION]a",
    ]


def test_takes_what_an_argument_leaves_open_from_the_stack(make: Make) -> None:
    """An account alone is no reason to leave the stack's Region in."""
    stack = make.stack(env=ENV)
    cdk.CfnOutput(stack, "Said", value="444455556666 eu-west-1 111122223333")
    found = normalised_template(stack, account="444455556666")
    assert found["Outputs"]["Said"]["Value"] == "[ACCOUNT] [REGION] 111122223333"


@pytest.mark.parametrize("place", [{"account": "1111"}, {"region": "Ireland"}])
def test_refuses_what_is_no_place(place: dict[str, str]) -> None:
    """A slip would leave everything as it is, unseen."""
    with pytest.raises(ValueError, match=f"^{next(iter(place))} must be "):
        normalised_template({}, **place)


def test_sorts_sets_by_what_they_come_to(make: Make) -> None:
    """CDK sorts a statement's resources by accounts; the snapshot is the same wherever the stack goes."""
    found = []
    for env in (ENV, OTHER_ENV):
        stack = make.stack(env=env, context={"@aws-cdk/aws-iam:minimizePolicies": True})
        role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        arns = [f"arn:aws:s3:::orders-{account}" for account in (stack.account, "555566667777")]
        role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=arns))
        found.append(normalised_template(stack, account=env.account, region=env.region))
    assert found[0] == found[1]


def test_does_not_depend_on_the_order_of_construction(make: Make) -> None:
    """Two constructs that change places in the code leave the text of the snapshot as it is."""
    texts = []
    for names in (["A", "B"], ["B", "A"]):
        stack = make.stack()
        for name in names:
            make.alarm(stack, name)
        texts.append(json.dumps(normalised_template(stack)))
    assert texts[0] == texts[1]


def test_leaves_out_what_is_cdks(make: Make) -> None:
    """Metadata of paths and assets, of CDK itself, and the bootstrap stack's version are nobody's intent."""
    app = cdk.App(analytics_reporting=True, context={"aws:cdk:enable-path-metadata": True})
    stack = cdk.Stack(app, "Shop")
    alarm = make.alarm(stack)
    resource = alarm.node.default_child
    assert isinstance(resource, cdk.CfnResource)
    resource.add_metadata("team", "shop")
    assert {"CDKMetadata"} < {*raw(stack)["Resources"]}
    assert {"Parameters", "Rules", "Conditions"} <= {*raw(stack)}
    found = normalised_template(stack)
    assert [*found] == ["Resources"]
    (body,) = found["Resources"].values()
    assert body["Metadata"] == {"team": "shop"}


@pytest.mark.parametrize(
    ("proves", "shown"),
    [
        ("e087752b157d135a", "[DIGEST]"),
        ({"Fn::Join": ["", ["a", {"Ref": "B"}]]}, "[DIGEST]"),
        (
            {"Trigger": "1", "Plans": {"checkout": "2"}, "More": [{"Ref": "A"}]},
            {"Trigger": "[DIGEST]", "Plans": {"checkout": "[DIGEST]"}, "More": ["[DIGEST]"]},
        ),
    ],
)
def test_shows_digests_as_such_whatever_their_shape(proves: Any, shown: Any) -> None:
    """What the smoke test proves keeps its shape, a plan more or less is seen, and no digest is."""
    properties = {"Proves": proves, "Run": "2027-01-04T09:00:00Z", "Skip": "false"}
    template = {"Resources": {"Test": {"Type": "Custom::IncidentSmokeTest", "Properties": properties}}}
    found = normalised_template(template)["Resources"]["Test"]["Properties"]
    assert found == {"Proves": shown, "Run": "[NONCE]", "Skip": "false"}


def test_keeps_two_versions_apart() -> None:
    """Versions of one function that differ by their hash only are not made one."""
    ids = ["FunctionCurrentVersion0A1B2C3D" + digit * 32 for digit in "12"]
    template = {"Resources": {id_: {"Type": "AWS::Lambda::Version"} for id_ in ids}}
    assert normalised_template(template) == template


def test_renames_a_version_wherever_it_is_named() -> None:
    """A reference of any form, an order and an export follow the version's id."""
    stem, hashed = "FunctionCurrentVersion0A1B2C3D", "FunctionCurrentVersion0A1B2C3D" + "1a" * 16

    def template(version: str, export: str) -> dict[str, Any]:
        return {
            "Outputs": {
                f"ExportsOutputRef{version}{export}": {
                    "Value": {"Ref": version},
                    "Export": {"Name": f"S:ExportsOutputRef{version}{export}"},
                }
            },
            "Resources": {
                version: {"Type": "AWS::Lambda::Version"},
                "User": {
                    "DependsOn": ["Zero", version],
                    "Properties": {
                        "List": {"Fn::GetAtt": [version, "Version"]},
                        "Dotted": {"Fn::GetAtt": f"{version}.Version"},
                        "Sub": {"Fn::Sub": f"${{{version}}}-${{{version}.Version}}"},
                    },
                },
            },
        }

    found = normalised_template(template(hashed, "4F09672B"))
    expected = template(stem, "")
    expected["Resources"]["User"]["DependsOn"] = [stem, "Zero"]
    assert found == expected


FRAGMENTS = st.sampled_from(
    [
        DIGEST,
        f"{DIGEST}.zip",
        f"/{OTHER_DIGEST}.json",
        "cdk-hnb659fds-assets-111122223333-eu-west-1",
        "cdk-hnb659fds-container-assets-${AWS::AccountId}-${AWS::Region}:" + DIGEST,
        f"AssetParameters{DIGEST}S3Bucket0A1B2C3D",
        "FunctionCurrentVersion0A1B2C3D" + "1a" * 16,
        "S:ExportsOutputRefFunctionCurrentVersion0A1B2C3D" + "1a" * 16 + "4F09672B",
        "arn:aws:sns:eu-west-1:111122223333:topic",
        'from incidents_runtime.trigger import handler\n# Data.\n# {"id": "Critical"}\n',
        "[ASSET]",
        "${FunctionCurrentVersion0A1B2C3D" + "1a" * 16 + ".Version}",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | FRAGMENTS
KEYS = st.sampled_from(
    ["Ref", "Fn::Sub", "Fn::Join", "ZipFile", "Effect", "Action", "Resource", "Type", "Proves", "Run"]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS | st.text(max_size=3) | FRAGMENTS, inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(["AWS::Lambda::Version", "Custom::IncidentSmokeTest", "AWS::CDK::Metadata"])
RESOURCES = st.fixed_dictionaries(
    {"Type": TYPES, "Properties": st.dictionaries(KEYS, VALUES, max_size=4)},
    optional={
        "DependsOn": st.lists(FRAGMENTS, max_size=3),
        "Metadata": st.dictionaries(st.sampled_from(["aws:cdk:path", "team"]), LEAVES),
    },
)
TEMPLATES = st.fixed_dictionaries(
    {"Resources": st.dictionaries(FRAGMENTS | st.text(min_size=1, max_size=3), RESOURCES, max_size=4)},
    optional={"Outputs": st.dictionaries(FRAGMENTS, VALUES, max_size=3), "Description": st.text(max_size=5)},
)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(TEMPLATES)
def test_normalising_twice_is_normalising_once(template: dict[str, Any]) -> None:
    """What is normalised is plain JSON, stays as it is, and what came in is not changed."""
    before = copy.deepcopy(template)
    once = normalised_template(template)
    assert template == before
    assert normalised_template(once) == once
    assert json.loads(json.dumps(once)) == once


def test_normalises_a_real_template_once(shop: cdk.Stack) -> None:
    """The same for a stack with all that the library puts into one."""
    template = raw(shop)
    before = copy.deepcopy(template)
    once = normalised_template(template)
    assert normalised_template(once) == once == normalised_template(shop)
    assert template == before


SYNTHESISED: dict[str, Callable[[cdk.Stack], Any]] = {
    "by the app": lambda stack: stack.node.root.synth(),  # type: ignore[attr-defined]
    "by a template of it": assertions.Template.from_stack,
    "by a template of another stack": lambda stack: assertions.Template.from_stack(
        next(one for one in stack.node.root.node.children if isinstance(one, cdk.Stack) and one is not stack)
    ),
}


@pytest.mark.parametrize("how", SYNTHESISED)
def test_takes_a_stack_of_an_app_that_was_synthesised(make: Make, how: str) -> None:
    """Whoever synthesised the app first, the stack's own template is found."""
    app = make.app()
    one, another = cdk.Stack(app, "One"), cdk.Stack(app, "Another")
    make.alarm(one)
    make.alarm(another, "Other")
    SYNTHESISED[how](one)
    assert [id_[:5] for id_ in normalised_template(one)["Resources"]] == ["Alarm"]
    assert [id_[:5] for id_ in normalised_template(another)["Resources"]] == ["Other"]


def test_keeps_what_it_does_not_know() -> None:
    """Loops, transforms and metadata of a template are the user's."""
    template = {
        "Metadata": {"team": "shop"},
        "Resources": {"Fn::ForEach::Topics": ["Name", ["A"], {"Topic${Name}": {"Type": "AWS::SNS::Topic"}}]},
        "Transform": "AWS::LanguageExtensions",
    }
    assert normalised_template(template) == template


def test_refuses_a_stack_without_an_app() -> None:
    """Only an app synthesises."""
    with pytest.raises(ValueError, match=r"^source must be in an app \(got 'Shop'\): give it an App"):
        normalised_template(cdk.Stack(RootConstruct(), "Shop"))


def test_takes_a_stack_of_a_stage(make: Make) -> None:
    """A stage of a pipeline has an assembly of its own."""
    stage = cdk.Stage(make.app(), "Production")
    stack = cdk.Stack(stage, "Shop")
    make.alarm(stack)
    assert len(normalised_template(stack)["Resources"]) == 1


@pytest.mark.parametrize("source", ["app", "text", "none"])
def test_refuses_what_is_no_stack(make: Make, source: str) -> None:
    """An app is told to pass one of its stacks, anything else what is taken."""
    wrong: Any = {"app": make.app(), "text": "template.json", "none": None}[source]
    message = "pass one of the app's stacks" if source == "app" else "e.g. the stack itself"
    with pytest.raises(ValueError, match=rf"^source must be a Stack, .*{message}\.$"):
        normalised_template(wrong)
