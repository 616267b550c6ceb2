"""A box in the middle: a unix socket in front of a server that can fall silent, or forget its
connections so that one side alone hears of it."""
import threading

from between import Between


class Middle(Between):
    def __init__(self, server):
        self.pairs, self.forgotten = [], []
        self.open = threading.Event()  # cleared: nothing passes
        self.open.set()
        super().__init__(server)

    def fall_silent(self):
        """From here on nothing passes; connections are taken, and get no answer."""
        self.open.clear()

    def forget(self):
        """Ends all connections towards the client; the server hears nothing of it."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for client, _ in pairs:
            self.shut(client)
        self.forgotten = pairs  # still open towards the server

    def close(self):
        self.open.set()
        super().close()
        with self.lock:
            pairs = self.pairs + self.forgotten
        for pair in pairs:
            for one in pair:
                self.shut(one)
                one.close()

    def joined(self, client, upstream):
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
            self.shut(sink)
