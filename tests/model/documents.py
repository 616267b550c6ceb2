"""Random documents: ordinary ones, and the odd but legal."""
import math
import random

from bson import (Binary, Code, Date, Decimal128, Int32, Int64, MaxKey, MinKey, ObjectId, Regex,
                  Timestamp, Undefined)

INTS = (0, 1, -1, 2, 7, 42, 100, 2**31 - 1, -2**31, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -2**63, 10**15)
DOUBLES = (0.0, -0.0, 1.0, 2.0, 0.1, 1.25, -3.5, 1e15, 1e22, 1e300, 5e-324, 2.0**63, math.nan, math.inf,
           -math.inf, 123456.789)
DECIMALS = ('0', '-0', '1', '1.00', '0.1', '-7.25', '1E3', '1E-7', '12345678901234567890', '9.99', '1E40',
            'NaN', 'Infinity', '-Infinity')
TEXTS = ('', ' ', 'a', 'ann@example.com', ' padded ', 'Zoë ☕ 😀', 'tab\tnew\nline',
         'back\\slash "quoted"', '\\N', "it's", 'x\x01y', 'null', '{"a": 1}', '64f1c0a1b2c3d4e5f6071829',
         '$n:1', '\u2028', '{}', '\\x41', 'a,b;c|d')
NUMBER_TEXTS = ('1', '0', '-5', '12abc', '3.5', ' 7 ', '1e3', '9223372036854775808', '1,5', 'NaN', 'Infinity',
                '+7', '.5', '0x10', '1_000', '3.0', '-0')
BOOL_TEXTS = ('true', 'FALSE', 't', 'no', 'on', 'tr', '1', 'maybe', ' yes\n', ' ')
TIME_TEXTS = ('2026-01-05', '2026-01-05T10:00:00Z', '2026-01-05 10:00:00.123456+02', '2026-02-30',
              'yesterday', 'infinity', '-infinity', '2026-13-01', 'x')
DATES = (0, 1, -1, 1773221400123, 253402300799999, -62135596800000, 86_400_000, 253402300800000, 2**63 - 1)
UUIDS = ('00112233-4455-6677-8899-aabbccddeeff', '00112233445566778899AABBCCDDEEFF',
         'f47ac10b-58cc-4372-a567-0e02b2c3d479', 'not-a-uuid')
NAMES = ('a', 'b', 'c', 'A', 'x.y', '$d', '', 'ä b', '0', '*', 'toString', 'a' * 70, '_id', '"q"')


class Values:
    """Values drawn from one stream of random numbers. `odd`: how often one is of another kind than its
    field's."""

    def __init__(self, rng, odd=0.12):
        self.rng, self.odd = rng, odd

    def int(self):
        value = self.rng.choice(INTS) if self.rng.random() < 0.4 else self.rng.randrange(-1000, 1000)
        if self.rng.random() < 0.4 or not -2**31 <= value < 2**31:
            return Int64(value)
        return Int32(value)

    def double(self):
        return self.rng.choice(DOUBLES) if self.rng.random() < 0.5 else self.rng.randrange(
            -10_000, 10_000) / 8

    def decimal(self):
        return Decimal128(self.rng.choice(DECIMALS))

    def number(self):
        return self.rng.choice((self.int, self.int, self.double, self.decimal))()

    def text(self):
        if self.rng.random() < 0.02:
            return 'nul\0inside'
        if self.rng.random() < 0.3:
            return ''.join(self.rng.choices('abcxyzäß€ ', k=self.rng.randrange(12)))
        return self.rng.choice(TEXTS)

    def number_text(self):
        return self.rng.choice(NUMBER_TEXTS)

    def bool(self):
        return self.rng.random() < 0.5

    def bool_text(self):
        return self.rng.choice(BOOL_TEXTS)

    def date(self):
        return Date(self.rng.choice(DATES) if self.rng.random() < 0.4 else self.rng.randrange(
                        10**12, 2 * 10**12))

    def near_date(self):
        """One whose milliseconds are spelled alike everywhere: of the years 1 to 9999."""
        return Date(self.rng.choice(DATES[:7]))

    def time_text(self):
        return self.rng.choice(TIME_TEXTS)

    def uuid(self):
        return Binary(bytes(self.rng.choices(range(256), k=16)),
                      4) if self.rng.random() < 0.6 else self.rng.choice(UUIDS)

    def binary(self):
        return Binary(bytes(self.rng.choices(range(256), k=self.rng.randrange(20))),
                      self.rng.choice((0, 0, 5, 128)))

    def oid(self):
        return ObjectId(f'64f1c0a2b3c4d5e6{self.rng.randrange(50):08x}')

    def rare(self):
        return self.rng.choice((MinKey(), MaxKey(), Undefined(), Regex('^a"/', 'im'), Code('return 1'),
                                Timestamp(1773221400, 7), Timestamp(2**32 - 1, 0)))

    def wide(self):
        return self.rng.choice('xyä') * self.rng.choice((100, 3000, 20_000))

    def scalar(self):
        kinds = (self.number, self.text, self.number_text, self.bool, self.near_date, self.uuid, self.oid,
                 self.binary, self.rare)
        return self.rng.choice(kinds)()

    def document(self, depth=2):
        names = [self.rng.choice(NAMES) for _ in range(self.rng.randrange(4))]
        if self.rng.random() < 0.9:
            names = list(dict.fromkeys(names))
        return tuple((n, self.any(depth - 1)) for n in names)

    def array(self, depth=2):
        return [self.any(depth - 1) for _ in range(self.rng.randrange(4))]

    def any(self, depth=2):
        chance = self.rng.random()
        if depth > 0 and chance < 0.15:
            return self.document(depth)
        if depth > 0 and chance < 0.25:
            return self.array(depth)
        return None if chance < 0.33 else self.scalar()

    def of(self, kind):
        """A value of a field of this kind, or of another one."""
        if self.rng.random() < self.odd:
            return self.any()
        return getattr(self, kind)()


