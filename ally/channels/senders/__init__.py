"""Who sends on which platform."""

from functools import lru_cache

from ally.channels import adapters, credentials
from ally.channels.adapters import Adapter, Nowhere
from ally.channels.credentials import MailCredentials
from ally.channels.models import Channel, Platform
from ally.channels.senders import wire
from ally.channels.senders.intercom import Intercom
from ally.channels.senders.slack import Slack
from ally.channels.senders.zoho_desk import ZohoDesk
from ally.channels.senders.zoho_mail import ZohoMail
from ally.channels.smtp import Smtp
from ally.errors import Invalid

APIS: dict[Platform, adapters.Maker] = {
    Platform.ZOHO_DESK: ZohoDesk.of,
    Platform.ZOHO_MAIL: ZohoMail.of,
    Platform.INTERCOM: Intercom.of,
    Platform.SLACK: Slack.of,
}


def use_all(smtp_url: str, *, in_development: bool) -> None:
    """Say, once at start-up, what sends where.

    Shopify has no API that writes to a customer, so its customers are answered by mail,
    as those of all other platforms are.
    """
    wire.use_loopback(in_development)
    for platform, maker in APIS.items():
        adapters.use(platform, unless_incomplete(maker))
    adapters.use_mail(unless_incomplete(lambda channel: mailer_of(channel, smtp_url)))


def mailer_of(channel: Channel, smtp_url: str) -> Adapter:
    """The channel's own mail server, or else the desk's."""
    own = own_smtp_url(channel)
    if not (own or smtp_url):
        return Nowhere("nothing can be sent on this channel yet", addresses=True)
    try:
        keeps_out = bool(own) and not wire.is_loopback_allowed()
        return smtp_at(own or smtp_url, channel.options.asks_for_reports, keeps_out)
    except ValueError:
        raise Invalid(f"{channel.name}: its mail server's address cannot be read.") from None


@lru_cache(maxsize=64)  # reading all that vouches for certificates takes long
def smtp_at(url: str, asks_for_reports: bool, keeps_out: bool) -> Smtp:
    return Smtp(url, asks_for_reports=asks_for_reports, keeps_out=keeps_out)


def own_smtp_url(channel: Channel) -> str:
    kind = credentials.KINDS[channel.platform]
    if channel.credentials_sealed is None or not issubclass(kind, MailCredentials):
        return ""
    return credentials.read(channel, kind).smtp_url


def unless_incomplete(maker: adapters.Maker) -> adapters.Maker:
    """The maker, which gives an adapter that says what is missing where it cannot make one."""

    def make(channel: Channel) -> Adapter:
        try:
            return maker(channel)
        except Invalid as missing:
            return Nowhere(str(missing), addresses=channel.type in adapters.MAILED)

    return make
