"""What mail servers write when a mail comes back, each in its own form, in words of ours."""

ORIGINAL = (
    "Return-Path: <support@acme.example>\nReceived: from acme.example by mx.globex.example\n"
    "From: Acme <support@acme.example>\nTo: joe@globex.example\nSubject: Your order\n"
    "Message-ID: <1@acme.example>\n\nHello Joe\n"
)

# What mail servers write, in their own forms: (headers, body, address, status, reason).
FORMS = {
    "qmail": (
        {},
        "Hi. This is the qmail-send program at mx.globex.example.\nI'm afraid I wasn't able to "
        "deliver your message to the following addresses.\nThis is a permanent error; I've given "
        "up. Sorry it didn't work out.\n\n<joe@globex.example>:\nSorry, no mailbox here by that "
        "name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n" + ORIGINAL,
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "postfix": (
        {"Subject": "Undelivered Mail Returned to Sender", "Return-Path": "<>"},
        "This is the mail system at host mx.globex.example.\n\nI'm sorry to have to inform "
        "you that "
        "your message could not\nbe delivered to one or more recipients. It's attached below.\n\n"
        "For further assistance, please send mail to postmaster.\n\n<joe@globex.example>: host "
        "mx.globex.example[192.0.2.1] said: 552 5.2.2\n    <joe@globex.example>: Over quota (in "
        "reply to RCPT TO command)\n",
        "joe@globex.example", "5.2.2", "mailboxfull",
    ),
    "sendmail": (
        {"From": "Mail Delivery Subsystem <MAILER-DAEMON@x.example>",
         "Subject": "Returned mail: see"},
        "The original message was received at Fri, 20 Nov 2026 20:15:24 +0000\nfrom [192.0.2.1]\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n<joe@globex.example>\n"
        "    (reason: 550 5.1.1 <joe@globex.example>... User unknown)\n\n"
        "   ----- Transcript of session follows -----\n... while talking to mx.globex.example.:\n"
        ">>> DATA\n<<< 550 5.1.1 <joe@globex.example>... User unknown\n",
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "exim": (
        {"X-Failed-Recipients": "joe@globex.example", "Auto-Submitted": "auto-replied"},
        "This message was created automatically by mail delivery software.\n\nA message that you "
        "sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
        "The following address(es) failed:\n\n  joe@globex.example\n    host mx.globex.example "
        "[192.0.2.1]\n    SMTP error from remote mail server after MAIL FROM:<a@acme.example>:\n"
        "    550 5.1.8 Sender domain not found\n\n------ This is a copy of your message, including "
        "all the headers. ------\n\n" + ORIGINAL,
        "joe@globex.example", "5.1.8", "rejected",
    ),
    "gmail": (
        {"From": "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
         "Subject": "Delivery Status Notification (Failure)"},
        "Delivery to the following recipient failed permanently:\n\n     joe@globex.example\n\n"
        "Technical details of permanent failure:\nGoogle tried to deliver your message, but it was "
        "rejected by the recipient domain. The error that the other server returned was: 550 550 "
        "5.7.1 Message rejected as spam (state 18).\n\n   ----- Original message -----\n\n"
        + ORIGINAL,
        "joe@globex.example", "5.7.1", "spamdetected",
    ),
    "exchange 2003": (
        {"From": "System Administrator <postmaster@globex.example>",
         "Subject": "Undeliverable: Hi"},
        "Your message\n\n  To:      Joe\n  Subject: Hi\n  Sent:    Fri, 20 Nov 2026 "
        "20:15:24\n\ndid "
        "not reach the following recipient(s):\n\njoe@globex.example on Fri, 20 Nov 2026 20:15:30\n"
        "    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us\n",
        "joe@globex.example", "5.0.0", "userunknown",
    ),
    "exchange 2007": (
        {"From": "Microsoft Exchange <MicrosoftExchange329e71ec88ae@globex.example>",
         "Subject": "Undeliverable: Hi"},
        "Delivery has failed to these recipients or distribution lists:\n\njoe@globex.example\nThe "
        "recipient's mailbox is full and can't accept messages now. Please try resending.\n\n"
        "Diagnostic information for administrators:\n\nGenerating server: mx.globex.example\n\n"
        "joe@globex.example\n#550 5.2.2 STOREDRV.Deliver: mailbox full ##\n",
        "joe@globex.example", "5.2.2", "mailboxfull",
    ),
    "notes": (
        {"From": "Postmaster@globex.example", "Subject": "DELIVERY FAILURE: User joe not listed"},
        "Your message\n\n  Subject: Hi\n\nwas not delivered to:\n\n  joe@globex.example\n\nbecause:"
        "\n\n  User joe (joe@globex.example) not listed in Domino Directory\n",
        "joe@globex.example", "5.0.0", "userunknown",
    ),
    "yahoo": (
        {"From": "MAILER-DAEMON@yahoo.com", "Subject": "Failure Notice"},
        "Sorry, we were unable to deliver your message to the following address.\n\n"
        "<joe@globex.example>:\nRemote host said: 554 5.7.9 Message not accepted for policy "
        "reasons. "
        "[RCPT_TO]\n\n--- Below this line is a copy of the message.\n\n" + ORIGINAL,
        "joe@globex.example", "5.7.9", "policyviolation",
    ),
    "courier": (
        {"From": '"Courier mail server at mx.globex.example" <@>',
         "Subject": "NOTICE: mail delivery status."},
        "This is a delivery status notification from mx.globex.example,\nrunning the Courier mail "
        "server.\n\nThe original message was received on Fri, 20 Nov 2026\n\nUNDELIVERABLE MAIL\n\n"
        "Your message to the following recipients cannot be delivered:\n\n<joe@globex.example>:\n"
        "    mx.globex.example [192.0.2.1]:\n>>> RCPT TO:<joe@globex.example>\n<<< 550 5.1.1 "
        "<joe@globex.example>... User Unknown\n",
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "opensmtpd": (
        {"From": "Mailer Daemon <MAILER-DAEMON@x.example>",
         "Subject": "Delivery status notification: error"},
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n    "
        "An error "
        "has occurred while attempting to deliver a message for\n    the following list of "
        "recipients:\n\njoe@globex.example: 550 5.2.2 <joe@globex.example>... Mailbox Full\n\n    "
        "Below is a copy of the original message:\n\n" + ORIGINAL,
        "joe@globex.example", "5.2.2", "mailboxfull",
    ),
    "gmx": (
        {"From": "GMX Mailer Daemon <mailer-daemon@gmx.example>",
         "Subject": "Mail delivery failed"},
        "This message was created automatically by mail delivery software.\n\nA message that you "
        "sent could not be delivered to one or more of\nits recipients. This is a permanent error. "
        "The following address\nfailed:\n\n\"joe@globex.example\":\nSMTP error from remote "
        "server after "
        "RCPT command:\nhost: mx.globex.example\n5.1.1 <joe@globex.example>... User "
        "Unknown\n\n--- The "
        "header of the original message is following. ---\n\n" + ORIGINAL,
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "mailenable": (
        {"From": "Delivery Subsystem <POSTMASTER@x.example>",
         "Subject": "Message Delivery Failure"},
        "MailEnable: Message could not be delivered to some recipients.\nThe following "
        "recipient(s) "
        "could not be reached:\n\n\tRecipient: [SMTP:joe@globex.example]\n\tReason: Remote "
        "SMTP Server "
        "Returned: 553 sorry, that domain isn't in my list of allowed rcpthosts "
        "(#5.7.1)\n\n\nMessage "
        "headers follow:\n\n" + ORIGINAL,
        "joe@globex.example", "5.7.1", "norelaying",
    ),
    "mail.ru": (
        {"Subject": "Mail failure.", "From": "Mail Delivery System <Mailer-Daemon@mx.mail.ru>"},
        "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.\n\nК "
        "сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\n\n"
        "joe@globex.example\nSMTP error from remote mail server after RCPT "
        "TO:<joe@globex.example>:\n"
        "550 5.1.1 <joe@globex.example>... User unknown\n",
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "mailmarshal": (
        {"From": "postmaster@globex.example", "Subject": "Undeliverable Mail"},
        "Your message:\n   From:    support@acme.example\n   Subject: Hi\n\nCould not be delivered "
        "because of\n\n550 5.1.1 User unknown\n\nThe following recipients were affected: \n"
        "   joe@globex.example\n\nAdditional Information\n",
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "imail": (
        {"From": '"Postmaster" <postmaster@globex.example>', "Subject": "Undeliverable Mail",
         "X-Mailer": "<SMTP32 v8.22>"},
        "User mailbox exceeds allowed size: joe@globex.example\n\n\nOriginal message "
        "follows.\n\n" + ORIGINAL,
        "joe@globex.example", "5.0.0", "mailboxfull",
    ),
    "verizon": (
        {"From": "Post_Master@vtext.example", "Subject": "Undeliverable Message"},
        "Error:  No valid recipients for this MM\nYour message to joe@globex.example was not "
        "delivered.\n550 - Requested action not taken: no such user here\n",
        "joe@globex.example", "5.0.0", "userunknown",
    ),
    "sun": (
        {"From": "Internet Mail Delivery <postmaster@globex.example>",
         "Subject": "Delivery Notification: Delivery has failed"},
        "This report relates to a message you sent with the following header fields:\n\n  "
        "Message-id:"
        " <1@acme.example>\n  Date: Fri, 20 Nov 2026\n  From: Acme <support@acme.example>\n  To: "
        "joe@globex.example\n\nYour message cannot be delivered to the following recipients:\n\n"
        "  Recipient address: joe@globex.example\n  Reason: Remote SMTP server has rejected "
        "address\n"
        "  Diagnostic code: smtp;550 5.1.1 <joe@globex.example>... User Unknown\n",
        "joe@globex.example", "5.1.1", "userunknown",
    ),
    "a mail system in Japan": (
        {"From": "Mail Administrator <MAILER-DAEMON@ezweb.example>",
         "Subject": "Mail System Error - Returned Mail"},
        "The user(s) account is disabled.\n\n<joe@globex.example>\n\n550 "
        "<joe@globex.example>: User "
        "unknown\n",
        "joe@globex.example", "5.0.0", "userunknown",
    ),
    "a gateway for telephones": (
        {"From": "no-reply@app.example", "Subject": "Mail System Error"},
        "Could not be delivered to: <joe@globex.example>\nAs their mailbox is full.\n",
        "joe@globex.example", "5.0.0", "mailboxfull",
    ),
    "surfcontrol": (
        {"From": '"SurfControl" <postmaster@x.example>', "Subject": "Message not delivered"},
        "Your message could not be sent.\nA transcript of the attempts to send the message "
        "follows.\nAddressed To: joe@globex.example\n\nFailed to send to identified host,\n"
        "joe@globex.example: [192.0.2.5], 550 joe@globex.example... No such user\n",
        "joe@globex.example", "5.0.0", "userunknown",
    ),
    "a server in HTML with links": (
        {"From": "Microsoft Outlook <MicrosoftExchange329e71ec88ae46@x.example>",
         "Subject": "Undeliverable: Hi", "Content-Type": "text/html"},
        "<p>Your message to <b>joe@globex.example</b> couldn't be delivered.</p><p>joe wasn't "
        "found "
        "at x.example.</p><p>550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found</p>",
        "joe@globex.example", "5.1.10", "userunknown",
    ),
    "a German server": (
        {"From": "Postmaster@globex.example", "Subject": "Unzustellbar: Hallo"},
        "Ihre Nachricht konnte nicht zugestellt werden an:\n\njoe@globex.example\n\n552 5.2.2 Das "
        "Postfach ist voll\n",
        "joe@globex.example", "5.2.2", "mailboxfull",
    ),
    "a server that sends HTML alone": (
        {"Content-Type": "text/html", "Subject": "Mail delivery failed"},
        "<p>Your message could not be delivered to the following address:</p><p>"
        "&lt;joe@globex.example&gt;</p><p>550 5.7.26 Unauthenticated email is not accepted</p>",
        "joe@globex.example", "5.7.26", "authfailure",
    ),
}  # fmt: skip
