"""A unix socket in front of a server that counts statements and, at one of them, cuts the connection
or calls a function."""
import struct
import threading

from between import Between


class Cutter(Between):
    """`at`: the number of the statement, from 1, among those that hold `text`; `when`: 'before' it
    reaches the server or 'after'; `act`: called instead of cutting."""

    def __init__(self, server, at, when='before', act=None, text=b''):
        self.at, self.when, self.act, self.text = at, when, act, text
        self.count, self.fired = 0, False
        super().__init__(server)

    def joined(self, client, upstream):
        threading.Thread(target=self._back, args=(upstream, client), daemon=True).start()
        threading.Thread(target=self._forth, args=(client, upstream), daemon=True).start()

    def _end(self, *sockets):
        for one in sockets:
            self.shut(one)
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
