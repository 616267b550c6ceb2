"""A value becomes a column's: docs/types.md and the policies of docs/mapping.md, for a stated subset
of types."""
import re
import struct
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bson import Binary, Code, Date, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp

import values
from values import NULLS, Refused

BLANKS = ' \t\n\r\f\v'
TYPES = ('text', 'int4', 'int8', 'numeric', 'float8', 'bool', 'timestamptz', 'uuid', 'jsonb')
MISSING = values.Undefined


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    source: str = None            # 'a.b', '*' or '.'; the column's name when left out
    required: bool = False
    default: Any = None
    on_error: str = 'reject'
    strict: bool = False
    non_finite: str = 'reject'
    fraction: str = 'reject'
    empty_null: bool = False
    trim: bool = False
    nul: str = 'reject'
    json: str = None
    json_null: bool = False
    generate: str = None

    @property
    def origin(self):
        return self.name if self.source is None else self.source


NUMBER = re.compile(r'[ \t\n]*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)[ \t\n]*')
SPECIAL = {'nan': 'NaN', 'inf': 'Infinity', 'infinity': 'Infinity', '-inf': '-Infinity',
           '-infinity': '-Infinity'}
TRUE, FALSE = ('t', 'true', 'y', 'yes', 'on', '1'), ('f', 'false', 'n', 'no', 'off', '0')
LIMITS = {'int4': 2**31, 'int8': 2**63}
FIRST_MS, END_MS = -210_866_803_200_000, 9_224_318_016_000_000


def bits(value):
    """A double that is equal only to itself: 0 is not -0, NaN is NaN."""
    return 'nan' if value != value else struct.pack('>d', value)


def to_number(value, column):
    """The number that a value or a text is, or Refused."""
    if isinstance(value, str):
        if column.strict:
            raise Refused('wrong_type')
        match = NUMBER.fullmatch(value)
        if match:
            return Decimal(match.group(1))
        if value.strip().lower() in SPECIAL:
            return SPECIAL[value.strip().lower()]
        raise Refused('bad_value')
    found = values.number(value)
    if found is None:
        raise Refused('wrong_type')
    return found


def whole(value, column):
    found = to_number(value, column)
    if isinstance(found, str):
        if column.non_finite == 'null':
            return None
        raise Refused('non_finite')
    if found != found.to_integral_value():
        if column.fraction == 'reject':
            raise Refused('inexact')
        found = found.to_integral_value(
            rounding='ROUND_DOWN' if column.fraction == 'truncate' else 'ROUND_HALF_UP')
    if not -LIMITS[column.type] <= found < LIMITS[column.type]:
        raise Refused('out_of_range')
    return int(found)


def numeric(value, column):
    found = to_number(value, column)
    if isinstance(found, str):
        return not_finite(found, column)
    return (values.shortest(value) if isinstance(value, float) else found) + 0


def not_finite(found, column):
    if column.non_finite == 'reject':
        raise Refused('non_finite')
    return None if column.non_finite == 'null' else found


def double(value, column):
    found = to_number(value, column)
    if isinstance(found, str):
        found = not_finite(found, column)
        return None if found is None else bits(float(found))
    if isinstance(value, float):
        return bits(value)
    near = float(found)
    if near in (float('inf'), -float('inf')) or near == 0 and found:
        raise Refused('out_of_range')
    if found not in (Decimal(near), values.shortest(near)):
        raise Refused('inexact')
    return bits(near)


def boolean(value, column):
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value.strip().lower() in TRUE + FALSE:
            return value.strip().lower() in TRUE
        raise Refused('bad_value')
    found = values.number(value)
    if found in (0, 1):
        return found == 1
    raise Refused('wrong_type') if found is None else Refused(
        'bad_value', 'out_of_range', 'non_finite', 'inexact')


INSTANT = re.compile(r'(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d)?)?')


