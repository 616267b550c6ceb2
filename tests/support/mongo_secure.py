"""A replica that wants to be spoken to as servers on a network do: through TLS, by users that say who they are
with SCRAM or a certificate, and with messages made small. Certificates are made by the program openssl."""
import base64
import functools
import hashlib
import hmac
import os
import shutil
import ssl
import subprocess
import tempfile
from pathlib import Path

import bson
import harness
from mongo_replica import Replica
from mongo_wire import CommandError

ROUNDS, SALT = {'sha1': 10_000, 'sha256': 15_000}, {'sha1': 16, 'sha256': 28}
MECHANISMS = {'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256'}
FREE = ('hello', 'isMaster', 'ismaster', 'saslStart', 'saslContinue', 'authenticate', 'ping')


def need_openssl():
    if shutil.which('openssl') is None:
        harness.skip('certificates are made by openssl, which is not installed')


@functools.cache
def authority(name):
    """A certificate authority: the directory with its ca.pem."""
    folder = Path(tempfile.mkdtemp(prefix='lug-ca-', dir=harness.scratch_root()))
    run(folder, 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days',
        '30', '-subj', f'/CN={name}')
    return folder


def run(folder, *arguments):
    done = subprocess.run(['openssl', *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f'openssl {arguments}: {done.stderr}')
    return done.stdout


@functools.cache
def certificate(ca, subject, names='IP:127.0.0.1', days=30):
    """A file with a certificate that the authority `ca` has signed, and its key."""
    folder = authority(ca)
    stem = f'{len(os.listdir(folder))}'
    (folder / f'{stem}.ext').write_text(f'subjectAltName={names}\n', encoding='ascii')
    run(folder, 'req', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{stem}.key', '-out', f'{stem}.csr', '-subj',
        subject)
    run(folder, 'x509', '-req', '-in', f'{stem}.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
        '-out', f'{stem}.crt', '-days', str(days), '-extfile', f'{stem}.ext')
    path = folder / f'{stem}.pem'
    path.write_text((folder / f'{stem}.crt').read_text() + (folder / f'{stem}.key').read_text())
    return path


class Scram:
    """One conversation, on the server's side."""

    def __init__(self, mechanism, users):
        self.hash, self.users = MECHANISMS[mechanism], users
        self.first, self.number, self.user = None, 0, None

    def keys(self):
        password = self.users[self.user]
        if self.hash == 'sha1':
            password = hashlib.md5(f'{self.user}:mongo:{password}'.encode()).hexdigest()
        salt = hashlib.sha256(self.user.encode()).digest()[:SALT[self.hash]]
        salted = hashlib.pbkdf2_hmac(self.hash, password.encode(), salt, ROUNDS[self.hash])
        return salt, salted

    def mac(self, key, words):
        return hmac.digest(key, words, self.hash)

    def step(self, payload):
        self.number += 1
        if self.number == 1:
            self.first = payload.partition(b'n,,')[2].decode()
            fields = dict(part.split('=', 1) for part in self.first.split(','))
            self.user = fields['n'].replace('=2C', ',').replace('=3D', '=')
            if self.user not in self.users:
                raise CommandError(18, 'Authentication failed.')
            self.nonce = fields['r'] + 'server'
            salt = base64.b64encode(self.keys()[0]).decode()
            self.answer = f'r={self.nonce},s={salt},i={ROUNDS[self.hash]}'
            return self.answer.encode(), False
        if self.number == 2:
            return self.finish(payload.decode()), False
        return b'', True

    def finish(self, final):
        without, _, proof = final.rpartition(',p=')
        if f'r={self.nonce}' not in without.split(','):
            raise CommandError(18, 'Authentication failed.')
        words, salted = f'{self.first},{self.answer},{without}'.encode(), self.keys()[1]
        client_key = self.mac(salted, b'Client Key')
        stored = hashlib.new(self.hash, client_key).digest()
        mask = self.mac(stored, words)
        if base64.b64decode(proof) != bytes(a ^ b for a, b in zip(client_key, mask)):
            raise CommandError(18, 'Authentication failed.')
        server = self.mac(self.mac(salted, b'Server Key'), words)
        return b'v=' + base64.b64encode(server)


class SecureReplica(Replica):
    """`certificate` makes it speak TLS only; `client_ca` asks clients for a certificate of that authority;
    `users` are names and passwords, `subjects` those of certificates; with either, who said nothing is
    refused. `compressors` are those that it offers."""

    def __init__(self, certificate=None, client_ca=None, users=None, subjects=(), compressors=(),
                 mechanisms=tuple(MECHANISMS), **more):
        self.context, self.users, self.subjects = None, users or {}, subjects
        self.compressors, self.mechanisms = compressors, mechanisms
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            if client_ca:
                self.context.verify_mode = ssl.CERT_OPTIONAL
                self.context.load_verify_locations(client_ca)
        self.talks, self.known, self.last_peer = {}, {}, None
        super().__init__(**more)

    def accept(self, connection):
        if self.context is None:
            return connection
        link = self.context.wrap_socket(connection, server_side=True)
        self.connections.discard(connection)
        self.connections.add(link)
        self.last_peer = link.getpeercert()
        return link

    def answer(self, body, connection):
        name = next(iter(body))
        if name in ('saslStart', 'saslContinue', 'authenticate'):
            return self.authenticate(name, body, connection)
        if (self.users or self.subjects) and connection not in self.known and name not in FREE:
            return CommandError(13, f'command {name} requires authentication').reply()
        reply = super().answer(body, connection)
        if name in ('hello', 'isMaster', 'ismaster'):
            wanted = body.get('compression') or []
            if common := [one for one in self.compressors if one in wanted]:
                reply['compression'] = common
            if 'saslSupportedMechs' in body:
                reply['saslSupportedMechs'] = list(self.mechanisms)
        return reply

    def authenticate(self, name, body, connection):
        try:
            if name == 'authenticate':
                return self.by_certificate(body, connection)
            if name == 'saslStart':
                if body['mechanism'] not in self.mechanisms:
                    raise CommandError(334, f"Unsupported mechanism '{body['mechanism']}'")
                self.talks[connection] = Scram(body['mechanism'], self.users)
            talk = self.talks[connection]
            payload, done = talk.step(getattr(body['payload'], 'data', body['payload']))
            if done:
                self.known[connection] = talk.user, body['$db']
            return {'conversationId': 1, 'done': done, 'payload': bson.Binary(payload), 'ok': 1.0}
        except CommandError as error:
            return error.reply()

    def by_certificate(self, body, connection):
        """The user is the subject of the certificate, the last part first."""
        subject = ','.join(f'{SHORT.get(key, key)}={value}' for part in reversed(
            (self.last_peer or {}).get('subject', ())) for key, value in part)
        if subject not in self.subjects or body.get('user', subject) != subject:
            raise CommandError(18, f'There is no user {subject}@$external')
        self.known[connection] = subject, body['$db']
        return {'dbname': '$external', 'user': subject, 'ok': 1.0}


SHORT = {'commonName': 'CN', 'organizationName': 'O', 'organizationalUnitName': 'OU', 'countryName': 'C'}
