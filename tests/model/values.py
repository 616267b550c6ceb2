"""Values of BSON in the forms that the pages give them: id text, canonical text, plain and typed
JSON.

A document is a tuple of (name, value) pairs, so that a name may come twice; an array is a list;
everything else as in support/bson.py.
"""
import base64
import json
import math
import uuid
from decimal import Decimal

from bson import (Binary, Code, Date, Decimal128, Int32, Int64, MaxKey, MinKey, ObjectId, Regex,
                  Timestamp, Undefined)

DAY = 86_400_000
NULLS = (type(None), Undefined)


class Refused(Exception):
    """A value that cannot be what is asked of it. `codes`: those that the pages allow; the first is
    the one to be told."""

    def __init__(self, *codes, column=''):
        super().__init__(codes[0])
        self.codes, self.column = codes, column


def is_document(value):
    return isinstance(value, tuple)


def number(value):
    """The exact number that a value is: a Decimal, or the text of what is not finite; None for what is
    no number."""
    if isinstance(value, (Int32, Int64)):
        return Decimal(value.value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return Decimal(value)
        return 'NaN' if value != value else 'Infinity' if value > 0 else '-Infinity'
    if isinstance(value, Decimal128):
        return value.text if value.text.lstrip('-')[0] in 'NI' else Decimal(value.text)
    return None


def shortest(value):
    """The decimal of the fewest digits that reads back as this double."""
    return Decimal(repr(value))


def plain_digits(value):
    """A Decimal without exponent."""
    return format(value, 'f')


def scientific(value, low, high):
    """Digits without zeros at the end; the exponent form below 10^low and from 10^high, as JavaScript
    prints numbers."""
    if not value:
        return '0'
    sign, digits, exponent = value.as_tuple()
    text = ''.join(map(str, digits)).lstrip('0')
    kept = text.rstrip('0')
    exponent += len(text) - len(kept)
    top = len(kept) + exponent - 1
    mark = '-' if sign else ''
    if top < low or top >= high:
        return f"{mark}{kept[0]}{'.' + kept[1:] if kept[1:] else ''}e{'+' if top >= 0 else '-'}{abs(top)}"
    return mark + plain_digits(Decimal((0, tuple(map(int, kept)), exponent)))


def javascript(value):
    """A double as JavaScript prints it, but for the sign of zero, which is kept."""
    if not math.isfinite(value):
        return number(value)
    if value == 0:
        return '-0' if math.copysign(1, value) < 0 else '0'
    return scientific(shortest(value), -7, 21)


def json_double(value):
    """A double within JSON: its digits, or the exponent form where that is shorter."""
    if value == 0:
        return javascript(value)
    mark, digits, exponent = shortest(value).normalize().as_tuple()
    power = exponent + len(digits) - 1
    text = ''.join(map(str, digits))
    fraction = '.' + text[1:] if text[1:] else ''
    form = f"{'-' * mark}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02}"
    plain_form = str(int(value)) if value == int(value) else plain_digits(shortest(value))
    return plain_form if len(plain_form) <= len(form) else form


def decimal_text(value):
    """Decimal128 in the form of its specification, which is that of Python's decimal."""
    return str(Decimal(value.text)) if number(value).__class__ is Decimal else value.text


def iso(ms, always=False):
    """A date as text; milliseconds where there are any, or always. From year 0 on."""
    days, rest = divmod(ms, DAY)
    # Days to a date of the proleptic Gregorian calendar, year 0 included (H. Hinnant's algorithm).
    z = days + 719_468
    era, day = divmod(z, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    in_year = day - (365 * year + year // 4 - year // 100)
    month = (5 * in_year + 2) // 153
    date = in_year - (153 * month + 2) // 5 + 1
    month, year = (month + 3, year) if month < 10 else (month - 9, year + 1)
    seconds, milli = divmod(rest, 1000)
    clock = f'{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}'
    year += era * 400
    if milli or always:
        clock += f'.{milli:03}'
    return f"{'+' if year > 9999 else ''}{year:04}-{month:02}-{date:02}T{clock}Z"


def uuid_of(value):
    """The uuid that a binary of subtype 4 is, or None."""
    if isinstance(value, Binary) and value.subtype == 4 and len(value.data) == 16:
        return str(uuid.UUID(bytes=value.data))
    return None


def base64_text(value):
    return base64.b64encode(value.data).decode()


def quoted(text):
    """A JSON string as JavaScript writes it."""
    return json.dumps(text, ensure_ascii=False)


# --- the _id as text (docs/id-text.md)

def id_number(value):
    exact = number(value)
    return exact if isinstance(exact, str) else scientific(exact, -6, 21)


def id_json(value):
    """Within a document: canonical Extended JSON without spaces, numbers bare and normalised."""
    if is_document(value):
        return '{' + ','.join(f'{quoted(k)}:{id_json(v)}' for k, v in value) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(id_json, value)) + ']'
    exact = number(value)
    if exact is not None:
        return f'{{"$numberDouble":"{exact}"}}' if isinstance(exact, str) else id_number(value)
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(typed(value), ensure_ascii=False, separators=(',', ':'))


def id_text(value):
    """The safe form."""
    if isinstance(value, ObjectId):
        return value.hex
    if isinstance(value, str):
        if '\0' in value:
            raise Refused('nul_in_text')
        tagged = value.startswith('$') or len(value) == 24 and all(
            c in '0123456789abcdefABCDEF' for c in value)
        return '$s:' + value if tagged else value
    if isinstance(value, bool):
        return f'$b:{str(value).lower()}'
    if number(value) is not None:
        return '$n:' + id_number(value)
    if isinstance(value, Date):
        return f'$d:{value.ms}'
    if isinstance(value, Binary):
        return f'$u:{uuid_of(value)}' if uuid_of(value) else f'$x:{value.subtype:02x}:{base64_text(value)}'
    if isinstance(value, Timestamp):
        return f'$t:{value.seconds}:{value.increment}'
    if is_document(value):
        return '$o:' + id_json(value)
    return {type(None): '$null', MinKey: '$min', MaxKey: '$max'}[type(value)]


NAMESPACE = uuid.uuid5(uuid.UUID(int=0), 'lugger')


def id_uuid(collection, text):
    return str(uuid.uuid5(uuid.uuid5(NAMESPACE, collection), text))


# --- JSON (docs/types.md, "BSON inside jsonb"), as Python values: numbers are Decimal, of equal names
# the last one counts

def plain(value):
    if isinstance(value, NULLS):
        return None
    if isinstance(value, (bool, str)):
        return value
    exact = number(value)
    if exact is not None:
        if isinstance(exact, str):
            raise Refused('non_finite')
        return Decimal(json_double(value)) if isinstance(value, float) else exact
    if isinstance(value, list):
        return [plain(x) for x in value]
    if is_document(value):
        return {k: plain(v) for k, v in value}
    if isinstance(value, Date):
        return iso(value.ms, always=True)
    if isinstance(value, Binary):
        return uuid_of(value) or base64_text(value)
    if isinstance(value, Timestamp):
        return {'t': Decimal(value.seconds), 'i': Decimal(value.increment)}
    if isinstance(value, ObjectId):
        return value.hex
    if isinstance(value, Regex):
        return f'/{value.pattern}/{value.options}'
    if isinstance(value, Code):
        return value.text
    return {'$minKey' if isinstance(value, MinKey) else '$maxKey': Decimal(1)}


def typed(value):
    """Everything that JSON cannot say by itself says its type."""
    if isinstance(value, (bool, str, type(None))):
        return value
    if isinstance(value, list):
        return [typed(x) for x in value]
    if is_document(value):
        return {k: typed(v) for k, v in value}
    if isinstance(value, (int, Int32)):
        return number(value)
    if isinstance(value, Int64):
        # A number beyond 32 bits can be nothing else.
        return {'$numberLong': str(value.value)} if -2**31 <= value.value < 2**31 else number(value)
    if isinstance(value, float):
        return typed_double(value)
    if isinstance(value, Binary):
        return {'$binary': {'base64': base64_text(value), 'subType': f'{value.subtype:02x}'}}
    if isinstance(value, Timestamp):
        return {'$timestamp': {'t': Decimal(value.seconds), 'i': Decimal(value.increment)}}
    if isinstance(value, Regex):
        return {'$regularExpression': {'pattern': value.pattern, 'options': value.options}}
    if isinstance(value, Decimal128):
        return {'$numberDecimal': decimal_text(value)}
    if isinstance(value, Date):
        return {'$date': {'$numberLong': str(value.ms)}}
    return {ObjectId: lambda: {'$oid': value.hex}, Code: lambda: {'$code': value.text},
            Undefined: lambda: {'$undefined': True}, MinKey: lambda: {'$minKey': 1},
            MaxKey: lambda: {'$maxKey': 1}}[type(value)]()


def typed_double(value):
    """Bare when it can be nothing else: a fraction."""
    if math.isfinite(value) and value != int(value):
        return shortest(value)
    return {'$numberDouble': repr(value)}


def last_of_equal(value):
    """JSON as jsonb keeps it, in a form that can be compared: a number is its value, true is not 1."""
    if isinstance(value, bool) or value is None:
        return value.__class__.__name__, value
    if isinstance(value, (int, Decimal)):
        return 'number', Decimal(value).normalize() + 0 if value else Decimal(0)
    if isinstance(value, list):
        return 'array', tuple(map(last_of_equal, value))
    if isinstance(value, dict) and list(value) == ['$numberDouble']:
        return 'double', repr(float(value['$numberDouble']))
    if isinstance(value, dict):
        return 'object', frozenset((k, last_of_equal(v)) for k, v in value.items())
    return value


def text_json(value):
    """JSON text of a document or array in a text column: the plain forms in the order of the document."""
    if is_document(value):
        return '{' + ','.join(f'{quoted(k)}:{text_json(v)}' for k, v in value) + '}'
    if isinstance(value, list):
        return '[' + ','.join(map(text_json, value)) + ']'
    exact = number(value)
    if isinstance(exact, str):
        return quoted(exact)
    if exact is not None:
        return json_double(value) if isinstance(value, float) else decimal_text(value) if isinstance(
            value, Decimal128) else str(exact)
    return json.dumps(plain(value), ensure_ascii=False, separators=(',', ':'), default=int)


def without_nul(value, policy):
    """The same with every NUL in its texts refused, taken out, or replaced."""
    if is_document(value):
        return tuple((k, without_nul(v, policy)) for k, v in value)
    if isinstance(value, list):
        return [without_nul(x, policy) for x in value]
    if isinstance(value, str) and '\0' in value:
        if policy == 'reject':
            raise Refused('nul_in_text')
        return value.replace('\0', '' if policy == 'strip' else '\ufffd')
    return value
