"""Runs a program and says what it took: wall time, CPU, the peak of its private memory."""
import os
import platform
import pty
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from statistics import median


@dataclass
class Sample:
    wall: float
    cpu: float
    rss_anon: int  # bytes
    out: str
    server_cpu: float = 0


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        cpu = next((line.split(':', 1)[1].strip() for line in file if line.startswith('model name')),
                   platform.machine())
    with open('/proc/meminfo', encoding='utf-8') as file:
        memory = int(file.readline().split()[1]) // 1048576
    return f'{os.cpu_count()} cores ({cpu}), {memory} GiB, {platform.system()} {platform.release()}'


def rss_anon(pid):
    try:
        with open(f'/proc/{pid}/status', encoding='ascii') as file:
            found = re.search(r'RssAnon:\s+(\d+) kB', file.read())
            return int(found.group(1)) * 1024 if found else 0
    except OSError:
        return 0


def run(command, env=None, cwd=None, ok=(0,)):
    """Memory is sampled every 10 ms; CPU is the program's own and its children's."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    peak, ended = [0], threading.Event()

    def sample():
        while not ended.is_set():
            peak[0] = max(peak[0], rss_anon(process.pid))
            ended.wait(0.01)

    def drain():
        chunks.append(process.stdout.read())

    chunks = []
    threads = [threading.Thread(target=sample), threading.Thread(target=drain)]
    for thread in threads:
        thread.start()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    for thread in threads:
        thread.join()
    out = b''.join(chunks).decode('utf-8', 'replace')
    if process.returncode not in ok:
        raise SystemExit(f'{command} ended with status {process.returncode}:\n{out[-3000:]}')
    return Sample(wall, usage.ru_utime + usage.ru_stime, peak[0], out)


def time_to_prompt(command, env):
    """From the start of a program on a terminal until it waits for a key."""
    master, slave = pty.openpty()
    began, seen = time.monotonic(), b''
    process = subprocess.Popen(command, env=env, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    while b'> ' not in seen:
        seen += os.read(master, 65536)
    wall = time.monotonic() - began
    process.kill()
    process.wait()
    os.close(master)
    return Sample(wall, 0, 0, '')


class Series:
    """Measurements by name; medians at the end. Those that could not be made carry the reason."""

    def __init__(self):
        self.samples, self.missing = {}, {}

    def add(self, name, sample):
        self.samples.setdefault(name, []).append(sample)

    def has(self, name):
        return name in self.samples

    def wall(self, name):
        return median(s.wall for s in self.samples[name])

    def cpu(self, name):
        return median(s.cpu for s in self.samples[name])

    def server_cpu(self, name):
        return median(s.server_cpu for s in self.samples[name])

    def rss(self, name):
        return max(s.rss_anon for s in self.samples[name])
