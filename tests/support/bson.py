"""BSON, small enough for tests: Python values to documents and back."""
import base64
import datetime
import struct
from dataclasses import dataclass

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class ObjectId:
    hex: str


@dataclass(frozen=True)
class Int32:
    value: int


@dataclass(frozen=True)
class Int64:
    value: int


@dataclass(frozen=True)
class Date:
    """Milliseconds since 1970, for dates that Python cannot hold."""
    ms: int


@dataclass(frozen=True)
class Decimal128:
    """A finite decimal: coefficient * 10^exponent; or 'NaN', 'Infinity', '-Infinity'."""
    text: str


@dataclass(frozen=True)
class Binary:
    data: bytes
    subtype: int = 0


@dataclass(frozen=True)
class Timestamp:
    seconds: int
    increment: int


@dataclass(frozen=True)
class Regex:
    pattern: str
    options: str = ''


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class CodeWithScope:
    text: str
    scope: dict


@dataclass(frozen=True)
class Symbol:
    text: str


@dataclass(frozen=True)
class DBPointer:
    collection: str
    hex: str


@dataclass(frozen=True)
class Raw:
    """A type byte and bytes as they are: what no driver writes."""
    type: int
    data: bytes


class Undefined:
    pass


class MinKey:
    pass


class MaxKey:
    pass


def decimal_bytes(text):
    special = {'NaN': 0x7C, 'Infinity': 0x78, '-Infinity': 0xF8}
    if text in special:
        return bytes(15) + bytes([special[text]])
    sign = 1 if text.startswith('-') else 0
    digits, _, power = text.lstrip('+-').lower().partition('e')
    whole, _, fraction = digits.partition('.')
    exponent = int(power or 0) - len(fraction)
    bits = sign << 127 | (exponent + 6176) << 113 | int(whole + fraction)
    return bits.to_bytes(16, 'little')


def decimal_text(data):
    bits = int.from_bytes(data, 'little')
    if data[15] & 0x7C == 0x7C:
        return 'NaN'
    if data[15] & 0x78 == 0x78:
        return '-Infinity' if data[15] & 0x80 else 'Infinity'
    exponent = (bits >> 113 & 0x3FFF) - 6176
    return f"{'-' if bits >> 127 else ''}{bits & (1 << 113) - 1}E{exponent}"


def cstring(text):
    return (text if isinstance(text, bytes) else text.encode('utf-8', 'surrogateescape')) + b'\0'


def string(text):
    data = text if isinstance(text, bytes) else text.encode('utf-8', 'surrogateescape')
    return struct.pack('<i', len(data) + 1) + data + b'\0'


def scoped(code):
    body = string(code.text) + encode(code.scope)
    return struct.pack('<i', len(body) + 4) + body


def milliseconds(value):
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.timezone.utc)
    return (value - EPOCH) // datetime.timedelta(milliseconds=1)


def number(value):
    if -2**31 <= value < 2**31:
        return 0x10, struct.pack('<i', value)
    return 0x12, struct.pack('<q', value)


ENCODERS = {
    float: lambda v: (0x01, struct.pack('<d', v)),
    str: lambda v: (0x02, string(v)),
    dict: lambda v: (0x03, encode(v)),
    list: lambda v: (0x04, encode({str(i): x for i, x in enumerate(v)})),
    tuple: lambda v: (0x03, encode(v)),
    bytes: lambda v: (0x05, struct.pack('<iB', len(v), 0) + v),
    Binary: lambda v: (0x05, struct.pack('<iB', len(v.data), v.subtype) + v.data),
    Undefined: lambda v: (0x06, b''),
    ObjectId: lambda v: (0x07, bytes.fromhex(v.hex)),
    bool: lambda v: (0x08, bytes([v])),
    datetime.datetime: lambda v: (0x09, struct.pack('<q', milliseconds(v))),
    Date: lambda v: (0x09, struct.pack('<q', v.ms)),
    type(None): lambda v: (0x0A, b''),
    Regex: lambda v: (0x0B, cstring(v.pattern) + cstring(v.options)),
    DBPointer: lambda v: (0x0C, string(v.collection) + bytes.fromhex(v.hex)),
    Code: lambda v: (0x0D, string(v.text)),
    Symbol: lambda v: (0x0E, string(v.text)),
    CodeWithScope: lambda v: (0x0F, scoped(v)),
    int: number,
    Int32: lambda v: (0x10, struct.pack('<i', v.value)),
    Timestamp: lambda v: (0x11, struct.pack('<II', v.increment, v.seconds)),
    Int64: lambda v: (0x12, struct.pack('<q', v.value)),
    Decimal128: lambda v: (0x13, decimal_bytes(v.text)),
    Raw: lambda v: (v.type, v.data),
    MinKey: lambda v: (0xFF, b''),
    MaxKey: lambda v: (0x7F, b''),
}


