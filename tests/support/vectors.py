"""An independent model of what pgvector stores: values as bits, and COPY BINARY written and read by hand."""
import random
import struct

SIGNATURE = b'PGCOPY\n\xff\r\n\0' + bytes(8)
# Bits of floats that conversions like to lose: zeros, the least subnormals and normal numbers, the
# largest, one whose shortest text a double rounds to its neighbour, ties.
FLOATS = (0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF,
          0x15AE43FD, 0x95AE43FD, 0x3F800000, 0x3F800001, 0x3DCCCCCD, 0x4B800001, 0x5A0E1BCA, 0x33800000,
          0x501502F9)
HALVES = (0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x3C00, 0x3555, 0x2E66)


def float_of(bits):
    return struct.unpack('>f', struct.pack('>I', bits))[0]


def bits_of(number):
    """Of the float nearest to a double."""
    return struct.unpack('>I', struct.pack('>f', number))[0]


class Random(random.Random):
    """Finite floats by their bits: every exponent is as likely as another."""

    def single(self):
        while True:
            bits = self.choice(FLOATS) if self.random() < 0.2 else self.getrandbits(32)
            if bits & 0x7F800000 != 0x7F800000:
                return bits

    def half(self):
        while True:
            bits = self.choice(HALVES) if self.random() < 0.2 else self.getrandbits(16)
            if bits & 0x7C00 != 0x7C00:
                return bits

    def singles(self, count):
        return [self.single() for _ in range(count)]

    def halves(self, count):
        return [self.half() for _ in range(count)]

    def sparse(self, dimensions, most):
        """(dimensions, {index from 0: bits of a float that is not zero})."""
        places = self.sample(range(dimensions), self.randint(0, min(most, dimensions)))
        return dimensions, {at: bits for at in sorted(places) if (bits := self.single()) & 0x7FFFFFFF}

    def bits(self, count):
        return ''.join(self.choice('01') for _ in range(count))

    def text(self, most=12):
        """Any Unicode that PostgreSQL stores, and what formats have to escape."""
        out = ''
        for _ in range(self.randint(0, most)):
            kind = self.random()
            if kind < 0.3:
                out += self.choice('"\\\n\r\t\b,{}[]:\'$/\x01\x7f')
            elif kind < 0.6:
                out += chr(self.randint(0x20, 0x7E))
            else:
                while 0xD800 <= (code := self.randint(0x80, 0x10FFFF)) < 0xE000:
                    pass
                out += chr(code)
        return out


# Fields in their binary form.

def vector(bits):
    return struct.pack(f'>hh{len(bits)}I', len(bits), 0, *bits)


def halfvec(bits):
    return struct.pack(f'>hh{len(bits)}H', len(bits), 0, *bits)


def sparsevec(value):
    dimensions, entries = value
    count = len(entries)
    return struct.pack(f'>iii{count}i{count}I', dimensions, count, 0, *entries, *entries.values())


def bit(text):
    padded = text + '0' * (-len(text) % 8)
    return struct.pack('>i', len(text)) + bytes(int(padded[i:i + 8], 2) for i in range(0, len(padded), 8))


def jsonb(text):
    return b'\x01' + text.encode()


def copy_binary(rows):
    """A COPY BINARY file: rows of fields, None is NULL."""
    out = bytearray(SIGNATURE)
    for row in rows:
        out += struct.pack('>h', len(row))
        for field in row:
            out += struct.pack('>i', -1) if field is None else struct.pack('>i', len(field)) + field
    return bytes(out) + struct.pack('>h', -1)


def copied(data):
    """The rows of a COPY BINARY file."""
    assert data.startswith(SIGNATURE)
    at, rows = len(SIGNATURE), []
    while (count := struct.unpack_from('>h', data, at)[0]) >= 0:
        at, row = at + 2, []
        for _ in range(count):
            size, at = struct.unpack_from('>i', data, at)[0], at + 4
            row.append(None if size < 0 else data[at:at + size])
            at += max(size, 0)
        rows.append(row)
    return rows
