"""The figures of a move in Prometheus text format."""
import socket
import time
import unittest
import urllib.error

import harness
from live_moves import copy
from live_seen import Seen, has_library, samples, scrape
from mongo_servers import free_port, wait_for
from postgres import Postgres


@unittest.skipUnless(has_library(), 'libmicrohttpd12 is not installed')
class Metrics(Seen):
    def test_s0_20_figures_in_prometheus_text_format(self):
        name, port = 'we"ird\\job\nof ours', free_port()
        self.with_short_oplog()
        move = self.move(copy(more='').replace('unmapped =', f'name = {harness.lua(name)}, unmapped ='))
        self.insert(1, 2, 3)
        move.start('--metrics', str(port)).follow()
        self.assertIn(f'metrics: http://127.0.0.1:{port}/metrics', move.told)
        found = wait_for(lambda: (one := samples(scrape(port))).get('lugger_move_oplog_window_seconds') and
                         one['lugger_move_phase'].get(name) == 'following' and one, 'figures')
        for metric in ('lag_seconds', 'position_seconds', 'documents_total', 'documents_per_second',
                       'kept_changes', 'rejects', 'stale_rows', 'oplog_left_seconds', 'alarm',
                       'waiting_seconds'):
            self.assertIn(name, found[f'lugger_move_{metric}'], metric)
        self.assertLess(abs(found['lugger_move_position_seconds'][name] - time.time()), 60)
        self.assertEqual(found['lugger_move_alarm'][name], 0)
        try:
            from prometheus_client.parser import text_string_to_metric_families
        except ImportError:
            text_string_to_metric_families = None
        if text_string_to_metric_families:
            families = {one.name: one for one in text_string_to_metric_families(scrape(port))}
            self.assertEqual(families['lugger_move_lag_seconds'].samples[0].labels, {'job': name})
            self.assertEqual(families['lugger_move_documents'].type, 'counter')
        with self.assertRaises(urllib.error.HTTPError) as refused:
            scrape(port, '/other')
        self.assertEqual(refused.exception.code, 404)
        move.end()

    def test_the_port_is_of_this_machine_alone_and_one_that_is_taken_is_told(self):
        with socket.create_server(('127.0.0.1', 0)) as taken:
            port = taken.getsockname()[1]
            move = self.move()
            self.insert(1)
            told = move.start('--metrics', str(port)).ended(1)
            self.assertIn(f'port {port} of this machine cannot serve metrics', told)
        self.assertIn('70000 is no port', move.start('--metrics', '70000').ended(1))
        port = free_port()
        move.start('--metrics', str(port)).follow()
        found = [line.split() for line in open('/proc/net/tcp', encoding='ascii').read().splitlines()[1:]]
        listens = [one[1] for one in found if one[3] == '0A' and one[1].endswith(f':{port:04X}')]
        self.assertEqual(listens, [f'0100007F:{port:04X}'])
        move.end()

    def test_the_lag_grows_while_a_side_is_away(self):
        """Each in turn. Nobody takes the move for stopped before it has found its target again."""
        postgres, port = Postgres(), free_port()
        self.addCleanup(postgres.destroy)
        move = self.move(postgres=postgres)
        self.insert(1)
        move.start('--metrics', str(port)).follow()

        def figures():
            return {name[len('lugger_move_'):]: value.get('shop.docs -> docs')
                    for name, value in samples(scrape(port)).items()}

        def behind():
            found = figures()
            return found if (found['waiting_seconds'] or 0) > 12 else None
        wait_for(lambda: figures()['phase'] == 'following', 'it follows', 40)
        for side in (postgres, self.server):
            side.stop()
            if side is postgres:
                self.insert(2)
            found = wait_for(behind, 'it waits', 60)
            self.assertGreaterEqual(found['lag_seconds'], 12)
            self.assertEqual(found['phase'], 'catching up')
            side.start()
            self.assertIn(self.status(move)['phase'], ('following', 'catching up'))
            wait_for(lambda: figures()['phase'] == 'following', 'it follows again', 60)
        move.end()


if __name__ == '__main__':
    harness.main()
