"""The words by which a change is told to be a fact, a caveat, a greeting or a courtesy."""

import re


def words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening|day)|greetings|hallo|guten tag|"
    r"liebe[rs]?|sehr geehrte[rs]?|bonjour|hola|ciao)\b",
    re.IGNORECASE,
)
THANKS = re.compile(
    r"(?:many thanks|thank you|thanks|vielen dank|danke|we appreciate)\b", re.IGNORECASE
)
CLOSING = re.compile(
    r"(?:(?:best|kind|warm|with kind|many)?\s*regards|best(?: wishes)?|all the best|cheers|"
    r"(?:yours )?(?:sincerely|faithfully|truly)|take care|thanks|thank you|many thanks|"
    r"(?:mit )?(?:freundlichen|viele[n]?|beste[n]?|liebe[n]?) gr[üu](?:ß|ss)en?)\s*[,.!–-]?$",
    re.IGNORECASE,
)
LAST_WORDS = re.compile(
    r"(?:if (?:anything|you have|you need|there is|something)|let (?:us|me) know|feel free|"
    r"please (?:do not|don't) hesitate|do not hesitate|don't hesitate|just reply|"
    r"(?:have|enjoy) (?:a|the|your) |we look forward|looking forward|any (?:more )?questions)",
    re.IGNORECASE,
)

NUMBERS = words("""
    zero one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty
    forty fifty sixty ninety hundred thousand half quarter double twice once dozen first
    second third
""")
UNITS = words("""
    mm cm km inch inches ft feet psi bar kpa lph gph gpm hp kw volt volts amp amps watt watts
    ohm ohms nm lb lbs kg oz ml litre litres liter liters gallon gallons micron microns degree
    degrees percent dollar dollars euro euros cent cents usd eur gbp second seconds minute
    minutes hour hours day days week weeks month months year years business working central
    eastern pacific pm
""")
DAYS = words("""
    monday tuesday wednesday thursday friday saturday sunday january february march april june
    july august september october november december today tomorrow yesterday weekend
""")
# Exchanged, these turn a statement around.
OPPOSITES = words("""
    not no yes never always cannot nor before after above below inside outside left right
    minimum maximum least most inlet outlet open closed free included excluded with without
    isn't aren't doesn't don't won't can't didn't wasn't
""")
SYMBOLS = re.compile(r"[%$€£°]")

HEDGE = re.compile(
    r"\b(?:if|unless|except|provided|providing|assuming|as long as|so long as|depend(?:s|ing)|"
    r"subject to|may|might|could|usually|typically|normally|generally|often|sometimes|probably|"
    r"likely|perhaps|maybe|possibly|roughly|approximately|around|up to|at most|at least|"
    r"as far as|in most cases|in some cases|should|must|only|until|otherwise|however|but|"
    r"although|though|guarantee|guaranteed|promise|estimate[ds]?|expect(?:ed)?|recommend|"
    r"check|verify|confirm|make sure|be sure|ensure|careful|caution|warning|note that|"
    r"please note|keep in mind|be aware|to be safe|in case|where possible|when possible|"
    r"apart from|exceed|always)\b",
    re.IGNORECASE,
)
# Forms of politeness that look like conditions.
POLITE_IF = re.compile(
    r"\b(?:(?:could|would|may|might|can) (?:you|i|we)\b|"
    r"if (?:you|there|anything|something|i|we)(?:'d| would)? ?"
    r"(?:have|has|is|are|need|like|wish|want|can|may)?\b"
    r"[^.?]{0,80}\b(?:questions?|anything|help|else|reply|know|like|open|unclear|need)\b|"
    r"but (?:we are|we're|i am|i'm) (?:sorry|happy|glad))",
    re.IGNORECASE,
)
COURTESY = re.compile(
    r"\b(?:please|thank|thanks|sorry|apolog\w+|glad|happy|appreciate|hope|welcome|let (?:us|me) "
    r"know|feel free|great|wonderful|enjoy|understand|regret|unfortunately|forward|pleasure|"
    r"patience|inconvenience|congratulations|good luck|kindly|of course|certainly|absolutely|"
    r"no worries|no problem|hesitate|frustrating|annoying)\b",
    re.IGNORECASE,
)