class Collection:
    """The fields of a collection: what its documents are like, and how often they are hostile."""

    KINDS = ('int', 'double', 'decimal', 'number', 'text', 'number_text', 'bool', 'bool_text', 'date',
             'time_text', 'uuid', 'document', 'array', 'any', 'wide', 'scalar')
    FIELDS = ('n', 's', 'd', 'f', 'when', 'Flag', 'ünï', 'a b', 'x.y', 'sub', 'v', 'z')

    def __init__(self, rng):
        self.rng = rng
        self.values = Values(rng, rng.choice((0, 0.05, 0.3)))
        self.fields = {name: rng.choice(self.KINDS) for name in rng.sample(self.FIELDS, rng.randrange(2, 7))}
        self.inner = {
            name: rng.choice(self.KINDS) for name in rng.sample(('p', 'q', 'r.r'), rng.randrange(0, 3))}
        self.items = {name: rng.choice(('int', 'text', 'number', 'date', 'bool',
                                        'any')) for name in ('q', 'p')}
        self.ids = rng.choice(('int', 'int', 'text', 'oid', 'mixed', 'document'))
        self.twice = rng.choice((0, 0, 0, 0.1, 0.4))
        self.missing = rng.choice((0.02, 0.15))
        self.words = rng.choice((0, 0.1, 0.4))
        self.kinds = rng.random()
        self.odd_items = rng.choice((0, 0, 0.03))

    def identity(self, number):
        kind = self.rng.choice(('int', 'text', 'oid', 'document')) if self.ids == 'mixed' else self.ids
        if kind == 'int':
            # One number in four types is one id.
            return self.rng.choice((Int32(number), Int32(number), Int64(number), float(number),
                                    Decimal128(f'{number}.00')))
        if kind == 'text':
            return self.rng.choice((f'id-{number}', f'id-{number}', f'${number}', f'ä {number}',
                                    f'{number:024x}'))
        if kind == 'oid':
            return ObjectId(f'64f1c0a2b3c4d5e6{number:08x}')
        return (('a', Int32(number)), ('b', 'x'))

    def document(self, number):
        pairs = [('_id', self.identity(number))]
        for name, kind in self.fields.items():
            if self.rng.random() >= self.missing:
                pairs.append((name, None if self.rng.random() < self.missing / 2 else self.values.of(kind)))
        if self.inner and self.rng.random() >= self.missing:
            pairs.append(('in',
                          tuple((name, self.values.of(kind))
                                for name, kind in self.inner.items() if self.rng.random() > 0.1)))
        if self.rng.random() > 0.3:
            pairs.append(('tags', [self.values.of('text') for _ in range(self.rng.randrange(4))]))
        if self.rng.random() > 0.3:
            pairs.append(('items', [self.item() for _ in range(self.rng.randrange(4))]))
        elif self.rng.random() < self.odd_items:
            pairs.append(('items', self.values.any()))
        if self.rng.random() < self.words:
            pairs.append(('h',
                          self.rng.choice(('skip', 'reject', 'set', 'clear', 'emit', 'shared', 'list', 'else',
                                           1))))
        pairs.append(('kind', self.kind(number)))
        pairs.append(('ver', Int32(self.rng.randrange(4)) if self.rng.random() > 0.05 else None))
        if self.rng.random() < 0.04:
            name = self.rng.choice(pairs[1:])[0]
            pairs.insert(self.rng.randrange(1, len(pairs)), (name, self.values.any()))
        return tuple(pairs)

    def kind(self, number):
        """A document keeps its kind: which table it belongs to does not change."""
        other = random.Random(f'{self.kinds} {number}')
        return other.choice(('A', 'B', 'C')) if other.random() > 0.1 else Values(other).scalar()

    def item(self):
        made = tuple((name, self.values.of(kind))
                     for name, kind in self.items.items() if self.rng.random() > 0.1)
        return made + ((('parts', [self.values.of('text') for _ in range(self.rng.randrange(3))]),)
                       if self.rng.random() > 0.5 else ())

    def dump(self, count, first=0):
        found = []
        for number in range(count):
            again = found and self.rng.random() < self.twice
            found.append(self.document(self.rng.randrange(first,
                                                          first + number) if again else first + number))
        return found

    def changed(self, documents):
        """A later dump: most documents as they were, some changed, gone or new."""
        found = []
        for number, document in enumerate(documents):
            chance = self.rng.random()
            if chance < 0.6:
                found.append(document)
            elif chance < 0.9:
                fresh = self.document(number)
                found.append((document[0],
                              *((k, dict(document).get('kind') if k == 'kind' else v) for k, v in fresh[1:])))
        return found + self.dump(self.rng.randrange(5), 10_000)
