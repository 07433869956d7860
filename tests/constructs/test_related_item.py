"""RelatedItem: links as the function is told them, and the templates in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from incidents_runtime import templates
from incidents_runtime.settings import routes_in

from cdk_incidents import IncidentTrigger, RelatedItem
from cdk_incidents._templates import FIELDS, check_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make

CONSOLE = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"


def told(make: Make, *items: RelatedItem, stack: cdk.Stack | None = None) -> list[dict[str, str]]:
    """Return the items of a route in eu-west-1 as the function reads them."""
    stack = stack or make.stack(env=make.env)
    trigger = IncidentTrigger(stack, "Trigger")
    trigger.add_route("Critical", response_plan=make.plan(stack), related_items=items)
    code = make.synth(stack).properties("AWS::Lambda::Function")["Code"]["ZipFile"]
    text = code if isinstance(code, str) else "".join(map(_shown, code["Fn::Join"][1]))
    return [dict(item) for item in routes_in(text.splitlines())["Critical"].related_items]


def _shown(part: Any) -> str:
    match part:
        case str():
            return part
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(separator), {"Fn::Split": [str(split), name]}]}:
            return f"<{_shown(name)} with {separator} for {split}>"
        case _:
            raise AssertionError(part)


def test_pages_and_resources_reach_the_function(make: Make) -> None:
    """Titles, URLs and ARNs come as they were given, templates unfilled, in the order of the list."""
    stack = make.stack(env=make.env)
    queue = sqs.Queue(stack, "Orders")
    items = [
        RelatedItem.url("Runbook of {title}", "https://example.com/{detail.service.name}?at={time}#top"),
        RelatedItem.arn("Involved", "{resources.0}"),
        RelatedItem.arn("Queue", "arn:aws:sqs:eu-west-1:111122223333:orders"),
        RelatedItem.arn("Orders", queue.queue_arn),
    ]
    assert told(make, *items, stack=stack) == [
        {"title": "Runbook of {title}", "url": "https://example.com/{detail.service.name}?at={time}#top"},
        {"title": "Involved", "arn": "{resources.0}"},
        {"title": "Queue", "arn": "arn:aws:sqs:eu-west-1:111122223333:orders"},
        {"title": "Orders", "arn": f"<{_logical_id(stack, queue)}.Arn>"},
    ]


def _logical_id(stack: cdk.Stack, construct: Any) -> str:
    (logical_id, _) = stack.resolve(construct.queue_arn)["Fn::GetAtt"]
    return str(logical_id)


def test_dashboards(make: Make) -> None:
    """A dashboard is a page of the console in its own Region; one without a name is known by reference."""
    app = make.app()
    stack, other = cdk.Stack(app, "Central", env=make.env), cdk.Stack(app, "Team", env=make.env)
    unnamed = cloudwatch.Dashboard(stack, "Unnamed")
    named = cloudwatch.Dashboard(other, "Named", dashboard_name="shop")
    items = [RelatedItem.dashboard(unnamed), RelatedItem.dashboard(named, title="The shop")]
    place = f"{CONSOLE}#dashboards/dashboard/"
    reference = stack.resolve(unnamed.dashboard_name)["Ref"]
    assert told(make, *items, stack=stack) == [
        {"title": "Dashboard", "url": f"{place}<{reference}>"},
        {"title": "The shop", "url": f"{place}shop"},
    ]
    assert make.synth(other).exports() == []


def read_query(url: str) -> dict[str, str]:
    """Read the address of a query as the console does."""
    place, _, detail = url.partition("#logsV2:logs-insights$3FqueryDetail$3D")
    structure = unquote(unquote(detail.replace("$", "%")))
    found = re.fullmatch(
        r"~\(end~0~start~-10800~timeType~'RELATIVE~unit~'seconds~editorString~'([^'~()]*)~source~\((.*)\)\)",
        structure,
    )
    assert found is not None, structure
    groups = [unquote(group.replace("*", "%")) for group in found[2].split("~'")[1:]]
    return {"place": place, "query": unquote(found[1].replace("*", "%")), "groups": ",".join(groups)}


def test_log_queries(make: Make) -> None:
    """A query opens in the console with its text and its log groups, whatever signs they are made of."""
    query = "fields @timestamp, @message\n| filter @message like /Ünit (~{title}~) 'x*' $5 100%/"
    item = RelatedItem.log_query("Errors", log_groups=["/aws/lambda/orders", "shop.log_1#2"], query=query)
    ((title, url),) = [(each["title"], each["url"]) for each in told(make, item)]
    assert title == "Errors"
    assert read_query(url) == {"place": CONSOLE, "query": query, "groups": "/aws/lambda/orders,shop.log_1#2"}
    # Nothing of it is a field of the template that every URL is.
    assert "{" not in url
    assert re.fullmatch(r"[\w:/.?=#$*-]+", url, re.ASCII)


def test_log_groups_of_the_app(make: Make) -> None:
    """The name of a log group that CloudFormation makes is written as the console wants it, by itself."""
    stack = make.stack()
    group = logs.LogGroup(stack, "Orders")
    item = RelatedItem.log_query("Errors", log_groups=[group], query="limit 5")
    ((_, url),) = [(each["title"], each["url"]) for each in told(make, item, stack=stack)]
    name = stack.resolve(group.log_group_name)["Ref"]
    assert f"source$257E$2528$257E$2527<<{name}> with *2F for />$2529$2529" in url
    assert url.startswith(
        "https://<AWS::Region>.console.aws.amazon.com/cloudwatch/home?region=<AWS::Region>#"
    )


def test_log_groups_of_another_stack(make: Make) -> None:
    """A log group that has a name is named by it, and nothing is exported."""
    app = make.app()
    stack, team = cdk.Stack(app, "Central", env=make.env), cdk.Stack(app, "Team", env=make.env)
    groups = [
        logs.LogGroup(team, "Orders", log_group_name="/shop/orders"),
        logs.LogGroup.from_log_group_name(team, "Theirs", "/shop/theirs"),
    ]
    item = RelatedItem.log_query("Errors", log_groups=groups, query="limit 5")
    ((_, url),) = [(each["title"], each["url"]) for each in told(make, item, stack=stack)]
    assert read_query(url)["groups"] == "/shop/orders,/shop/theirs"
    assert make.synth(team).exports() == []


REFUSED: dict[str, tuple[Callable[[Make], object], str]] = {
    "no-title": (
        lambda _: RelatedItem.url("", "https://example.com"),
        r"related_items: the title must be 1 to 200 characters long \(got ''\)",
    ),
    "long-title": (
        lambda _: RelatedItem.arn("t" * 201, "{resources.0}"),
        r"related_items: the title must be 1 to 200 characters long \(got 't+…\)",
    ),
    "title-of-a-number": (
        lambda _: RelatedItem.url(7, "https://example.com"),  # type: ignore[arg-type]
        r"related_items: the title must be a text \(got 7\)",
    ),
    "title-of-cloudformation": (
        lambda _: RelatedItem.url(cdk.Fn.ref("Title"), "https://example.com"),
        r"related_items: the title must be known at synth \(got .*\): write it out\.",
    ),
    "field-in-the-title": (
        lambda _: RelatedItem.url("{alarm}", "https://example.com"),
        r"related_items: the title must be text with none but these .* there is no \{alarm\} in a signal\.$",
    ),
    "field-in-the-url": (
        lambda _: RelatedItem.url("Page", "https://example.com/{alarm}"),
        r"url must be text with none but these .* there is no \{alarm\} in a signal\. Braces of ",
    ),
    "field-in-the-arn": (
        lambda _: RelatedItem.arn("Resource", "{alarm}"),
        r"arn must be text with none but these .* there is no \{alarm\} in a signal\.$",
    ),
    "script": (
        lambda _: RelatedItem.url("Page", "javascript:alert(1)"),
        r"url must be like https://example\.com/runbook \(got 'javascript:alert\(1\)'\): write it out",
    ),
    "space": (lambda _: RelatedItem.url("Page", "https://example.com/a b"), r"url must be like https://exam"),
    "long-url": (
        lambda _: RelatedItem.url("Page", "https://" + "e" * 993),
        r"url must be 1 to 1000 characters long \(got 'https://e+…\): it has 1001; shorten it\.",
    ),
    "no-url": (lambda _: RelatedItem.url("Page", None), r"url must be a text \(got None\)"),  # type: ignore[arg-type]
    "no-arn": (
        lambda _: RelatedItem.arn("Page", "orders"),
        r"arn must be an ARN \(got 'orders'\): e\.g\. arn:",
    ),
    "arn-of-a-number": (lambda _: RelatedItem.arn("Page", 7), r"arn must be a text \(got 7\)"),  # type: ignore[arg-type]
    "long-arn": (
        lambda _: RelatedItem.arn("Page", "arn:aws:sqs:::" + "q" * 987),
        r"arn must be 1 to 1000 characters long",
    ),
    "no-dashboard": (
        lambda _: RelatedItem.dashboard("shop"),  # type: ignore[arg-type]
        r"dashboard must be a dashboard \(got 'shop'\): for one that exists, take RelatedItem\.url",
    ),
    "l1-dashboard": (
        lambda make: RelatedItem.dashboard(
            cloudwatch.CfnDashboard(make.stack(), "Shop", dashboard_body="{}")  # type: ignore[arg-type]
        ),
        r"dashboard must be a dashboard \(got <aws_cdk.*\): for one that exists, take RelatedItem\.url",
    ),
    "dashboard-without-name": (
        lambda make: told(make, RelatedItem.dashboard(cloudwatch.Dashboard(make.stack("Other"), "Shop"))),
        r"related_items must be named, since its stack is another than the trigger's \(got 'Other/",
    ),
    "no-log-groups": (
        lambda _: RelatedItem.log_query("Errors", log_groups=[], query="limit 5"),
        r"log_groups must be one log group at least \(got \[\]\): name where to look\.",
    ),
    "single-log-group": (
        lambda _: RelatedItem.log_query("Errors", log_groups="orders", query="limit 5"),
        r"log_groups must be a list of log groups or their names \(got 'orders'\): put it into brackets\.",
    ),
    "no-log-group": (
        lambda _: RelatedItem.log_query("Errors", log_groups=[7], query="limit 5"),  # type: ignore[list-item]
        r"log_groups must be log groups or their names \(got 7\): pass one of these\.",
    ),
    "l1-log-group": (
        lambda make: RelatedItem.log_query(
            "Errors",
            log_groups=[logs.CfnLogGroup(make.stack(), "L")],  # type: ignore[list-item]
            query="limit 5",
        ),
        r"log_groups must be log groups or their names \(got <aws_cdk.*\): pass one of these\.",
    ),
    "log-group-without-name": (
        lambda make: told(
            make,
            RelatedItem.log_query(
                "Errors", log_groups=[logs.LogGroup(make.stack("Other"), "Orders")], query="limit 5"
            ),
        ),
        r"log_groups: each must be named, since its stack is another than the trigger's \(got 'Other/Order",
    ),
    "no-name-of-a-log-group": (
        lambda _: RelatedItem.log_query("Errors", log_groups=["my orders"], query="limit 5"),
        r"log_groups: a name must be 1 to 512 letters, digits and _ - / \. # \(got 'my orders'\): check it\.",
    ),
    "51-log-groups": (
        lambda _: RelatedItem.log_query("Errors", log_groups=["l"] * 51, query="limit 5"),
        r"log_groups must be at most 50 items \(got '51 items'\)",
    ),
    "no-query": (
        lambda _: RelatedItem.log_query("Errors", log_groups=["l"], query=""),
        r"query must be 1 to 1000 characters long \(got ''\)",
    ),
    "query-of-a-number": (
        lambda _: RelatedItem.log_query("Errors", log_groups=["l"], query=7),  # type: ignore[arg-type]
        r"query must be a text \(got 7\)",
    ),
    "query-of-cloudformation": (
        lambda _: RelatedItem.log_query("Errors", log_groups=["l"], query=cdk.Fn.ref("Query")),
        r"query must be known at synth \(got .*\): write it out\.",
    ),
    "long-query": (
        lambda make: told(make, RelatedItem.log_query("Errors", log_groups=["l"], query="(" * 300)),
        r"related_items: the link must be 1 to 1000 characters long \(got 'https://.*…\): it has 1\d\d\d",
    ),
    "no-item": (
        lambda make: told(make, "https://example.com"),  # type: ignore[arg-type]
        r"related_items must be a list of RelatedItem \(got .*\): it holds a str\.",
    ),
    "21-items": (
        lambda make: told(make, *[RelatedItem.url("Page", "https://example.com")] * 21),
        r"related_items must be at most 20 items \(got '21 items'\): the signal's own need room\.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_would_be_no_link(make: Make, case: str) -> None:
    """The runtime leaves out what the service would refuse, so synth refuses it."""
    act, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{message}"):
        act(make)


@pytest.mark.parametrize(
    "item",
    [
        RelatedItem.url("t" * 200, "http://" + "e" * 993),
        RelatedItem.arn("Page", "arn:aws:sqs:::" + "q" * 986),
        RelatedItem.arn("Page", "arn:aws:sqs:::{detail.queue}"),
        RelatedItem.url("Page", "https://${AWS::Region}.example.com/{never"),
        RelatedItem.log_query("Errors", log_groups=["l"] * 50, query="limit 5"),
    ],
    ids=range(5),
)
def test_takes_what_is_within_the_rules(make: Make, item: RelatedItem) -> None:
    """The last value within each rule is taken, and 20 of them."""
    assert len(told(make, *[item] * 20)) == 20


@pytest.mark.parametrize("text", ["url", "arn"])
def test_takes_what_cloudformation_knows(text: str) -> None:
    """A resource's address may come with the deployment."""
    token = cdk.Fn.get_att("Orders", "Address").to_string()
    assert getattr(RelatedItem, text)("Orders", token).target == token


