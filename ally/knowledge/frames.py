"""What stands around an answer: greeting, thanks and closing, by tone and language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """The words of one tone in one language; `named` has a place for the first name.

    `partly` and `nothing` are the closings of an answer that is not whole: they promise
    what no source says, so they are never left out.
    """

    named: str
    unnamed: str
    thanks: str
    closing: str
    partly: str
    nothing: str
    regards: str


THANKS = "Thank you for writing to us."
PARTLY = "Part of your question we have to look up first, and we will come back to you about it."
NOTHING = "We do not want to guess, so we will check this and come back to you with an answer."
CLOSING = "If anything is still open, just reply to this mail."

PLAIN = Frame("Hi {name},", "Hello,", THANKS, CLOSING, PARTLY, NOTHING, "Best regards,")
FORMAL = Frame(
    "Dear {name},",
    "Dear customer,",
    "Thank you for your message.",
    "Please do not hesitate to contact us should any question remain.",
    "A part of your question requires further inquiry, and we will write to you about it.",
    "We would rather not guess, and will write to you as soon as we have an answer.",
    "Yours sincerely,",
)
FRIENDLY = Frame(
    "Hi {name},",
    "Hi there,",
    "Thanks a lot for getting in touch with us.",
    "Just write back if anything is still unclear, we are happy to help.",
    "There is one part that we still have to look up, and we will write to you about it soon.",
    "We do not want to guess, so we will find out for you and write back soon.",
    "Warm wishes,",
)
# By the name that an instruction may give the language, in English or in itself.
ELSEWHERE = {
    "German": Frame(
        "Hallo {name},",
        "Guten Tag,",
        "vielen Dank für Ihre Nachricht.",
        "Wenn noch etwas offen ist, antworten Sie einfach auf diese Mail.",
        "Einen Teil Ihrer Frage müssen wir noch klären und melden uns dann bei Ihnen.",
        "Wir möchten nicht raten, klären das und melden uns dann bei Ihnen.",
        "Viele Grüße",
    ),
    "French": Frame(
        "Bonjour {name},",
        "Bonjour,",
        "Merci pour votre message.",
        "S'il reste une question, il suffit de répondre à ce message.",
        "Nous devons encore vérifier une partie de votre question et reviendrons vers vous.",
        "Nous ne voulons pas deviner : nous vérifions et reviendrons vers vous.",
        "Cordialement,",
    ),
    "Spanish": Frame(
        "Hola {name}:",
        "Hola:",
        "Gracias por su mensaje.",
        "Si queda alguna duda, basta con responder a este correo.",
        "Tenemos que comprobar una parte de su pregunta y le escribiremos de nuevo.",
        "No queremos adivinar: lo comprobamos y le escribiremos de nuevo.",
        "Un cordial saludo,",
    ),
    "Italian": Frame(
        "Buongiorno {name},",
        "Buongiorno,",
        "grazie per il suo messaggio.",
        "Se resta qualche dubbio, basta rispondere a questa mail.",
        "Dobbiamo ancora verificare una parte della sua domanda e le scriveremo di nuovo.",
        "Non vogliamo tirare a indovinare: verifichiamo e le scriveremo di nuovo.",
        "Cordiali saluti,",
    ),
    "Dutch": Frame(
        "Hallo {name},",
        "Goedendag,",
        "Bedankt voor uw bericht.",
        "Als er nog iets onduidelijk is, kunt u gewoon op deze mail antwoorden.",
        "Een deel van uw vraag moeten we nog uitzoeken, en we komen daarop terug.",
        "We willen niet gokken, dus we zoeken het uit en komen erop terug.",
        "Met vriendelijke groet,",
    ),
}
NAMES = {
    "german": "German",
    "deutsch": "German",
    "french": "French",
    "français": "French",
    "francais": "French",
    "spanish": "Spanish",
    "español": "Spanish",
    "espanol": "Spanish",
    "italian": "Italian",
    "italiano": "Italian",
    "dutch": "Dutch",
    "nederlands": "Dutch",
}
