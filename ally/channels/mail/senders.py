"""Whether a person or a program seems to have sent a mail, by its headers."""

import re

from ally.channels.mail.top import Top

# Those who write reports on delivery.
DAEMON = re.compile(
    r"(?:mailer[-_.]?daemon|po+st[-_.]?master|mdaemon|mail[-_.]?daemon|mailerdaemon"
    r"|mail[-_.]delivery[-_.](?:sub)?system|microsoftexchange[0-9a-f]+"
    r"|mail[-_.]?deliver(?:y)?|imss|ndr)",
    re.IGNORECASE,
)
DAEMON_NAME = re.compile(
    r"mail(?:er)?[- ]deliver(?:y|er)? (?:sub)?system|mail(?:er)?[- ]?daemon|\bpost ?master\b"
    r"|(?:system|mail) administrator|delivery (?:sub)?system|mail ?server\b|interscan|mdaemon"
    r"|microsoft outlook$|mail delivery service",
    re.IGNORECASE,
)
# Those of them that people never write as.
MAILER = re.compile(
    r"mail(?:er)?[-_.]?daemon|mdaemon|mail[-_.]delivery[-_.](?:sub)?system|microsoftexchange[0-9a-f]+",
    re.IGNORECASE,
)
# Names of gateways and of servers that report under a name of their own.
SERVER = re.compile(
    r"smtp|gateway|anti-?virus|mail[-_. ]?(?:service|system|server|scan|guard)|daemon|^admin$",
    re.IGNORECASE,
)
LIST_MANAGER = re.compile(r".{1,60}-(?:admin|owner|request)|owner-.{1,60}", re.IGNORECASE)
# Those who write on their own, and read nothing (RFC 3834, 2; RFC 2142; the usual list software).
MACHINE = re.compile(
    r"(?:(?:do[-_.]?)?no[-_.]?t?[-_.]?reply(?:[-_.+].*)?|.*[-_.](?:do[-_.]?)?not?[-_.]?reply"
    r"|donotreply.*|listserv|listproc|majordomo|mailman|sympa|bounces?|.*-bounces?|.*[-+]bounces?\+.*"
    r"|bounces?[-+].*|owner-.*|.*-owner|.*-request|.*-admin|.*-relay|request-.*|root|uucp"
    r"|daemon|cron|autoresponder|auto[-_.]?(?:reply|responder|answer|mailer)|mail[-_.]?robot"
    r"|mailbot|notifications?|notify|news-daemon|ftp-daemon|www-data|nobody)",
    re.IGNORECASE,
)


def local_part(address: str) -> str:
    """What stands before the last @; some programs write a name without any."""
    return address.rpartition("@")[0] if "@" in address else address


def is_daemon(top: Top) -> bool:
    """Whether a mail server wrote it, by its From; an empty one is a mail server's too."""
    name, email = top.sender()
    header = top.text("from")
    if not email:
        return bool(top.root.headers("from")) and (
            not header.strip("<> ") or "<>" in header or names_daemon(header)
        )
    local = local_part(email).strip("\"'\\")
    return bool(DAEMON.fullmatch(local)) or names_daemon(name) or names_daemon(local)


def is_mailer(top: Top) -> bool:
    """Whether it is from a mail server beyond doubt: by a name of its own, or by none at all."""
    email = top.sender()[1]
    return is_daemon(top) and (not email or bool(MAILER.fullmatch(local_part(email))))


def sounds_like_server(top: Top) -> bool:
    return bool(SERVER.search(local_part(top.sender()[1])[:100]))


def is_list_manager(top: Top) -> bool:
    return bool(LIST_MANAGER.fullmatch(local_part(top.sender()[1])[:100]))


def names_daemon(name: str) -> bool:
    return bool(DAEMON_NAME.search(name[:200]))


def has_null_path(top: Top) -> bool:
    """Whether nobody is to be told when it is not delivered: <>, or the mail server itself."""
    paths = [path.strip() for path in top.root.headers("return-path")[:5]]
    return any(
        path.strip("<> ") == "" or MAILER.fullmatch(local_part(path.strip("<> ")))
        for path in paths
        if path
    )


def is_machine(address: str) -> bool:
    """Whether nobody reads what is sent to this address."""
    local = local_part(address)[:100].strip("\"'\\")
    return bool(DAEMON.fullmatch(local) or MACHINE.fullmatch(local))