def instant(value, _column):
    """Microseconds since 1970, or 'infinity'. Texts: ISO dates, zoneless ones are UTC."""
    if isinstance(value, Timestamp):
        return value.seconds * 1_000_000
    if isinstance(value, Date):
        if not FIRST_MS <= value.ms < END_MS:
            raise Refused('out_of_range')
        return value.ms * 1000
    if not isinstance(value, str):
        raise Refused('wrong_type')
    text = value.strip()
    if text.lower() in ('infinity', '-infinity'):
        return text.lower()
    match = INSTANT.fullmatch(text)
    try:
        import datetime
        year, month, day, hour, minute, second = (int(x or 0) for x in match.groups()[:6])
        moment = datetime.datetime(year, month, day, hour, minute, second,
                                   int((match[7] or '').ljust(6, '0')), datetime.timezone.utc)
        zone = int(match[8]) if match[8] not in (None, 'Z') else 0
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        return (moment - epoch) // datetime.timedelta(microseconds=1) - zone * 3_600_000_000
    except (AttributeError, ValueError):
        raise Refused('bad_value', 'out_of_range') from None


def to_uuid(value, _column):
    if values.uuid_of(value):
        return values.uuid_of(value)
    if isinstance(value, str):
        if re.fullmatch(r'\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?', value.strip()):
            return str(uuid.UUID(value.strip()))
        raise Refused('bad_value')
    raise Refused('wrong_type')


def without_nul(value, column, make):
    """What `make` makes of it without its NULs. Of two reasons to refuse it either may be told: it is
    refused once."""
    try:
        clean = values.without_nul(value, column.nul)
    except Refused as nul:
        try:
            make(value)
        except Refused as other:
            raise Refused(*nul.codes, *other.codes) from other
        raise
    return make(clean)


def text(value, column):
    if column.strict and not isinstance(value, str):
        raise Refused('wrong_type')
    made = without_nul(value, column, text_of)
    return made.strip(BLANKS) if column.trim else made


def text_of(value):
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return values.javascript(value)
    if isinstance(value, Decimal128):
        return values.decimal_text(value)
    if values.number(value) is not None:
        return str(values.number(value))
    if isinstance(value, Date):
        return values.iso(value.ms)
    if isinstance(value, (ObjectId, Binary, Regex, Code)):
        return values.plain(value)
    if isinstance(value, Timestamp):
        return f'{{"$timestamp":{{"t":{value.seconds},"i":{value.increment}}}}}'
    if isinstance(value, (MinKey, MaxKey)):
        return '{"$minKey":1}' if isinstance(value, MinKey) else '{"$maxKey":1}'
    return values.text_json(value)


def jsonb(value, column):
    style = column.json or ('typed' if column.origin == '*' else 'plain')
    make = values.typed if style == 'typed' else values.plain
    return values.last_of_equal(without_nul(value, column, make))


COERCERS = {'text': text, 'int4': whole, 'int8': whole, 'numeric': numeric, 'float8': double, 'bool': boolean,
            'timestamptz': instant, 'uuid': to_uuid, 'jsonb': jsonb}


def convert(value, column):
    """A value that is there, to what the table holds; the policies of the column not asked."""
    return COERCERS[column.type](value, column)


def default_of(column):
    """A default is read as the column reads values, but never as null."""
    return None if column.default is None else convert(column.default, column)


def coerce(value, column):
    """What the column holds for what the document has (MISSING for nothing). Refused, its column
    named, when it holds nothing."""
    try:
        if isinstance(value,
                      str) and column.empty_null and (value.strip(BLANKS) if column.trim else value) == '':
            value = None
        if value is not MISSING and isinstance(value, NULLS) and column.json_null and column.type == 'jsonb':
            return values.last_of_equal(None)
        if value is MISSING or isinstance(value, NULLS):
            made = None
        else:
            made = convert(value, column)
        if made is None:
            made = default_of(column)
    except Refused as refused:
        if column.on_error == 'reject':
            raise Refused(*refused.codes, column=column.name) from None
        made = default_of(column) if column.on_error == 'default' else None
        if made is None and column.required:
            # The document is refused for the value that it has, not for having none.
            raise Refused(*refused.codes, column=column.name) from None
    if made is None and column.required:
        raise Refused('required_missing', column=column.name)
    return made
