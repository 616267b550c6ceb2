"""A box in the middle: a unix socket in front of a server that can fall silent, or forget its
connections so that one side alone hears of it."""
import os
import socket
import tempfile
import threading


class Middle:
    def __init__(self, server):
        self.server = server
        self.directory = tempfile.mkdtemp(prefix='lug-m-')
        os.chmod(self.directory, 0o755)
        self.lock, self.pairs = threading.Lock(), []
        self.open = threading.Event()  # cleared: nothing passes
        self.open.set()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.directory + '/.s.PGSQL.5432')
        os.chmod(self.directory + '/.s.PGSQL.5432', 0o777)
        self.listener.listen(50)
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database):
        return f'postgresql:///{database.name}?host={self.directory}&user={database.user}'

    def fall_silent(self):
        """From here on nothing passes; connections are taken, and get no answer."""
        self.open.clear()

    def forget(self):
        """Ends all connections towards the client; the server hears nothing of it."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for client, _ in pairs:
            self._end(client)
        self.forgotten = pairs  # still open towards the server

    def close(self):
        self.open.set()
        self.listener.close()
        with self.lock:
            pairs = self.pairs + getattr(self, 'forgotten', [])
        for pair in pairs:
            for one in pair:
                self._end(one)
                one.close()

    @staticmethod
    def _end(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(self.server.directory + '/.s.PGSQL.5432')
            with self.lock:
                self.pairs.append((client, upstream))
            for ends in ((client, upstream), (upstream, client)):
                threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source, sink):
        try:
            while data := source.recv(65536):
                self.open.wait()
                sink.sendall(data)
        except OSError:
            pass
        with self.lock:
            known = any(source in pair for pair in self.pairs)
        if known:  # a forgotten connection stays as it is
            self._end(sink)
