"""What is opened and who connects, seen from outside."""
import ctypes
import os
import socket
import struct
import threading


class Watch:
    """What is opened, made or removed in a directory and those in it."""

    EVENTS = (
        0x00000001 | 0x00000020 | 0x00000100 | 0x00000200 | 0x00000002
    )  # access, open, create, delete, modify

    def __init__(self, root):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        self.names = {}
        for directory, _, _ in list(os.walk(root)):
            self.names[self.libc.inotify_add_watch(self.fd, directory.encode(), self.EVENTS)] = directory

    def seen(self):
        try:
            data = os.read(self.fd, 1 << 20)
        except BlockingIOError:
            return set()
        out, at = set(), 0
        while at < len(data):
            watch, _, _, size = struct.unpack_from("iIII", data, at)
            out.add(
                os.path.join(
                    self.names.get(watch, "?"), data[at + 16 : at + 16 + size].rstrip(b"\0").decode()
                )
            )
            at += 16 + size
        return out


class Listener:
    """A server that nobody declared: whoever connects is counted."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.met = self.socket.getsockname()[1], 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                one, _ = self.socket.accept()
            except OSError:
                return
            self.met += 1
            one.close()
