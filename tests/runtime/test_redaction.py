"""No secret-looking value in a log."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.redaction import redacted

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV"

NAMES = (
    *("password", "passwd", "passphrase", "passcode", "pass", "pwd", "secret", "token", "credential"),
    *("authorization", "cookie", "signature"),
    *("api_key", "access-key", "account key", "auth.key", "private_key", "shared_key", "signing_key"),
    *("encryption_key", "storage_key", "ssh_key"),
)
TOKENS = (
    *(f"{name} hunter2" for name in ("bearer", "basic", "negotiate", "digest")),
    *(f"{name}EXAMPLE7EXAMPLE7" for name in ("AKIA", "ASIA", "ABIA", "ACCA")),
    *(f"gh{kind}_hunter2hunter2" for kind in "pousr"),
    *(
        "github_pat_hunter2hunter2",
        "glpat-hunter2hunter2",
        "sk_live_hunter2hunter2",
        "rk_live_hunter2hunter2",
    ),
    *(f"xox{kind}-hunter2hunter2" for kind in "abeprs"),
    *(JWT, f"key={SECRET}", "https://user:hunter2@host", "-----BEGIN PRIVATE KEY----- MIIE"),
)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("user AKIAIOSFODNN7EXAMPLE failed", "user *** failed"),
        ("ASIAIOSFODNN7EXAMPLE", "***"),
        ("sent Bearer abc.def.ghi123 to it", "sent Bearer *** to it"),
        ("basic dXNlcjpwYXNz", "basic ***"),
        ("Authorization: Bearer abc.def.ghi123", "Authorization: *** ***"),
        ("password=hunter2 and more", "password=*** and more"),
        ("PGPASSWORD=x psql", "PGPASSWORD=*** psql"),
        ("db_password: 'two words', y", "db_password: ***', y"),
        ("user:password=x", "user:password=***"),
        ('{"password": "hunter2", "a": 1}', '{"password": ***", "a": 1}'),
        ('{\\"password\\": \\"hun ter2\\", \\"a\\": 1}', '{\\"password\\": ***", \\"a\\": 1}'),
        ('"SecretString": "two words" c', '"SecretString": ***" c'),
        ("client_secret=a,b d", "client_secret=*** d"),
        ("https://example.com/?token=abc&b=2", "https://example.com/?token=***&b=2"),
        ("x-api-key: 1234", "x-api-key: ***"),
        ("AccountKey=abc==;Suffix=x", "AccountKey=***;Suffix=x"),
        ("Cookie: session=abc; path=/", "Cookie: ***; path=/"),
        ("postgres://user:p4ss@host/db", "postgres://user:***@host/db"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "***"),
        ("a -----BEGIN PRIVATE KEY----- MIIE cut off", "a ***"),
        (f"aws_secret_access_key = {SECRET}", "aws_secret_access_key = ***"),
        (f"the key: {SECRET}", "the key: ***"),
        (f'{{"signing_key_2": "{SECRET}"}}', '{"signing_key_2": ***"}'),
        (f"got {JWT} from it", "got *** from it"),
        ("ghp_abcdefghij0123456789 and xoxb-1234567890-abc", "*** and ***"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, safe: str) -> None:
    """Keys, tokens, passwords, private keys: whatever the form, the value is gone and its name stays."""
    assert redacted(text) == safe


@pytest.mark.parametrize(
    "text",
    [
        "Critical|alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:api-token",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
        "arn:aws:ssm-incidents::123456789012:incident-record/checkout/6ac8b1d2-7f1f-4ee1-9f0a-3f5c0b2f6a11",
        "Threshold Crossed: 1 datapoint [3.0 (23/11/26 12:00:00)] was greater than the threshold (1.0).",
        "key=alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:A1b",
        "the password is old and the tokens are few; bypass: yes",
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/a@b",
    ],
)
def test_what_operators_look_for_stays(text: str) -> None:
    """A log without keys, ARNs and reasons is no log."""
    assert redacted(text) == text


def test_a_long_text_is_cut() -> None:
    """No line of the log needs more than 2,048 characters of one field."""
    assert redacted("x" * 2_048) == "x" * 2_048
    assert redacted("x" * 2_049) == "x" * 2_047 + "…"


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_secret_is_hidden_whatever_stands_around_it(before: str, after: str) -> None:
    """Other people's text neither breaks a pattern nor opens a way around it."""
    assert "hunter2" not in redacted(f"{before} password=hunter2 {after}")


@pytest.mark.parametrize("secret", [*TOKENS, *(f"{name}=hunter2" for name in NAMES)])
def test_every_secret_is_looked_for(secret: str) -> None:
    """The words that a pattern is tried for are in whatever it finds, in letters of any kind."""
    assert "***" in redacted(secret)
    if "=hunter2" in secret:
        assert "***" in redacted(secret.upper())
        assert "***" in redacted(secret.replace("s", "\u017f").replace("k", "\u212a"))


@pytest.mark.parametrize(
    "evil",
    [
        "password",
        "key",
        "key=A1",
        "://:",
        "eyJ",
        "\\",
        "password=\\\\",
        "bearer ",
        ".-",
        "aA1key=",
        "-----BEGIN ",
    ],
)
def test_no_text_takes_long(evil: str) -> None:
    """Texts made to make a pattern search for ever are read in milliseconds."""
    begun = time.perf_counter()
    redacted(evil * (100_000 // len(evil)))
    assert time.perf_counter() - begun < 0.5
