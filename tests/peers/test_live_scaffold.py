"""A scaffold of a live source is one of a move: what its README says works, unedited."""
import bson
import harness
from live_case import LiveCase
from live_moves import Move


class LiveScaffold(LiveCase):
    def test_it_is_moved(self):
        self.insert(*({'_id': bson.Int32(i), 'k': f'k{i}', 'n': bson.Int32(i)} for i in range(50)))
        self.insert({'_id': bson.Int32(1), 'doc': bson.Int32(7)}, name='notes')
        move = Move(self.postgres, self.server.url, '')
        self.moves.append(move)
        work = move.work
        told = work.lugger('scaffold', 'env:MONGO_URI', '--out', 'migrate')
        self.assertNotIn('lugger run', told.out + told.err)
        readme = (work.directory / 'migrate/README.md').read_text(encoding='utf-8')
        self.assertIn('with `MONGO_URI` set to the source and `PG_URI` to the target', readme)
        self.assertIn('lugger move migrate/all.lua --create', readme)
        self.assertNotIn('lugger run', readme)
        self.assertNotIn('not_null', (work.directory / 'migrate/docs.lua').read_text(encoding='utf-8'))
        work.lugger('scaffold', 'env:MONGO_URI', '--out', 'strict', '--not-null', 'later')
        self.assertIn("not_null = { 'k', 'n' }",
                      (work.directory / 'strict/docs.lua').read_text(encoding='utf-8'))
        self.assertIn('lugger move migrate/docs.lua --create',
                      (work.directory / 'migrate/docs.lua').read_text(encoding='utf-8'))
        self.assertIn("return require('lugger').move { jobs = {",
                      (work.directory / 'migrate/all.lua').read_text(encoding='utf-8'))
        move.file = 'migrate/all.lua'
        work.lugger('plan', move.file, '--create')
        move.start().follow(2)
        self.update({'k': 'k7'}, {'$set': {'n': bson.Int32(77)}})
        move.wait_for(lambda: move.number("select n from docs where k = 'k7'") == 77, 'a change was applied')
        work.lugger('verify', move.file, '--live')
        work.lugger('refs', move.file)
        move.end()
        before = (work.directory / move.file).read_text(encoding='utf-8')
        again = work.lugger('scaffold', 'env:MONGO_URI', '--out', 'migrate', '-c', 'shop.notes')
        self.assertIn('same', again.out)
        self.assertEqual((work.directory / move.file).read_text(encoding='utf-8'), before)


if __name__ == '__main__':
    harness.main()
