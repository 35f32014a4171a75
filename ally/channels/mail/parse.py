"""A mail, from its bytes to plain values.  Pure: no files, no network, no clock.

There is a cap on everything that a stranger could make endless.
"""

from dataclasses import replace

from ally.channels.mail.bodies import joined_html, joined_text, source_html
from ally.channels.mail.classify import classify
from ally.channels.mail.content import Content, gathered
from ally.channels.mail.parsed import Parsed
from ally.channels.mail.parts import Part, leaves, split
from ally.channels.mail.sanitise import sanitise
from ally.channels.mail.told import tell_apart
from ally.channels.mail.top import Top

MOST_DEFECTS = 20


def parse_mail(raw: bytes) -> Parsed:
    """What the mail says.  Raises Unreadable with a plain reason, and nothing else."""
    root = split(raw)
    return said(root, gathered(root))


def parse_mail_with_source(raw: bytes) -> Parsed:
    """The same, with the HTML as it came and the kinds of its parts beside it."""
    root = split(raw)
    content = gathered(root)
    kinds = [root.kind, *(part.kind for part in leaves(root))]
    return replace(said(root, content), source_html=source_html(content.bodies), source_kinds=kinds)


def said(root: Part, content: Content) -> Parsed:
    text, html = joined_text(content.bodies), joined_html(content.bodies)
    safe = sanitise(html) if html is not None else None
    top = Top(root, content.charset)
    name, email = top.sender()
    words = tell_apart(text, html)
    kind = classify(root, top, text)
    return Parsed(
        from_email=email or None,
        from_name=name or None,
        sender=top.people("sender"),
        reply_to=top.people("reply-to"),
        to=top.people("to"),
        cc=top.people("cc"),
        envelope_from=top.envelope_from(),
        delivered_to=top.delivered_to(),
        subject=top.text("subject"),
        date=top.date(),
        message_id=next(iter(top.ids("message-id")), None),
        in_reply_to=top.ids("in-reply-to"),
        references=top.ids("references"),
        body_text=text,
        body_html=safe.html if safe else None,
        segments=words.segments,
        quoted_from=words.quoted_from,
        reply_text=words.reply_text,
        signature=words.signature,
        forward=words.forward,
        remote_images=safe.remote_images if safe else 0,
        tracking_images=safe.tracking_images if safe else 0,
        category=kind.category,
        may_answer=kind.may_answer,
        bounces=kind.bounces,
        returned_ids=kind.returned_ids,
        list_id=kind.list_id,
        verdicts=kind.verdicts,
        attachments=content.files,
        notes=content.notes,
        defects=[*top.defects(), *content.defects][:MOST_DEFECTS],
    )
