"""A unix socket in front of a server: whoever connects there gets a connection to the server behind it."""
import os
import socket
import tempfile
import threading


class Between:
    """A subclass says in `joined(client, upstream)` how bytes pass; it is called once a connection."""

    def __init__(self, server):
        self.server, self.lock = server, threading.Lock()
        self.directory = tempfile.mkdtemp(prefix='lug-b-')
        os.chmod(self.directory, 0o755)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.directory + '/.s.PGSQL.5432')
        os.chmod(self.directory + '/.s.PGSQL.5432', 0o777)
        self.listener.listen(50)
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
            self.joined(client, upstream)

    @staticmethod
    def shut(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
