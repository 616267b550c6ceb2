"""The data of the bench: documents of about 290 bytes as BSON, JSON lines, and the COPY BINARY file
that psql loads."""
import random
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from bson import encode  # noqa: E402

PG_EPOCH_MS = 946684800000
PLANS, CITIES = ('free', 'pro', 'team', 'enterprise'), ('Oslo', 'Lima', 'Kyoto', 'Accra', 'Quito', 'Cork')


def fields(number, rng):
    created = 1577836800000 + number * 137 + rng.randrange(1000)
    metadata = {
        'plan': PLANS[number & 3], 'logins': number % 977, 'score': round(rng.random() * 100, 2),
        'city': CITIES[number % 6], 'tags': ['alpha', 'beta'], 'active': number % 3 == 0,
        'ref': f'campaign-{number % 1000:04d}-autumn-newsletter-2',
    }
    return {
        'oid': f'64f1c0a2{number:016x}', 'email': f'user{number:09d}@example.com',
        'name': f'User Number {number}', 'metadata': metadata, 'created': created,
        'updated': created + 86400000,
    }


def json_text(metadata):
    """The metadata as JSON; the values are known to need no escapes."""
    active = 'true' if metadata['active'] else 'false'
    return (f'{{"plan":"{metadata["plan"]}","logins":{metadata["logins"]},"score":{metadata["score"]!r},'
            f'"city":"{metadata["city"]}","tags":["alpha","beta"],"active":{active},'
            f'"ref":"{metadata["ref"]}"}}')


def string_field(key, text):
    return b'\x02' + key + b'\0' + struct.pack('<i', len(text) + 1) + text.encode() + b'\0'


def bson_document(row):
    body = (b'\x07_id\0' + bytes.fromhex(row['oid']) + string_field(b'email', row['email'])
            + string_field(b'name', row['name']) + b'\x03metadata\0' + encode(row['metadata'])
            + b'\x09createdAt\0' + struct.pack('<q', row['created']) + b'\x09updatedAt\0'
            + struct.pack('<q', row['updated']) + b'\0')
    return struct.pack('<i', len(body) + 4) + body


def json_document(row, metadata):
    return (f'{{"_id":{{"$oid":"{row["oid"]}"}},"email":"{row["email"]}","name":"{row["name"]}",'
            f'"metadata":{metadata},"createdAt":{{"$date":{{"$numberLong":"{row["created"]}"}}}},'
            f'"updatedAt":{{"$date":{{"$numberLong":"{row["updated"]}"}}}}}}\n')


def copy_tuple(row, metadata):
    values = (row['oid'].encode(), row['email'].encode(), row['name'].encode(), b'\x01' + metadata.encode(),
              struct.pack('>q', (row['created'] - PG_EPOCH_MS) * 1000),
              struct.pack('>q', (row['updated'] - PG_EPOCH_MS) * 1000))
    return b'\0\x06' + b''.join(struct.pack('>i', len(value)) + value for value in values)


COPY_HEAD = b'PGCOPY\n\xff\r\n\0' + struct.pack('>ii', 0, 0)


def generate(directory, rows, parts=2, everything=True):
    """users.bson, and with `everything` users.json and users.<part>of<parts>.copy, users.copy. Files
    that are there stay."""
    directory = Path(directory)
    if (directory / f'made-{rows}').exists():
        return
    rng = random.Random(1)
    names = ['users.copy', *(f'users.{i}.copy' for i in range(parts))] if everything else []
    copies = [open(directory / name, 'wb') for name in names]
    for file in copies:
        file.write(COPY_HEAD)
    json_file = open(directory / 'users.json', 'w', encoding='utf-8') if everything else None
    with open(directory / 'users.bson', 'wb', buffering=1 << 20) as bson_file:
        for number in range(rows):
            row = fields(number, rng)
            bson_file.write(bson_document(row))
            if everything:
                metadata = json_text(row['metadata'])
                json_file.write(json_document(row, metadata))
                encoded = copy_tuple(row, metadata)
                copies[0].write(encoded)
                copies[1 + number * parts // rows].write(encoded)
    for file in copies:
        file.write(b'\xff\xff')
        file.close()
    if json_file:
        json_file.close()
    (directory / f'made-{rows}').touch()


if __name__ == '__main__':
    generate(sys.argv[1], int(sys.argv[2]))
