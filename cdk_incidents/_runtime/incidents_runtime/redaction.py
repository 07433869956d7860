"""Redaction: what looks like a secret is not written to a log.

Events are other people's text. A pattern cannot know a secret, only what secrets usually look like; so no
event is logged as a whole either.
"""

from __future__ import annotations

import re

from incidents_runtime.text import ELLIPSIS

_HIDDEN = "***"
# No line of ours needs more, and no pattern gets more to read.
_LONGEST = 2_048

_NAME = (
    r"(?:pass(?:word|wd|phrase|code)|\bpass|pwd|secret|token|credential|authorization|cookie|signature"
    r"|(?:api|access|account|auth|private|shared|signing|encryption|storage|ssh)[_ .-]?key)"
    r"(?:[_-]?(?:string|value|text|hash|\d{1,3}))?s?"
)
# Within a string of JSON, and within one of its strings, quotes stand behind backslashes.
_QUOTE = r"(?:\\{0,4}[\"'])"
_VALUE = r"(?:\\{0,4}\"[^\"]{1,2048}|'[^']{1,2048}|[^\s\"'\\;&]{1,2048})"
# Of each: words one of which, in small letters, is in whatever the pattern finds; the pattern; what is left.
_PATTERNS = (
    # A private key, up to its end or the text's.
    (
        ("-----begin",),
        r"(?s)-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END[A-Z -]{0,60}|\Z)",
        _HIDDEN,
    ),
    (
        ("bearer", "basic", "negotiate", "digest"),
        r"(?i)\b(bearer|basic|negotiate|digest)\s+[a-z0-9._~+/=-]{6,2048}",
        rf"\1 {_HIDDEN}",
    ),
    # name=value, name: value, "name": "value". Not the ":secret:name" of an ARN.
    (
        ("pass", "pwd", "secret", "token", "credential", "authorization", "cookie", "signature", "key"),
        (rf"(?i)({_NAME}{_QUOTE}?\s{{0,8}}=>?\s{{0,8}}|(?<!:){_NAME}{_QUOTE}?\s{{0,8}}:\s{{0,8}}){_VALUE}"),
        rf"\1{_HIDDEN}",
    ),
    # The password in an address.
    (("://",), r"(://[^\s/:@]{0,256}:)[^\s/@]{1,1024}(?=@)", rf"\1{_HIDDEN}"),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    (("akia", "asia", "abia", "acca"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", _HIDDEN),
    # JSON Web Tokens, and the tokens that GitHub, GitLab, Slack and Stripe mark as theirs.
    (("eyj",), r"\beyJ[\w-]{8,2048}\.[\w-]{4,2048}(?:\.[\w-]{0,2048})?", _HIDDEN),
    (
        ("gh", "github_pat_", "glpat-", "xox", "k_live_"),
        r"\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|[rs]k_live_)[\w-]{10,256}",
        _HIDDEN,
    ),
    # Whatever is called a key and looks like chance: long, with digits and letters of both cases.
    (
        ("key",),
        (
            r"(?i:\b([\w.-]{0,40}key(?:\\{0,4}[\"'])?\s{0,8}[=:]\s{0,8}\\{0,4}[\"']?))"
            r"(?=[\w+/=-]{0,2048}\d)(?=[\w+/=-]{0,2048}[a-z])(?=[\w+/=-]{0,2048}[A-Z])[\w+/=-]{20,2048}(?![\w:.])"
        ),
        rf"\1{_HIDDEN}",
    ),
)


def redacted(text: str) -> str:
    """Hide what looks like a secret.

    Parameters
    ----------
    text
        Any text; beyond 2,048 characters it ends in an ellipsis.

    Returns
    -------
    str
        The text with three asterisks in the place of access keys, bearer and basic tokens, private keys,
        passwords in addresses, and the values of whatever is called a password, a secret, a token or a key.
    """
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + ELLIPSIS
    # To look for a word is quick, and few texts have one. Beyond ASCII there are other letters that match.
    small = text.lower() if text.isascii() else None
    for words, pattern, replacement in _PATTERNS:
        if small is None or any(word in small for word in words):
            text = re.sub(pattern, replacement, text)
    return text
