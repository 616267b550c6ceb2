"""The way to a server: TLS and what it refuses, users and certificates, compressed messages, the names of
mongodb+srv, tags of a read preference, and members that are down."""
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import unittest
import urllib.parse
from pathlib import Path

import bson
import harness
import mongo_proxy
import mongo_wire
from jobs import Work, job
from live_moves import TAGS, Move, Writer, copy, script
from mongo_replica import Replica
from mongo_secure import SecureReplica, authority, certificate, need_openssl
from postgres import Postgres

NAME = 'mover ü,='
PASSWORD = 'p@ss:w/ö?%,='
USERS = {NAME: PASSWORD}
LOGIN = f'{urllib.parse.quote(NAME, safe="")}:{urllib.parse.quote(PASSWORD, safe="")}@'
SUBJECT = 'CN=mover,OU=apps,O=Shop'
SOON = '&serverSelectionTimeoutMS=1500'


def fill(replica, count=300):
    with replica.changed:
        replica.serve('shop.docs', b''.join(bson.encode({'_id': bson.Int32(i), 'n': bson.Int32(i)})
                                            for i in range(count)))
    return replica


def url(replica, options='', user=''):
    return f'mongodb://{user}{replica.address}/?replicaSet=rs0{options}'


class Reached(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()

    def replica(self, **options):
        one = fill(SecureReplica(**options))
        self.addCleanup(one.stop)
        return one

    def work(self, place):
        work = Work(self.postgres.fresh(), text=job("{ 'n', 'int8' }", conflict='update'))
        work.source = place
        return work

    def copies(self, place):
        work = self.work(place)
        told = work.run('--create')
        self.assertEqual(work.database.number('select count(*) from docs'), 300)
        self.assertNotIn('not encrypted', told.err)
        return told

    def refuses(self, place, *words):
        told = self.work(place).run('--create', expect=1).err
        for one in words:
            self.assertIn(one, told)
        self.assertNotIn(PASSWORD, told)
        return told


class Tls(Reached):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        need_openssl()
        cls.ca = authority('ours') / 'ca.pem'

    def test_a_certificate_is_checked(self):
        replica = self.replica(certificate=certificate('ours', '/CN=db1'))
        self.copies(url(replica, f'&tls=true&tlsCAFile={self.ca}'))
        self.copies(url(replica, '&tls=true&tlsAllowInvalidCertificates=true'))
        for options in ('&tls=true', f'&tls=true&tlsCAFile={authority("another") / "ca.pem"}'):
            self.refuses(url(replica, options + SOON), 'certificate verify failed', 'tlsCAFile=/path')

    def test_the_name_in_a_certificate_is_checked(self):
        replica = self.replica(certificate=certificate('ours', '/CN=127.0.0.1', 'DNS:db9.example.com'))
        options = f'&tls=true&tlsCAFile={self.ca}'
        self.refuses(url(replica, options + SOON), 'mismatch', "another host's")
        self.copies(url(replica, options + '&tlsAllowInvalidHostnames=true'))

    def test_an_expired_certificate(self):
        replica = self.replica(certificate=certificate('ours', '/CN=db1', days=-1))
        self.refuses(url(replica, f'&tls=true&tlsCAFile={self.ca}' + SOON), 'expired')

    def test_files_that_are_not_there(self):
        for option in ('tlsCAFile', 'tlsCertificateKeyFile'):
            told = self.refuses(f'mongodb://127.0.0.1:1/?tls=true&{option}=/no/such.pem', 'cannot be read')
            self.assertIn(option.lower() + '=/no/such.pem', told)

    def test_one_side_speaks_tls_and_the_other_does_not(self):
        replica = self.replica(certificate=certificate('ours', '/CN=db1'))
        self.refuses(url(replica, SOON), 'hung up', 'tls=true in the URL')
        plain = self.replica()
        plain.accept = hang_up_on_tls
        told = self.refuses(url(plain, f'&tls=true&tlsCAFile={self.ca}' + SOON))
        # A handshake that takes longer than it may is told as one that failed.
        self.assertRegex(told, 'hung up|may speak no TLS')

    def test_a_client_says_by_its_certificate_who_it_is(self):
        replica = self.replica(certificate=certificate('ours', '/CN=db1'), client_ca=self.ca,
                               subjects=[SUBJECT])
        options = f'&tls=true&tlsCAFile={self.ca}&authMechanism=MONGODB-X509&authSource=$external'
        mover = certificate('ours', '/O=Shop/OU=apps/CN=mover')
        self.copies(url(replica, f'{options}&tlsCertificateKeyFile={mover}'))
        self.assertEqual({*replica.known.values()}, {(SUBJECT, '$external')})
        stranger = certificate('ours', '/O=Shop/OU=apps/CN=stranger')
        self.refuses(url(replica, f'{options}&tlsCertificateKeyFile={stranger}'), 'no user CN=stranger',
                     'check the user')

    def test_a_move_through_tls_and_lost_connections(self):
        replica = self.replica(certificate=certificate('ours', '/CN=db1'), users=USERS, compressors=['zlib'])
        place = url(replica, f'&tls=true&tlsCAFile={self.ca}&compressors=zlib', LOGIN)
        replica.client = lambda: Straight(replica)
        writer = Writer(replica, 1, 300, name='moved').fill()
        self.addCleanup(writer.finish)
        tags = TAGS.replace('docs', 'moved')
        move = Move(self.postgres, place, script(copy('shop.moved', 'moved', extra=tags)), name='moved')
        self.addCleanup(lambda: move.process.kill())
        writer.start()
        move.start().follow()
        for _ in range(3):
            replica.drop_connections()
            move.settle(replica)
        replica.restart()
        writer.finish()
        move.assert_equal(replica)
        move.end()


class Users(Reached):
    def test_each_mechanism(self):
        for mechanism in ('SCRAM-SHA-1', 'SCRAM-SHA-256'):
            replica = self.replica(users=USERS)
            self.copies(url(replica, f'&authMechanism={mechanism}&authSource=admin', LOGIN))
            self.assertEqual({*replica.known.values()}, {(NAME, 'admin')})

    def test_the_server_is_asked_for_the_mechanism(self):
        for offered in (('SCRAM-SHA-1',), ('SCRAM-SHA-256',), ('SCRAM-SHA-1', 'SCRAM-SHA-256')):
            self.copies(url(self.replica(users=USERS, mechanisms=offered), user=LOGIN))

    def test_a_wrong_password(self):
        replica = self.replica(users=USERS)
        for login in (LOGIN.replace('p%40ss', 'pass'), 'nobody:x@'):
            self.refuses(url(replica, user=login), 'Authentication failed',
                         'check the user, the password and authSource')
        self.refuses(url(replica), 'requires authentication')


class Wire(Reached):
    def test_messages_are_compressed(self):
        for named, offered, packed in (('zlib', ['zlib'], True), ('snappy,zlib', ['zlib'], True),
                                       ('zstd,zlib', ['zlib'], True), ('zlib', [], False)):
            replica = self.replica(compressors=offered)
            self.copies(url(replica, f'&compressors={named}'))
            self.assertEqual(replica.packed > 0, packed, named)

    def test_tags_are_sent_with_each_read(self):
        replica = self.replica()
        replica.told = {'tags': {'dc': 'ny', 'use': 'reports'}}
        with mongo_proxy.Proxy(replica.port) as proxy:
            place = (proxy.url + '&readPreference=%s&readPreferenceTags=dc:sf'
                     '&readPreferenceTags=dc:ny,use:reports')
            self.copies(place % 'nearest')
            reads = [body for body in proxy.seen if next(iter(body)) in ('find', 'aggregate', 'getMore')]
            for body in reads:
                wanted = {'mode': 'nearest', 'tags': [{'dc': 'sf'}, {'dc': 'ny', 'use': 'reports'}]}
                self.assertEqual(bson.plain(body['$readPreference']), wanted)
            self.assertTrue(reads)
            self.refuses(place.replace('dc:ny', 'dc:la') % 'secondary' + SOON, 'No suitable servers')

    def test_members_that_are_down(self):
        """One refuses, one does not answer at all; those that are there suffice."""
        replica = self.replica()
        with socket.create_server(('127.0.0.1', 0)) as gone:
            refusing = gone.getsockname()[1]
        with silent_port() as silent:
            replica.others = [f'127.0.0.1:{refusing}', f'127.0.0.1:{silent}']
            for hosts in ([replica.others[0], replica.address], [replica.others[1], replica.address]):
                self.copies(f'mongodb://{",".join(hosts)}/?replicaSet=rs0&connectTimeoutMS=500')
            # The driver by itself waits 10 seconds on each connection.
            harness.lugger('describe', url(replica), '-c', 'shop.docs', timeout=25)
        self.refuses(url(replica, SOON).replace('rs0', 'rs1'), 'No suitable servers', 'replicaSet')


class Srv(Reached):
    def test_names(self):
        """In a network of its own, where port 53 is ours: nothing else of it is touched."""
        if shutil.which('unshare') is None or subprocess.run(['unshare', '-rmn', 'true']).returncode:
            harness.skip('unshare -rmn is not allowed here')
        need_openssl()
        place = certificate('ours', '/CN=db', 'DNS:db1.shop.example,IP:127.0.0.1')
        work = self.work('set by the script')
        told = subprocess.run(['unshare', '-rmn', sys.executable, str(HERE / 'support' / 'srv_network.py'),
                               str(place), str(authority('ours') / 'ca.pem'), str(work.directory)],
                              capture_output=True, text=True, timeout=120,
                              env={**os.environ, **work.env, 'LUGGER': harness.binary()})
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertEqual(work.database.number('select count(*) from docs'), 300)


HERE = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def silent_port():
    """A port of this machine where nobody answers: as many wait there already as may."""
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.create_server(('127.0.0.1', 0), backlog=0))
        for _ in range(3):
            one = held.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield server.getsockname()[1]


class Straight(mongo_wire.MongoClient):
    """Asks without a connection, and so without TLS and a user."""

    def __init__(self, replica):
        super().__init__(replica.port)
        self.replica = replica

    def command(self, database, command):
        body = bson.decode(bson.encode({**command, '$db': database}))
        return self._checked(bson.decode(bson.encode(Replica.answer(self.replica, body, 0))))


def hang_up_on_tls(connection):
    """As a server without TLS does with what it does not understand."""
    if connection.recv(1, socket.MSG_PEEK) == b'\x16':
        raise ConnectionError
    return connection


if __name__ == '__main__':
    harness.main()