def encode(document):
    """A dict, or a tuple of (key, value) pairs where a key comes twice. Keys and strings may be bytes
    inside Raw only."""
    pairs = document.items() if isinstance(document, dict) else document
    body = bytearray()
    for key, value in pairs:
        kind, data = ENCODERS[type(value)](value)
        body += bytes([kind]) + cstring(key) + data
    return struct.pack('<i', len(body) + 5) + bytes(body) + b'\0'


def write(path, documents):
    with open(path, 'wb') as file:
        for document in documents:
            file.write(document if isinstance(document, bytes) else encode(document))


class _Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, form):
        values = struct.unpack_from('<' + form, self.data, self.at)
        self.at += struct.calcsize('<' + form)
        return values if len(values) > 1 else values[0]

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def cstring(self):
        end = self.data.index(b'\0', self.at)
        text = self.data[self.at:end]
        self.at = end + 1
        return text.decode('utf-8', 'surrogateescape')

    def string(self):
        return self.bytes(self.take('i'))[:-1].decode('utf-8', 'surrogateescape')

    def binary(self):
        length, subtype = self.take('iB')
        data = self.bytes(length)
        return data if subtype == 0 else Binary(data, subtype)

    def scoped(self):
        self.take('i')
        return CodeWithScope(self.string(), self.document())

    def timestamp(self):
        increment, seconds = self.take('II')
        return Timestamp(seconds, increment)

    def document(self):
        end = self.at + self.take('i') - 1
        pairs = []
        while self.at < end:
            kind = self.take('B')
            key = self.cstring()
            pairs.append((key, self.value(kind)))
        self.at = end + 1
        return dict(pairs)

    def value(self, kind):
        readers = {
            0x01: lambda: self.take('d'), 0x02: self.string, 0x03: self.document,
            0x04: lambda: list(self.document().values()), 0x05: self.binary, 0x06: Undefined,
            0x07: lambda: ObjectId(self.bytes(12).hex()), 0x08: lambda: self.take('?'),
            0x09: lambda: Date(self.take('q')), 0x0A: lambda: None,
            0x0B: lambda: Regex(self.cstring(), self.cstring()),
            0x0C: lambda: DBPointer(self.string(), self.bytes(12).hex()), 0x0D: lambda: Code(self.string()),
            0x0E: lambda: Symbol(self.string()), 0x0F: self.scoped,
            0x10: lambda: self.take('i'), 0x11: self.timestamp, 0x12: lambda: Int64(self.take('q')),
            0x13: lambda: Decimal128(decimal_text(self.bytes(16))), 0x7F: MaxKey, 0xFF: MinKey,
        }
        return readers[kind]()


def decode(data):
    """One document."""
    return _Reader(bytes(data)).document()


def value_at(data, kind, at):
    """One value inside a document's bytes."""
    return _Reader(bytes(data), at).value(kind)


def plain(value):
    """What lies in a Raw; anything else as it is."""
    return _Reader(bytes(value.data)).value(value.type) if isinstance(value, Raw) else value


def decode_all(data):
    """Every document of a file's bytes."""
    reader, documents = _Reader(data), []
    while reader.at < len(data):
        documents.append(reader.document())
    return documents


def split(data):
    """The documents of a file's bytes as views, none decoded."""
    view, at, found = memoryview(data), 0, []
    while at < len(data):
        size = struct.unpack_from('<i', data, at)[0]
        found.append(view[at:at + size])
        at += size
    return found


def count(data):
    """How many documents a file's bytes hold, by their sizes alone."""
    at = found = 0
    while at < len(data):
        at += struct.unpack_from('<i', data, at)[0]
        found += 1
    return found


def _binary_of(base64_text, subtype):
    data = base64.b64decode(base64_text)
    return data if subtype == 0 else Binary(data, subtype)


EXTENDED = {
    '$oid': ObjectId, '$numberInt': int, '$numberLong': lambda v: Int64(int(v)),
    '$numberDouble': lambda v: float(v.replace('Infinity', 'inf')),
    '$numberDecimal': lambda v: Decimal128(decimal_text(decimal_bytes(v))),
    '$date': lambda v: Date(int(v['$numberLong'])), '$timestamp': lambda v: Timestamp(v['t'], v['i']),
    '$binary': lambda v: _binary_of(v['base64'], int(v['subType'], 16)), '$symbol': Symbol,
    '$regularExpression': lambda v: Regex(v['pattern'], v['options']), '$undefined': lambda v: Undefined(),
    '$minKey': lambda v: MinKey(), '$maxKey': lambda v: MaxKey(),
    '$dbPointer': lambda v: DBPointer(v['$ref'], v['$id']['$oid']),
}


def from_extended(value):
    """Canonical Extended JSON, as Python's json reads it."""
    if isinstance(value, list):
        return [from_extended(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if '$code' in value:
        return CodeWithScope(value['$code'], from_extended(value['$scope'])) if '$scope' in value else Code(
            value['$code'])
    if len(value) == 1:
        (name, inner), = value.items()
        if name in EXTENDED and not (name == '$date' and not isinstance(inner, dict)):
            return EXTENDED[name](inner)
    return {name: from_extended(inner) for name, inner in value.items()}
