"""A unix socket in front of a server that counts statements and, at one of them, cuts the connection
or calls a function."""
import os
import socket
import struct
import tempfile
import threading


class Cutter:
    """`at`: the number of the statement, from 1, among those that hold `text`; `when`: 'before' it
    reaches the server or 'after'; `act`: called instead of cutting."""

    def __init__(self, server, at, when='before', act=None, text=b''):
        self.server, self.at, self.when, self.act, self.text = server, at, when, act, text
        self.directory = tempfile.mkdtemp(prefix='lug-c-')
        os.chmod(self.directory, 0o755)
        self.count, self.fired, self.lock = 0, False, threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.directory + '/.s.PGSQL.5432')
        os.chmod(self.directory + '/.s.PGSQL.5432', 0o777)
        self.listener.listen(20)
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database):
        return f'postgresql:///{database.name}?host={self.directory}&user={database.user}'

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self.server.directory + '/.s.PGSQL.5432')
            threading.Thread(target=self._back, args=(upstream, client), daemon=True).start()
            threading.Thread(target=self._forth, args=(client, upstream), daemon=True).start()

    @staticmethod
    def _end(*sockets):
        for one in sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _back(self, upstream, client):
        try:
            while data := upstream.recv(65536):
                client.sendall(data)
        except OSError:
            pass
        self._end(upstream, client)

    def _fire(self, client, upstream):
        self.fired = True
        if self.act:
            self.act()
        self._end(client, upstream)

    def _forth(self, client, upstream):
        try:
            stream = client.makefile('rb')
            head = stream.read(4)
            upstream.sendall(head + stream.read(struct.unpack('>I', head)[0] - 4))
            while kind := stream.read(1):
                size = stream.read(4)
                message = kind + size + stream.read(struct.unpack('>I', size)[0] - 4)
                with self.lock:
                    self.count += kind in (b'Q', b'P') and self.text in message
                    now = kind in (b'Q', b'S') and self.count >= self.at and not self.fired
                    if now and self.when == 'before':
                        return self._fire(client, upstream)
                    upstream.sendall(message)
                    if now:
                        return self._fire(client, upstream)
        except (OSError, struct.error):
            pass
        self._end(client, upstream)
        return None
