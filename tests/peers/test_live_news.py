"""Fields and collections that come while changes are followed, and how a column is added for them."""
import re
import shlex
from pathlib import Path

import bson
import harness
from live_case import LiveCase
from live_moves import copy

PAGE = Path(__file__).parents[2] / 'docs' / 'live.md'
SCRIPT = '''local lugger = require 'lugger'
return lugger.move { jobs = { lugger.copy {
  from = lugger.source(lugger.env.MONGO_URI, { collection = 'shop.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'id', on_conflict = 'update' }),
  columns = { { 'id', 'int8', from = '_id' }, { 'status', 'text' }%s },
} } }
'''


class News(LiveCase):
    def test_a_new_field_is_told_once_and_counted(self):
        self.insert({'_id': 'a', 'k': 'a', 'old': 1})
        move = self.move(copy().replace("unmapped = 'ignore'", "unmapped = 'warn'"))
        move.start().follow()
        for i in range(3):
            self.insert({'_id': f'n{i}', 'k': f'n{i}', 'colour': 'red', 'old': 2, 'ü "x"': {'y': 1}})
            move.settle(self.server)
        self.update({'_id': 'a'}, {'$set': {'colour': 'blue'}})
        move.settle(self.server)
        told = move.end()
        self.assertEqual(told.count('warning: shop.docs -> docs: field that no column takes: colour'), 1)
        self.assertNotIn('takes: old\n', told)
        self.assertIn('colour (4 documents)', told)
        said = move.work.lugger('status', 'job.lua').out
        self.assertRegex(said, r'field that no column takes: colour +4 ')
        self.assertIn('takes: ü "x"', said)
        # It is no news any more.
        move.start().follow()
        self.update({'_id': 'a'}, {'$set': {'colour': 'green'}})
        move.settle(self.server)
        self.assertNotIn('warning: shop.docs -> docs: field', move.end())

    def test_a_new_collection_is_told(self):
        self.insert({'_id': 'a', 'k': 'a'})
        self.insert({'_id': 'a', 'k': 'a'}, name='users')
        self.insert({'_id': 'a'}, name='there_before')
        jobs = copy(), copy('shop.users', 'users', extra='')
        move = self.move(*jobs)
        move.start().follow(jobs=2)
        move.settle(self.server)
        self.insert({'_id': 'b', 'k': 'b'}, name='users')
        known = "select count(*) from lugger.notices where kind = 'collections'"
        move.wait_for(lambda: move.number(known) == 2, 'both know what is there')
        move.end()
        self.insert({'_id': 1}, name='coupons')
        move.start().follow(jobs=2)
        move.wait_to_say('new collection: shop.coupons')
        self.insert({'_id': 1}, name='Gifts')
        move.wait_to_say('new collection: shop.Gifts', 60)
        told = move.end()
        self.assertEqual(told.count('warning: shop.docs -> docs: new collection: shop.coupons')
                         + told.count('warning: shop.users -> users: new collection: shop.coupons'), 1)
        self.assertNotIn('there_before', told)
        self.assertIn('new collection: shop.coupons', move.work.lugger('status', 'job.lua').out)

    def test_the_commands_of_the_page_add_a_column(self):
        """They are typed as they stand there, between two writes that go on."""
        section = PAGE.read_text(encoding='utf-8').split('## A new field gets a column')[1].split('\n## ')[0]
        blocks = re.findall(r'```sh[^\n]*\n(.*?)```', section, re.S)
        commands = [line.split('  #')[0].strip() for block in blocks for line in block.splitlines()]
        self.assertEqual([line.split()[:2] for line in commands],
                         [['lugger', 'psql'], ['lugger', 'repair'], ['lugger', 'move']])
        self.insert({'_id': bson.Int32(1), 'status': 'new'}, name='orders')
        move = self.move(name='orders')
        move.work.script(SCRIPT % '')
        move.start().follow()
        self.insert({'_id': bson.Int32(2), 'status': 'new', 'colour': 'blue'}, name='orders')
        move.wait_to_say('takes: colour')
        self.assertEqual(move.end().count('Go on with'), 1)
        move.work.script(SCRIPT % ", { 'colour', 'text' }")
        for place, line in enumerate(commands):
            self.insert({'_id': bson.Int32(10 + place), 'status': line, 'colour': 'x'}, name='orders')
            self.update({'_id': 1}, {'$set': {'status': line, 'colour': 'y'}}, name='orders')
            self.type(move, line.replace('shop.lua', 'job.lua'))
        move.wait_for(lambda: move.number('select count(*) from orders where colour is not null') == 5,
                      'every row has its colour')
        self.insert({'_id': bson.Int32(20), 'status': 'new', 'colour': 'last'}, name='orders')
        move.wait_for(lambda: move.number("select count(*) from orders where colour = 'last'"), 'it follows')
        move.end()

    def type(self, move, line):
        if line.startswith('lugger move'):
            move.start(*shlex.split(line)[3:])
        else:
            move.work.lugger(*shlex.split(line)[1:])


if __name__ == '__main__':
    harness.main()
