"""A psql that stays open: for tests in which another session holds a lock or a snapshot meanwhile."""
import subprocess
import time


class Session:
    def __init__(self, database):
        self.process = subprocess.Popen(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=0', '-d', database.url],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)

    def run(self, sql):
        """Runs statements and waits until they are through; what they printed."""
        self.process.stdin.write(sql.rstrip().rstrip(';') + ';\n\\echo through\n')
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip('\n')) != 'through':
            lines.append(line)
        return '\n'.join(lines)

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(30)
        self.process.stdout.close()


def wait_for(database, sql, process=None, seconds=60):
    """Until a query gives true; a process that ends meanwhile is a failure."""
    for _ in range(seconds * 20):
        if database.query(sql, check=False) == 't':
            return
        if process is not None and process.poll() is not None:
            raise AssertionError('it ended too early:\n' + process.communicate()[1])
        time.sleep(0.05)
    raise AssertionError('never true: ' + sql)
