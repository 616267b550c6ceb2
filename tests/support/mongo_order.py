"""MongoDB's order of values as bytes: two keys compare as the values do, across all types.

The form is the server's own KeyString (version 1), which resume tokens are made of too. Numbers that
are equal are one key, whatever their types; of decimals that no double holds, only the order is the
server's.
"""
import math
import struct
from fractions import Fraction

import bson

MIN, MAX = b'\x0a', b'\xf0'     # the keys of MinKey and MaxKey
NAN, INFINITY = b'\x1e', b'\x33' + b'\xff' * 8
NUMERIC = 0x1E
GENERIC = {   # what stands for a type in front of a field's name
    float: NUMERIC, int: NUMERIC, bson.Int32: NUMERIC, bson.Int64: NUMERIC, bson.Decimal128: NUMERIC,
    str: 0x3C, bson.Symbol: 0x3C, dict: 0x46, list: 0x50, bytes: 0x5A, bson.Binary: 0x5A,
    bson.ObjectId: 0x64, bool: 0x6E, bson.Date: 0x78, bson.Timestamp: 0x82, bson.Regex: 0x8C,
    bson.DBPointer: 0x96, bson.Code: 0xA0, bson.CodeWithScope: 0xAA, bson.MinKey: 0x0A,
    bson.MaxKey: 0xF0, bson.Undefined: 0x0F, type(None): 0x14,
}
# Bytes of a key's first place that are one bracket of comparison: numbers and booleans spread over several.
BRACKETS = {**{place: NUMERIC for place in range(0x1E, 0x34)}, 0x6F: 0x6E}
SMALLEST_LARGE = 2**63


def bracket(key):
    """The group of types that `$gt` and its brothers stay inside of."""
    return BRACKETS.get(key[0], key[0])


def next_bracket(key):
    """A key above all keys of the same bracket."""
    first = bracket(key)
    last = max((place for place, group in BRACKETS.items() if group == first), default=first)
    return bytes([last + 1])


def _inverted(data):
    return bytes(255 - byte for byte in data)


def _magnitude(value):
    """The key of a positive number without its sign."""
    if value >= SMALLEST_LARGE:
        power = value.numerator.bit_length() - value.denominator.bit_length()
        power -= Fraction(2)**power > value
        mantissa = int((value / Fraction(2)**power - 1) * 2**128)
        return b'\x33' + struct.pack('>H', power) + mantissa.to_bytes(16, 'big')
    whole = int(value)
    rest = value - whole
    if whole == 0:
        power = value.numerator.bit_length() - value.denominator.bit_length()
        power -= Fraction(2)**power > value
        mantissa = int((value / Fraction(2)**power - 1) * 2**128)
        return b'\x2a' + struct.pack('>H', power + 0x8000) + mantissa.to_bytes(16, 'big')
    size = ((whole << 1).bit_length() + 7) // 8
    head = (whole << 1 | (rest != 0)).to_bytes(size, 'big')
    if rest:
        scaled = rest * 256**(8 - size)
        head += int(scaled).to_bytes(8 - size, 'big')
        if scaled != int(scaled):
            head += b'\xff' + int((scaled - int(scaled)) * 2**128).to_bytes(16, 'big')
    return bytes([0x2A + size]) + head


def _exact(value):
    """A number as a fraction; NaN and infinities as floats."""
    if isinstance(value, float):
        return Fraction(value) if math.isfinite(value) else value
    if isinstance(value, bson.Decimal128):
        if value.text.lstrip('-') in ('NaN', 'Infinity'):
            return float(value.text.replace('Infinity', 'inf'))
        return Fraction(value.text)
    return Fraction(value if isinstance(value, int) else value.value)


def _number(value):
    exact = _exact(value)
    if isinstance(exact, float):
        if math.isnan(exact):
            return NAN
        return INFINITY if exact > 0 else b'\x1f' + bytes(8)
    if exact == 0:
        return b'\x29'
    key = _magnitude(abs(exact))
    if exact > 0:
        return key
    # The types of negative numbers stand in mirrored order below zero.
    return bytes([0x29 * 2 - key[0]]) + _inverted(key[1:])


def _text(value):
    return value.encode('utf-8', 'surrogateescape').replace(b'\0', b'\0\xff') + b'\0'


def _document(value):
    fields = (bytes([GENERIC[type(inner)]]) + name.encode('utf-8', 'surrogateescape') + b'\0' + key(inner)
              for name, inner in value.items())
    return b''.join(fields) + b'\0'


def _binary(data, subtype):
    size = bytes([len(data)]) if len(data) < 0xFF else b'\xff' + struct.pack('>I', len(data))
    return b'\x5a' + size + bytes([subtype]) + data


_KEYS = {
    str: lambda v: b'\x3c' + _text(v),
    bson.Symbol: lambda v: b'\x3c' + _text(v.text),
    dict: lambda v: b'\x46' + _document(v),
    list: lambda v: b'\x50' + b''.join(map(key, v)) + b'\0',
    bytes: lambda v: _binary(v, 0),
    bson.Binary: lambda v: _binary(v.data, v.subtype),
    bson.ObjectId: lambda v: b'\x64' + bytes.fromhex(v.hex),
    bool: lambda v: b'\x6f' if v else b'\x6e',
    bson.Date: lambda v: b'\x78' + struct.pack('>Q', v.ms + 2**63),
    bson.Timestamp: lambda v: b'\x82' + struct.pack('>II', v.seconds, v.increment),
    bson.Regex: lambda v: b'\x8c' + _text(v.pattern) + _text(v.options),
    bson.DBPointer: lambda v: b'\x96' + struct.pack('>I', len(v.collection)) + v.collection.encode()
    + bytes.fromhex(v.hex),
    bson.Code: lambda v: b'\xa0' + _text(v.text),
    bson.CodeWithScope: lambda v: b'\xaa' + _text(v.text) + _document(v.scope),
    bson.MinKey: lambda v: MIN, bson.MaxKey: lambda v: MAX, bson.Undefined: lambda v: b'\x0f',
    type(None): lambda v: b'\x14',
    bson.Raw: lambda v: key(bson.plain(v)),
}


def key(value):
    """The bytes that stand for a value in the order."""
    kind = type(value)
    if kind in _KEYS:
        return _KEYS[kind](value)
    return _number(value)


def type_bits(value):
    """What a token keeps of an `_id`'s type where the key alone does not tell it; None where it does."""
    if isinstance(value, (float, bson.Symbol)):
        return b'\x40'
    if isinstance(value, bson.Int64):
        return b'\x81\x80'
    return None


def key_of_document(raw):
    """The key of a document's `_id`, of which nothing else is decoded."""
    if raw[5:9] == b'_id\0':
        kind = raw[4]
        if kind == 0x07:
            return b'\x64' + bytes(raw[9:21])
        return key(bson.value_at(raw, kind, 9))
    return key(bson.decode(raw)['_id'])
