"""Related items: what a responder should have at hand, beside what the signal itself brings."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from aws_cdk import Fn, Stack

from cdk_incidents._arn import same_deployment
from cdk_incidents._checks import (
    check_count,
    check_length,
    check_list,
    check_pattern,
    check_text,
    is_token,
    refusal,
)
from cdk_incidents._templates import check_template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_logs as logs
    from constructs import IConstruct

    # CDK's classes beside its interfaces: pyright does not take one for the other.
    Dashboard: TypeAlias = cloudwatch.Dashboard
    LogGroup: TypeAlias = logs.ILogGroup | logs.LogGroup | str

_MOST_LOG_GROUPS = 50
_LONGEST = 1000
_NAME = r"[a-zA-Z0-9_/.#-]{1,512}"
_NAME_RULE = "1 to 512 letters, digits and _ - / . #"
_ARN = re.compile(r"arn:aws(-cn|-us-gov)?:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12})?:\S+")


@dataclasses.dataclass(frozen=True)
class _LogQuery:
    log_groups: tuple[LogGroup, ...]
    query: str


@dataclasses.dataclass(frozen=True)
class RelatedItem:
    """A link on each incident of a route; made by one of its factories.

    Titles and URLs are templates: ``{title}``, ``{reason}``, ``{source}``, ``{account}``, ``{region}``,
    ``{time}`` and ``{key}`` of the signal, or a path into its event such as ``{detail.service.name}``. In a
    URL what they stand for is percent-encoded.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_RelatedItem.html
    """

    title: str
    """What a responder reads."""
    target: str | Dashboard | _LogQuery
    """Where it leads."""
    is_arn: bool = False
    """Whether `target` is a resource, and no page."""

    def __post_init__(self) -> None:
        check_text("related_items: the title", self.title)
        if is_token(self.title):
            raise refusal("related_items: the title", "known at synth", self.title, "write it out.")
        check_length("related_items: the title", self.title, maximum=200)
        check_template("related_items: the title", self.title)

    @classmethod
    def url(cls, title: str, url: str) -> RelatedItem:
        """Return a link to any page, such as a runbook.

        Parameters
        ----------
        title
            What a responder reads; 1 to 200 characters.
        url
            ``https://…``, up to 1,000 characters; filled in, too: what is longer is left out.

        Raises
        ------
        ValueError
            If an argument breaks one of these rules, or names a field that no signal has.
        """
        check_text("url", url)
        check_length("url", url, maximum=_LONGEST)
        if not is_token(url):
            if not re.fullmatch(r"https?://\S+", url):
                raise refusal("url", "like https://example.com/runbook", url, "write it out, without spaces.")
            check_template("url", url, remedy=" Braces of its own are %7B and %7D.")
        return cls(title, url)

    @classmethod
    def arn(cls, title: str, arn: str) -> RelatedItem:
        """Return a link to a resource, such as the table that orders are in.

        Parameters
        ----------
        title
            What a responder reads; 1 to 200 characters.
        arn
            Its ARN, up to 1,000 characters; or a template, such as ``{resources.0}``.

        Raises
        ------
        ValueError
            If an argument breaks one of these rules, or names a field that no signal has.
        """
        check_text("arn", arn)
        check_length("arn", arn, maximum=_LONGEST)
        if not is_token(arn):
            check_template("arn", arn)
            if "{" not in arn and not _ARN.fullmatch(arn):
                raise refusal("arn", "an ARN", arn, "e.g. arn:aws:sqs:eu-west-1:111122223333:orders.")
        return cls(title, arn, is_arn=True)

    @classmethod
    def dashboard(cls, dashboard: Dashboard, *, title: str | None = None) -> RelatedItem:
        """Return a link to a dashboard of CloudWatch.

        Parameters
        ----------
        dashboard
            The dashboard; one of another stack than the trigger's must have a name.
        title
            What a responder reads; 1 to 200 characters. By default ``Dashboard``.

        Raises
        ------
        ValueError
            If it is no dashboard, or the title is none.
        """
        # Not by its name, which CDK's L1 has as well, or has not.
        if not hasattr(dashboard, "dashboard_arn"):
            raise refusal(
                "dashboard", "a dashboard", dashboard, "for one that exists, take RelatedItem.url(…)."
            )
        return cls("Dashboard" if title is None else title, dashboard)

    @classmethod
    def log_query(cls, title: str, *, log_groups: Sequence[LogGroup], query: str) -> RelatedItem:
        """Return a link that opens a query of CloudWatch Logs Insights over the last three hours.

        Parameters
        ----------
        title
            What a responder reads; 1 to 200 characters.
        log_groups
            1 to 50 log groups of the trigger's account and Region, or their names; one of another stack than
            the trigger's must have a name.
        query
            The query as the console takes it. It is no template.

        Raises
        ------
        ValueError
            If an argument breaks one of these rules, or the link has more than 1,000 characters.

        Notes
        -----
        How the console writes such a link is documented nowhere; it has been stable for years.
        """
        check_list("log_groups", log_groups, object, "log groups or their names")
        if not log_groups:
            raise refusal("log_groups", "one log group at least", log_groups, "name where to look.")
        check_count("log_groups", log_groups, maximum=_MOST_LOG_GROUPS, remedy="Logs Insights takes no more.")
        for group in log_groups:
            if isinstance(group, str):
                check_pattern("log_groups: a name", group, pattern=_NAME, rule=_NAME_RULE, remedy="check it.")
            elif not hasattr(group, "log_group_arn"):
                raise refusal("log_groups", "log groups or their names", group, "pass one of these.")
        check_text("query", query)
        check_length("query", query, maximum=_LONGEST)
        if is_token(query):
            raise refusal("query", "known at synth", query, "write it out.")
        return cls(title, _LogQuery(tuple(log_groups), query))


def rendered(item: RelatedItem, user: IConstruct) -> dict[str, str]:
    """Return an item as the function is told it."""
    match item.target:
        case str():
            return {"title": item.title, "arn" if item.is_arn else "url": item.target}
        case _LogQuery():
            return {"title": item.title, "url": _url_of_query(item.target, user)}
        case dashboard:
            return {"title": item.title, "url": _url_of_dashboard(dashboard, user)}


def _url_of_dashboard(dashboard: Dashboard, user: IConstruct) -> str:
    from aws_cdk import aws_cloudwatch as cloudwatch  # noqa: PLC0415 - most items are links

    resource = dashboard.node.default_child
    name = dashboard.dashboard_name
    if isinstance(resource, cloudwatch.CfnDashboard):
        # A text where there is one: no export to another stack, and a changed one makes a version.
        known = Stack.of(dashboard).resolve(resource.dashboard_name)
        if isinstance(known, str):
            name = known
        elif not same_deployment(dashboard, user):
            rule = "named, since its stack is another than the trigger's"
            raise refusal("related_items", rule, dashboard.node.path, "pass dashboard_name= there.")
    region = Stack.of(dashboard).region
    return f"{_console(region)}#dashboards/dashboard/{name}"


def _url_of_query(query: _LogQuery, user: IConstruct) -> str:
    groups = "".join(f"~'{_group_in_url(group, user)}" for group in query.log_groups)
    text = _in_url(query.query)
    detail = f"~(end~0~start~-10800~timeType~'RELATIVE~unit~'seconds~editorString~'{text}~source~({groups}))"
    # The console's own way: the structure is percent-encoded twice, with a dollar sign for the percent sign.
    for character, encoded in (("~", "$257E"), ("(", "$2528"), (")", "$2529"), ("'", "$2527")):
        detail = detail.replace(character, encoded)
    url = f"{_console(Stack.of(user).region)}#logsV2:logs-insights$3FqueryDetail$3D{detail}"
    # What CloudFormation fills in is as short as a Region's name, or a log group's as it makes them.
    check_length(
        "related_items: the link", re.sub(r"\$\{Token\[.*?]}", "eu-central-1", url), maximum=_LONGEST
    )
    return url


def _group_in_url(group: LogGroup, user: IConstruct) -> str:
    name = group if isinstance(group, str) else _name_of(group, user)
    return Fn.join("*2F", Fn.split("/", name)) if is_token(name) else _in_url(name)


def _name_of(group: logs.ILogGroup | logs.LogGroup, user: IConstruct) -> str:
    from aws_cdk import aws_logs as logs  # noqa: PLC0415 - the same

    resource = group.node.default_child
    if isinstance(resource, logs.CfnLogGroup):
        known = Stack.of(group).resolve(resource.log_group_name)
        if isinstance(known, str):
            return known
    name = group.log_group_name
    if is_token(name) and not same_deployment(group, user):
        rule = "named, since its stack is another than the trigger's"
        raise refusal("log_groups: each", rule, group.node.path, "or pass its name as a text.")
    return name


def _in_url(value: str) -> str:
    # Letters, digits, hyphen, dot and underscore stand for themselves; the structure's own signs do not.
    return quote(value, safe="").replace("~", "%7E").replace("%", "*")


def _console(region: str) -> str:
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
