"""Where the rules are held: a loopback AWS of the suite's own, or with --aws-account a real account.

`make verify-aws ACCOUNT=111122223333` runs the suite against an account: docs/verify-aws.md.
"""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from cdk_incidents.local import Assumptions, LocalCloud
from cdk_incidents.local.assumptions import alternatives
from cdk_incidents.local.interrupts import start_unwinding, stop_unwinding

from .account import Aws
from .admission import RefusedError, admit, whose_leftovers
from .pace import WRITES_PER_SECOND, Pace
from .sweep import Sweep
from .verification import Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME, SECOND = "us-east-1", "eu-west-1"
# A field that takes a number has no list of alternatives.
_OTHERS: dict[str, tuple[Any, ...]] = {**alternatives(), "client_token_window_s": (None, 60.0)}
_ACCOUNTS = itertools.count(1)
_VERIFICATION = pytest.StashKey[Verification]()
_REFUSED = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the account; without these options the suite has a loopback AWS of its own."""
    group = parser.getgroup("verify-aws")
    group.addoption("--aws-account", help="the id of the account to hold the rules against")
    group.addoption(
        "--aws-region", default="", help="a Region of its replication set; by default the profile's"
    )
    group.addoption(
        "--aws-writes-per-second",
        type=float,
        default=WRITES_PER_SECOND,
        help="how many calls of one writing operation; 0 is as fast as they come",
    )
    group.addoption(
        "--aws-clean", default="", help="remove what a run left that was killed: its name, or 1 for all runs"
    )


def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Refuse an account that is not the one that was meant; or clean it and do nothing else."""
    account = config.getoption("aws_account", None)
    if account is None:
        return None
    clean = config.getoption("aws_clean")
    try:
        whose = whose_leftovers(clean)
        session = boto3.Session()
        regions = admit(session, account, config.getoption("aws_region"))
    except (RefusedError, BotoCoreError) as refused:
        sys.stderr.write(f"verify-aws: {refused}\n")
        return _REFUSED
    pace = Pace(config.getoption("aws_writes_per_second"))
    aws = Aws(session, account=account, regions=regions, pace=pace)
    if clean:
        removed, left = Sweep(aws.unguarded, regions, whose, patient=True).run()
        told = [f"  {arn}: {why}" for arn, why in left.items()]
        told.insert(0, f"verify-aws: {removed} things were removed; what is left: {len(left) or 'nothing'}")
        sys.stdout.write("\n".join(told) + "\n")
        return 1 if left else 0
    run = config.stash[_VERIFICATION] = Verification(
        aws, Sweep(aws.unguarded, regions, aws.run, patient=bool(pace.writes_per_second))
    )
    config.pluginmanager.register(run)
    sys.stdout.write(f"verify-aws: account {account}, {regions[0]}: all that is made is {aws.run}-…\n")
    if start_unwinding():
        config.add_cleanup(stop_unwinding)
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Hold the loopback AWS to what it is told to assume: to the default and to each alternative."""
    mark = next(metafunc.definition.iter_markers("unsettled"), None)
    if mark and _VERIFICATION not in metafunc.config.stash and "here" not in mark.kwargs:
        values = [(mark.args[0], value) for value in _OTHERS[mark.args[0]]]
        metafunc.parametrize("assumed", values, indirect=True, ids=[str(value) for _, value in values])


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Compare what an unsettled rule's test returns; in an account, take note of it."""
    mark = pyfuncitem.get_closest_marker("unsettled")
    if mark is None:
        return None
    asked = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    run = pyfuncitem.config.stash.get(_VERIFICATION, None)
    if run is None:
        seen = pyfuncitem.obj(**asked)
        assert seen == mark.kwargs.get("here", pyfuncitem.funcargs["assumed"])
        return True
    try:
        run.observe(mark, pyfuncitem.obj(**asked))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the account does
        run.observe(mark, f"not seen: {error}")
    return True


@pytest.fixture(scope="session")
def cloud(pytestconfig: pytest.Config) -> Iterator[LocalCloud]:
    """Give the suite's loopback AWS, whose account has two Regions; who needs it is `loopback_only`."""
    assert _VERIFICATION not in pytestconfig.stash, "what needs a LocalCloud is loopback_only"
    with LocalCloud(region=HOME) as cloud:
        incidents = cloud.client("ssm-incidents")
        (arn,) = incidents.list_replication_sets()["replicationSetArns"]
        incidents.update_replication_set(arn=arn, actions=[{"addRegionAction": {"regionName": SECOND}}])
        yield cloud


@pytest.fixture(scope="session")
def aws(request: pytest.FixtureRequest) -> Iterator[Aws]:
    """Give the account."""
    run = request.config.stash.get(_VERIFICATION, None)
    if run:
        yield run.aws
        return
    cloud = request.getfixturevalue("cloud")
    aws = in_cloud(cloud, "test", "000000000000", [HOME, SECOND])
    yield aws
    aws.close()


def in_cloud(cloud: LocalCloud, key: str, account: str, regions: list[str]) -> Aws:
    """Give an account of a loopback AWS."""
    session = boto3.Session(aws_access_key_id=key, aws_secret_access_key="test")
    return Aws(
        session, account=account, regions=regions, pace=Pace(0), endpoint_url=cloud.endpoint_url, attempts=1
    )


@pytest.fixture
def elsewhere(cloud: LocalCloud) -> Iterator[Aws]:
    """Give another account, whose replication set is nobody else's: its key is its id."""
    number = f"{next(_ACCOUNTS):012d}"
    aws = in_cloud(cloud, number, number, [HOME])
    yield aws
    aws.close()


@pytest.fixture(autouse=True)
def assumed(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Let the loopback AWS be so for one test that is about it."""
    param: tuple[str, Any] = getattr(request, "param", ("", None))
    name, value = param
    if not name:
        yield None
        return
    cloud: LocalCloud = request.getfixturevalue("cloud")
    fields: dict[str, Any] = {name: value}
    cloud.assume(Assumptions(**fields))
    yield value
    cloud.assume(Assumptions())


@pytest.fixture
def codes(cloud: LocalCloud) -> Callable[[], dict[str, str]]:
    """Give what tells the activation codes that were sent, by channel."""
    return lambda: dict(cloud._server.control("GET", "codes")["codes"])
