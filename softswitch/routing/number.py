"""Telephone numbers as the number plan writes them: E.164 digits without `+`.

A peer writes the same number as `sip:+12025550101@host;user=phone`, `tel:+1-202-555-0101`, or
`tel:5550101;phone-context=+1202` (RFC 3966 §5.1.5); the plan and every log line have `12025550101`. What is no number
(a user name) stays as it is.
"""

from softswitch.sip.uri import Uri

_NUMBER = frozenset("+0123456789-.() ")


def number_of(uri: Uri) -> str:
    """The number a SIP or tel URI names, else its user name; empty when it names nobody."""
    number = uri.number
    if number is None:
        return uri.username
    if number.startswith("+"):
        return number[1:]
    context = uri.params.get("phone-context")
    if context and context.startswith("+"):
        return digits(context) + number
    return number


def digits(text: str) -> str:
    """`text` as a person types a number (`+1 202-555-0101`), in the plan's form; anything else as it is."""
    if text and _NUMBER.issuperset(text):
        return "".join(filter(str.isdigit, text))
    return text


def international(number: str) -> str:
    """For people: `+1 202-555-0101`; a number that is none of E.164's stays as it is."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_possible_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
