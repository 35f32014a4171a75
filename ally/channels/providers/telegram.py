"""What Telegram posts for a bot: an update, proved by the secret that the webhook was set with.

Source: https://core.telegram.org/bots/api#setwebhook
"""

from ally.channels.providers.call import Call, Told, Unproved, is_any, json_of, told
from ally.channels.webhooks import Caller
from ally.errors import Malformed

PROOF = ("x-telegram-bot-api-secret-token",)
WRONG = "Set the webhook with the channel's secret as its secret_token."


def prove(caller: Caller, call: Call) -> Told:
    given = call.header(PROOF[0])
    if not given or not is_any(given.encode(), (known.encode() for known in caller.secrets)):
        raise Unproved(WRONG)
    update_id = json_of(call).get("update_id")
    if not isinstance(update_id, int):
        raise Malformed("An update has an update_id.")
    return told(str(update_id), "update")
