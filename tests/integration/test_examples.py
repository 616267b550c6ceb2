"""Every example runs, and does what its comment says."""
import os
import shutil
import unittest

import harness
from harness import ROOT, lugger
from postgres import Postgres


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def room(self):
        room = harness.scratch()
        shutil.copytree(ROOT / 'examples', room, dirs_exist_ok=True)
        self.database = self.server.fresh()
        return room

    def run_script(self, folder, script, *flags, expect=0):
        room = self.room()
        return lugger('run', script, '--create', *flags, cwd=os.path.join(room, folder),
                      env={'PG_URI': self.database.url}, expect=expect)

    def test_shop_users(self):
        books = self.run_script('shop', 'users.lua').books()
        self.assertEqual((books['read'], books['inserted']), (60, 60))
        self.assertEqual(self.database.query("select age, zip, balance, created_at at time zone 'UTC' "
                                             "from users where email = 'u0@example.test'"),
                         '18|1000|0.00|2026-03-07 00:00:00')
        self.assertEqual(self.database.number('select count(*) from user_tags'), 90)
        self.assertEqual(self.database.query("select rest from users where email = 'u1@example.test'"),
                         '{"bio": "bio of 1"}')

    def test_shop_orders_reject_what_is_no_number(self):
        result = self.run_script('shop', 'orders.lua', expect=3)
        self.assertEqual((result.books()['inserted'], result.books()['rejected']), (110, 10))
        self.assertEqual(self.database.query("select distinct code from lugger.rejects "
                                             "where message like '%12abc%'"),
                         'bad_value')
        self.assertEqual(self.database.query("select total from orders where mongo_id = '$n:3'"), '10.50')

    def test_task(self):
        result = self.run_script('.', 'task.lua', expect=3)
        self.assertEqual(self.database.number('select count(*) from order_totals'), 110)
        self.assertEqual(result.books()['rejected'], 10)

    def test_routes(self):
        self.run_script('routes', 'events.lua')
        counts = [self.database.number(f'select count(*) from {t}')
                  for t in ('logins', 'orders_placed', 'events')]
        self.assertEqual(counts, [2, 2, 2])

    def test_shop_tests(self):
        self.assertIn('3 passed, 0 failed',
                      lugger('test', 'users_test.lua', cwd=os.path.join(self.room(), 'shop')).out)

    def test_fixes(self):
        room = os.path.join(self.room(), 'fix')
        self.database.query(open(os.path.join(room, 'customers.sql'), encoding='utf-8').read())
        for script, changed in (('phones.lua', 100), ('countries.lua', 150)):
            result = lugger('run', script, '--apply', cwd=room, env={'PG_URI': self.database.url})
            self.assertIn(f'{changed} changed', result.err)
        self.assertEqual(self.database.query("select phone, profile from customers where id = 6"),
                         '+49 30 1006|{"score": 1.10, "country": "DE"}')

    def test_migrations(self):
        room = os.path.join(self.room(), 'migrations')
        env = {'PG_URI': self.server.fresh().url}
        self.assertEqual(lugger('migrate', 'lint', cwd=room, env=env).status, 0)
        lugger('migrate', 'up', cwd=room, env=env)
        self.assertIn('applied', lugger('migrate', 'status', cwd=room, env=env).out)
        lugger('migrate', 'down', '1', cwd=room, env=env)

    def test_every_script_is_tried(self):
        """Here; those of examples/scripts in test_example_programs, zero_downtime and vectors in peers."""
        scripts = {str(p.relative_to(ROOT / 'examples')) for p in (ROOT / 'examples').rglob('*.lua')
                   if 'scripts' not in p.parts}
        self.assertEqual(scripts,
                         {'shop/users.lua', 'shop/orders.lua', 'task.lua', 'routes/events.lua',
                          'fix/phones.lua', 'fix/countries.lua', 'shop/users_test.lua',
                          'zero_downtime/shop.lua', 'vectors/out.lua', 'vectors/back.lua',
                          'vectors/reembed.lua',
                          *(f'migrations/migrations/{p.name}'
                            for p in (ROOT / 'examples/migrations/migrations').glob('*.lua'))})


if __name__ == '__main__':
    harness.main()
