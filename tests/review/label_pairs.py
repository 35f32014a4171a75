"""Edits as agents make them, each with what a person says that its changes are about.

A pair is (before, after, kinds): one kind for each change, in the order of the text.
"""

FACT, CAVEAT, REMOVAL, TONE, GREETING, FORMAT = (
    "fact",
    "caveat",
    "removal",
    "tone",
    "greeting",
    "format",
)

REPLY = """Hi Dana,

Thank you for writing to us.

The 255 lph pump is enough at 450 hp. It holds 58 psi.

If anything is still open, just reply to this mail.

Best regards,
Hot Rod AN"""


def reply(*changes):
    """The reply before and after the changes, each (old words, new words)."""
    after = REPLY
    for old, new in changes:
        assert old in after
        after = after.replace(old, new, 1)
    return REPLY, after


PAIRS = [
    # numbers, units, codes, names, days
    ("The pump flows 255 lph.", "The pump flows 340 lph.", [FACT]),
    ("Set it to 58 psi.", "Set it to 58 bar.", [FACT]),
    ("Use an AN-6 line for the feed.", "Use an AN-8 line for the feed.", [FACT]),
    ("It weighs 1.5 kg.", "It weighs 15 kg.", [FACT]),
    ("We ship with DHL.", "We ship with UPS.", [FACT]),
    ("The regulator is made by Holley.", "The regulator is made by Aeromotive.", [FACT]),
    ("It arrives on Monday.", "It arrives on Wednesday.", [FACT]),
    ("It takes two days.", "It takes two weeks.", [FACT]),
    ("It takes two days.", "It takes three days.", [FACT]),
    ("The label costs 9.95 dollars.", "The label costs 12.50 dollars.", [FACT]),
    ("The label costs $9.95.", "The label costs €9.95.", [FACT]),
    ("Yes, we ship to Japan.", "No, we do not ship to Japan.", [FACT, FACT]),
    ("The hose is suitable for E85.", "The hose is not suitable for E85.", [FACT]),
    ("Mount the pump below the tank.", "Mount the pump above the tank.", [FACT]),
    ("The inlet goes to the filter.", "The outlet goes to the filter.", [FACT]),
    ("Use PTFE hose.", "Use NBR hose.", [FACT]),
    ("Your order is HR-20417.", "Your order is HR-20471.", [FACT]),
    ("Write to orders@hotrodan.example.", "Write to returns@hotrodan.example.", [FACT]),
    (
        "The pump is in stock.",
        "The pump is in stock. It leaves the warehouse on the same day.",
        [FACT],
    ),
    (
        "The kit has a pump and a filter.",
        "The kit has a pump and a filter. Wiring harness and relay come with it.",
        [FACT],
    ),
    ("Returns take 30 days.", "Refunds are paid within 5 business days.", [FACT]),
    ("Ask Luis in the workshop.", "Ask Priya in the workshop.", [FACT]),
    ("The 3/8 port is the feed.", "The 5/16 port is the feed.", [FACT]),
    ("The seal is made of rubber.", "The seal is made of aluminium.", [FACT]),
    # hedges and conditions
    (
        "The pump is enough at 450 hp.",
        "The pump is enough at 450 hp, as long as the boost stays low.",
        [CAVEAT],
    ),
    ("It arrives tomorrow.", "It usually arrives tomorrow.", [CAVEAT]),
    ("We refund the label.", "We refund the label if the mistake was ours.", [CAVEAT]),
    ("The hose lasts ten years.", "The hose may last ten years.", [CAVEAT]),
    (
        "Tighten the nut.",
        "Tighten the nut. Please check the cone for damage first.",
        [CAVEAT],
    ),
    ("This fits your car.", "This should fit your car.", [CAVEAT]),
    ("You can return it.", "You can return it, provided it is unused.", [CAVEAT]),
    ("The price is fixed.", "The price is fixed until the end of the month.", [CAVEAT]),
    ("It flows 255 lph.", "It flows up to 255 lph.", [CAVEAT]),
    ("It flows 255 lph.", "It flows approximately 255 lph.", [CAVEAT]),
    (
        "Run the pump at 58 psi.",
        "Run the pump at 58 psi, but never above 80 psi.",
        [CAVEAT],
    ),
    ("The gasket will seal.", "The gasket will most likely seal.", [CAVEAT]),
    (
        "We ship to Japan.",
        "We ship to Japan. Please note that duties are not included.",
        [CAVEAT],
    ),
    ("All hoses take fuel.", "All hoses except pushlock take fuel.", [CAVEAT]),
    ("It is covered by the warranty.", "It might be covered by the warranty.", [CAVEAT]),
    (
        "The relay handles this load.",
        "The relay handles this load, depending on wire.",
        [CAVEAT],
    ),
    # taken out
    ("Use light oil. Do not use tape.", "Use light oil.", [REMOVAL]),
    (
        "We ship within two days by express. Saturday delivery is extra.",
        "We ship within two days by express.",
        [REMOVAL],
    ),
    ("It is a very good pump.", "It is a good pump.", [REMOVAL]),
    ("The pump, as you know, is loud.", "The pump is loud.", [REMOVAL]),
    (*reply((" It holds 58 psi.", "")), [REMOVAL]),
    (
        "The filter goes before the pump and is big.",
        "The filter goes before the pump.",
        [REMOVAL],
    ),
    ("First, drain the tank completely.", "First, drain the tank.", [REMOVAL]),
    # how it is said
    ("You must send the part back.", "Please send the part back to us.", [TONE, TONE]),
    ("That is wrong.", "I see where that comes from.", [TONE]),
    ("Send the part back.", "Please send the part back.", [TONE]),
    ("The pump is big enough.", "The pump is large enough.", [TONE]),
    ("We got your parcel.", "We have received your parcel.", [TONE]),
    (
        "The hose is out of stock.",
        "We are sorry, the hose is out of stock.",
        [TONE],
    ),
    ("Your claim was denied.", "Your claim was declined.", [TONE]),
    ("You did it wrong.", "Something went wrong there.", [TONE]),
    ("Order a new seal.", "Kindly order a new seal.", [TONE]),
    ("Buy the bigger pump.", "We would suggest the bigger pump.", [TONE]),
    ("Tell us the order number.", "Could you tell us the order number?", [TONE]),
    (
        "The part is lost.",
        "We understand how annoying this is. The part is lost.",
        [TONE],
    ),
    # greeting and closing
    (*reply(("Hi Dana,", "Dear Dana,")), [GREETING]),
    (*reply(("Hi Dana,", "Hi Luis,")), [GREETING]),
    (*reply(("Best regards,", "Kind regards,")), [GREETING]),
    (*reply(("Hot Rod AN", "Ada from Hot Rod AN")), [GREETING]),
    (*reply(("Thank you for writing to us.", "Thanks for your message.")), [GREETING]),
    (*reply(("Hi Dana,\n\n", "")), [GREETING]),
    (
        *reply(
            (
                "If anything is still open, just reply to this mail.",
                "Let us know if you have any more questions.",
            )
        ),
        [GREETING],
    ),
    (
        *reply(("Hi Dana,", "Hello Mrs Whitfield,"), ("Best regards,", "Sincerely,")),
        [GREETING, GREETING],
    ),
    ("Drain the tank first.", "Hi Dana,\n\nDrain the tank first.", [GREETING]),
    # form alone
    ("Use PTFE hose and drain the tank.", "Use PTFE hose, and drain the tank.", [FORMAT]),
    ("One line. Another line.", "One line.\n\nAnother line.", [FORMAT]),
    ("the pump is enough.", "The pump is enough.", [FORMAT]),
    ("Drain the tank.\nFit the pump.", "- Drain the tank.\n- Fit the pump.", [FORMAT, FORMAT]),
    ("Drain the tank.\nFit the pump.", "1. Drain the tank.\n2. Fit the pump.", [FORMAT, FORMAT]),
    ("It is loud!", "It is loud.", [FORMAT]),
    ("Use a set-up tool.", "Use a set up tool.", [FORMAT]),
    ("Take the pump  out.", "Take the pump out.", [FORMAT]),
    (
        "It costs 1000 dollars; shipping is extra.",
        "It costs 1000 dollars. Shipping is extra.",
        [FORMAT],
    ),
    # several at once
    (
        *reply(("Hi Dana,", "Dear Dana,"), ("255", "340"), (" It holds 58 psi.", "")),
        [GREETING, FACT, REMOVAL],
    ),
    (
        *reply(("450 hp.", "450 hp, unless you run E85."), ("Best regards", "Cheers")),
        [CAVEAT, GREETING],
    ),
    (
        "Send it back. We refund 20 dollars.",
        "Please send it back. We refund 25 dollars.",
        [TONE, FACT],
    ),
]
