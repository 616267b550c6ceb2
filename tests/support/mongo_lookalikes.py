"""Servers that speak MongoDB's wire and are not MongoDB, for plain reads: FerretDB, built with Go, and
mongo-java-server, from Maven. Both are kept under LUGGER_TEST_CACHE (~/.cache/lugger-tests); building
them takes some minutes once. Where a tool is missing the test is skipped by name."""
import json
import shutil

from mongo_servers import Process, tell
from peer_cache import alone, cache, need, run

FERRET = 'v1.24.2'
FERRET_MODULE = 'github.com/FerretDB/FerretDB'
JAVA_SERVER = '1.47.0'
POM = f'''<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>lugger</groupId><artifactId>peers</artifactId><version>1</version><dependencies><dependency>
<groupId>de.bwaldvogel</groupId><artifactId>mongo-java-server</artifactId><version>{JAVA_SERVER}</version>
</dependency></dependencies></project>
'''
MAIN = '''import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

public class Peer {
  public static void main(String[] arguments) throws Exception {
    new MongoServer(new MemoryBackend()).bind("127.0.0.1", Integer.parseInt(arguments[0]));
    Thread.sleep(Long.MAX_VALUE);
  }
}
'''


def ferret_binary():
    peer, folder = f'FerretDB {FERRET}', cache(f'ferretdb-{FERRET}')
    program = folder / 'ferretdb'
    with alone(folder):
        if program.exists():
            return program
        need('go', peer=peer)
        found = json.loads(run(['go', 'mod', 'download', '-json', f'{FERRET_MODULE}@{FERRET}'], folder, peer))
        source = folder / 'source'
        shutil.rmtree(source, ignore_errors=True)
        shutil.copytree(found['Dir'], source)
        for path in (source, *source.rglob('*')):
            path.chmod(0o755 if path.is_dir() else 0o644)
        # The module's archive leaves this file out, and the program ends at once without it.
        (source / 'build/version/version.txt').write_text(f'{FERRET}\n', encoding='utf-8')
        run(['nice', 'go', 'build', '-p', '2', '-buildvcs=false', '-o', str(program), './cmd/ferretdb'],
            source, peer, CGO_ENABLED='0')
        shutil.rmtree(source)
        return program


def java_classes():
    peer, folder = f'mongo-java-server {JAVA_SERVER}', cache(f'mongo-java-server-{JAVA_SERVER}')
    with alone(folder):
        need('java', peer=peer)
        if not (folder / 'Peer.class').exists():
            need('mvn', 'javac', peer=peer)
            (folder / 'pom.xml').write_text(POM, encoding='utf-8')
            (folder / 'Peer.java').write_text(MAIN, encoding='utf-8')
            run(['mvn', '-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], folder, peer)
            run(['javac', '-cp', 'lib/*', 'Peer.java'], folder, peer)
        return folder


class FerretDB(Process):
    """Reads, pages and cursors; no change streams, no corner types of BSON."""
    name = f'FerretDB {FERRET}'

    def __init__(self):
        self.program = ferret_binary()
        super().__init__()
        tell(self)

    def command_line(self):
        data = self.directory / 'data'
        data.mkdir(exist_ok=True)
        return [str(self.program), '--handler=sqlite', f'--sqlite-url=file:{data}/', '--telemetry=disable',
                f'--listen-addr={self.address}', f'--state-dir={self.directory}', '--debug-addr=-',
                '--log-level=error', '--repl-set-name=']


class JavaServer(Process):
    """Every BSON type; no set, no change streams that are faithful. Its data do not outlive it."""
    name = f'mongo-java-server {JAVA_SERVER}'

    def __init__(self):
        self.classes = java_classes()
        super().__init__()
        tell(self)

    def command_line(self):
        return ['java', '-Xmx256m', '-cp', f'{self.classes}:{self.classes}/lib/*', 'Peer', str(self.port)]
