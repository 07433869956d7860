"""What several tests of the runtime share."""

from __future__ import annotations

import pytest
from incidents_runtime.smoke_test import clock, handler
from incidents_runtime.smoke_test.clients import Clients

from tests.runtime.smoke_account import Account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account that behaves, with a clock that costs nothing."""
    account = Account()
    monkeypatch.setattr(Clients, "default", classmethod(lambda *_: account.clients))
    monkeypatch.setattr(handler, "load", lambda _: account.settings)
    monkeypatch.setattr(clock, "monotonic", account.monotonic)
    monkeypatch.setattr(clock, "sleep", account.sleep)
    monkeypatch.setattr(clock, "now", account.wall)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return account
