"""mongodump --archive, written by tests: a prelude, interleaved blocks, a checksum for each collection."""
import struct

import bson

END = b'\xff\xff\xff\xff'


def _table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0xC96C5795D7870F42 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def crc64(data):
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFFFFFFFFFF


def split(data):
    """The documents of a file, as bytes."""
    out, at = [], 0
    while at < len(data):
        size = struct.unpack_from('<i', data, at)[0]
        out.append(data[at:at + size])
        at += size
    return out


def _header(database, collection, end, crc):
    signed = struct.unpack('<q', struct.pack('<Q', crc))[0]
    return bson.encode({'db': database, 'collection': collection, 'EOF': end, 'CRC': bson.Int64(signed)})


def archive(collections, oplog=None, block=7):
    """collections: {'db.name': (bytes of all documents, text of the metadata)}; the oplog comes last,
    as mongodump has it."""
    out = bytearray(b'\x6d\xe2\x99\x81' + bson.encode({'concurrent_collections': 4, 'version': '0.1',
                                                       'server_version': '4.9.0',
                                                       'tool_version': '100.12.2'}))
    for name, (_, metadata) in collections.items():
        database, _, collection = name.partition('.')
        out += bson.encode({'db': database, 'collection': collection, 'metadata': metadata, 'size': 0,
                            'type': 'collection'})
    out += END
    waiting = {tuple(name.split('.', 1)): (split(data), data) for name, (data, _) in collections.items()}
    if oplog is not None:
        waiting[('', 'oplog')] = (split(oplog), oplog)
    while waiting:
        # Blocks of the collections alternate; the oplog has its turn once they are done.
        for key in [k for k in waiting if k[0] or len(waiting) == 1]:
            documents, data = waiting[key]
            if documents:
                out += _header(*key, False, 0) + b''.join(documents[:block]) + END
                waiting[key] = (documents[block:], data)
            else:
                out += _header(*key, True, crc64(data)) + END
                del waiting[key]
    return bytes(out)