def test_templates_are_the_runtimes() -> None:
    """What synth takes the function fills in, and what looks like a field to it synth has checked."""
    assert FIELDS == templates.FIELDS


@pytest.mark.parametrize(
    "field", [*FIELDS, "id", "version", "detail-type", "detail.a", "detail.a.b:c/d-e.0", "resources.0"]
)
def test_takes_fields_that_signals_have(field: str) -> None:
    """Fields of any signal, and paths into an event, are taken; the runtime reads them as such."""
    check_template("title", f"a {{{field}}} b")
    assert templates.PLACEHOLDER.findall(f"a {{{field}}} b") == [field]


@pytest.mark.parametrize(
    "field", ["", "alarm", "detail", "resources", "Title", "detail.", ".detail", "a.b", "alarmData.a:b", "0"]
)
def test_refuses_fields_that_no_signal_has(field: str) -> None:
    """A slip would be filled with nothing in the night, so it is refused."""
    with pytest.raises(ValueError, match=rf"there is no \{{{re.escape(field)}\}} in a signal\."):
        check_template("title", f"a {{{field}}} b")


@pytest.mark.parametrize("text", ["{", "}{", "{a b}", "{orders failed", "${AWS::Region}", '{"a": 1}', "{ä}"])
def test_other_braces_are_text(text: str) -> None:
    """What the runtime leaves as it is is no field."""
    check_template("title", text)
    assert templates.PLACEHOLDER.findall(text) == []
