"""Run by `unshare -rmn`: a network of its own, with a name server that knows db.shop.example and a replica that
speaks TLS. Copies with `lugger run` in the directory that is given, by mongodb+srv."""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import bson
from mongo_secure import SecureReplica

SIOCSIFFLAGS, IFF_UP, MS_BIND = 0x8914, 1, 4096
A, TXT, SRV = 1, 16, 33


def bring_up_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack('16sh', b'lo', IFF_UP))


def put_over(path, text, directory):
    """A file of the system that has another content for us alone."""
    ours = Path(directory) / Path(path).name
    ours.write_text(text, encoding='ascii')
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(str(ours).encode(), path.encode(), None, MS_BIND, None):
        raise OSError(ctypes.get_errno(), f'{path} cannot be covered')


def name_of(words):
    return b''.join(bytes([len(word)]) + word.encode() for word in words.split('.')) + b'\0'


class NameServer:
    """Answers what `records` holds: (name, type) to the data of each record."""

    def __init__(self, records):
        self.records, self.asked = records, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, sender = self.socket.recvfrom(4096)
            end = query.index(b'\0', 12)
            words, at = [], 12
            while at < end:
                words.append(query[at + 1:at + 1 + query[at]].decode().lower())
                at += 1 + query[at]
            kind = struct.unpack_from('>H', query, end + 1)[0]
            found = self.records.get(('.'.join(words), kind), [])
            known = found or any(name == '.'.join(words) for name, _ in self.records)
            self.asked.append(('.'.join(words), kind))
            head = query[:2] + struct.pack('>HHHHH', 0x8580 if known else 0x8583, 1, len(found), 0, 0)
            answers = b''.join(b'\xc0\x0c' + struct.pack('>HHIH', kind, 1, 60, len(data)) + data for data in found)
            self.socket.sendto(head + query[12:end + 5] + answers, sender)


def run(place, directory, expect):
    done = subprocess.run([os.environ['LUGGER'], 'run', 'job.lua', '--create'], cwd=directory,
                          env={**os.environ, 'MONGO_URI': place}, capture_output=True, text=True, timeout=60)
    if done.returncode != expect:
        raise SystemExit(f'{place}: exit status {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stderr


def main(certificate, authority, directory):
    bring_up_loopback()
    put_over('/etc/resolv.conf', 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n', directory)
    replica = SecureReplica(certificate=certificate, users={'mover': 'secret'})
    replica.serve('shop.docs', b''.join(bson.encode({'_id': bson.Int32(i), 'n': bson.Int32(i)})
                                        for i in range(300)))
    target = struct.pack('>HHH', 0, 0, replica.port)
    names = NameServer({
        ('_mongodb._tcp.db.shop.example', SRV): [target + name_of('db1.shop.example')],
        ('db.shop.example', TXT): [text('authSource=admin&replicaSet=rs0')],
        ('db1.shop.example', A): [socket.inet_aton('127.0.0.1')],
        ('_mongodb._tcp.db.evil.example', SRV): [target + name_of('db1.elsewhere.example')],
        ('db1.elsewhere.example', A): [socket.inet_aton('127.0.0.1')]})
    options = f'/?tlsCAFile={authority}&serverSelectionTimeoutMS=2000'
    run('mongodb+srv://mover:secret@db.shop.example' + options, directory, 0)
    for name, words in (('db.none.example', 'it has an SRV record'), ('db.evil.example', 'must be subdomain')):
        told = run(f'mongodb+srv://mover:secret@{name}{options}', directory, 1)
        if words not in told or 'secret' in told:
            raise SystemExit(f'{name}: {told}')
    print(names.asked)


def text(words):
    return bytes([len(words)]) + words.encode()


if __name__ == '__main__':
    main(*sys.argv[1:])
