"""TLS in front of a port that speaks none."""
import select
import socket
import socketserver
import ssl
import subprocess
import threading
from pathlib import Path

import harness


def self_signed():
    """A file with a certificate for 127.0.0.1, and its key behind it."""
    out = Path(harness.scratch()) / 'server.pem'
    key = out.with_suffix('.key')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                    '-nodes', '-days', '2', '-subj', '/CN=double', '-addext', 'subjectAltName=IP:127.0.0.1',
                    '-out', out, '-keyout', key], check=True, capture_output=True)
    with open(out, 'ab') as file:
        file.write(key.read_bytes())
    return out


class TlsFront:
    def __init__(self, port, certificate, *protocols):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(protocols)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    with (context.wrap_socket(self.request, server_side=True) as client,
                          socket.create_connection(('127.0.0.1', port)) as upstream):
                        pass_on(client, upstream)
                except OSError:
                    pass  # a client that does not trust the certificate leaves in the middle

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(('127.0.0.1', 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def pass_on(client, upstream):
    other = {client: upstream, upstream: client}
    while True:
        ready = [client] if client.pending() else select.select(list(other), [], [])[0]
        for one in ready:
            data = one.recv(65536)
            if not data:
                return
            other[one].sendall(data)
