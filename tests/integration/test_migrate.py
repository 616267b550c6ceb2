"""Versioned migrations: up, down, status, and the ledger."""
import unittest

import harness
from migrations import Project
from postgres import Postgres

USERS = '''-- up
CREATE TABLE users (id bigint PRIMARY KEY, email text);
INSERT INTO users SELECT i, 'U' || i FROM generate_series(1, 10) i;
-- down
DROP TABLE users;
'''
NICK = '''
return {
  up = function(db)
    db:exec('ALTER TABLE users ADD COLUMN nick text')
    for _, row in ipairs(db:query('SELECT id, email FROM users ORDER BY id')) do
      db:exec('UPDATE users SET nick = $1 WHERE id = $2', row.email:lower(), row.id)
    end
  end,
  down = function(db) db:exec('ALTER TABLE users DROP COLUMN nick') end,
  verify = function(db) return db:value('SELECT count(*) FROM users WHERE nick IS NULL') == 0, 'a nick is NULL' end,
}
'''


class Migrate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def test_up_down_status(self):
        project = self.project(v1_users=USERS, v2_nick=NICK)
        self.assertEqual(project.states(), {'01': 'pending', '02': 'pending'})
        self.assertIn('2 migrations applied', project.migrate('up').err)
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied'})
        self.assertEqual(project.query("select string_agg(nick, ',' order by id) from users where id < 3"), 'u1,u2')
        self.assertIn('nothing to do', project.migrate('up').err)
        project.migrate('down')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})
        project.migrate('up')
        project.migrate('down', 2)
        self.assertEqual(project.query("select to_regclass('users') is null"), 't')


if __name__ == '__main__':
    harness.main()
