"""describe --full on PostgreSQL: rows are counted as documents are."""
import json
import unittest

import harness
from harness import lugger
from postgres import Postgres
from weaviate import live_weaviate


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.database = cls.server.fresh()
        cls.database.query("""
          create table docs (id bigint primary key, title text, amount numeric(12,2), at timestamptz,
            day date, tags text[],
                             body jsonb, ref uuid, ratio float8, ok bool);
          insert into docs select i, case when i % 4 = 0
            then null else 'title ' || i end, i / 4.0, '2026-03-11 09:30+00'::timestamptz
                             + i * interval '1 day', '2026-03-11', array['a', 'b'], '{"x": 1}',
                             gen_random_uuid(), i / 3.0, i % 2 = 0
                           from generate_series(1, 1000) i;
          create table empty (id int);""")

    def census(self, *args):
        done = lugger("describe", self.database.url, *args, "--full", "--json", "--no-trial", expect=0)
        return json.loads(done.out)

    def test_a_table_is_counted(self):
        told = self.census("--table", "docs")["collections"][0]
        self.assertEqual((told["documents"], told["malformed"]), (1000, 0))
        paths = {path["path"]: path for path in told["paths"]}
        self.assertEqual((paths["title"]["present"], paths["title"]["nulls"], paths["title"]["missing"]),
                         (750, 250, 0))
        self.assertEqual(paths["title"]["null_examples"], ["4", "8", "12"])
        self.assertEqual((paths["amount"]["decimals"]["least"], paths["amount"]["decimals"]["greatest"]),
                         ("0.25", "250.00"))
        self.assertEqual(paths["at"]["dates"]["least"], "2026-03-12T09:30:00Z")
        self.assertEqual(paths["day"]["dates"]["least"], "2026-03-11T00:00:00Z")
        self.assertEqual({name: path["type"] for name, path in paths.items() if "." not in name},
                         {"id": "bigint", "title": "text", "amount": "numeric(12,2)",
                          "at": "timestamp with time zone", "day": "date", "tags": "text[]", "body": "jsonb",
                          "ref": "uuid", "ratio": "double precision", "ok": "boolean"})
        self.assertAlmostEqual(paths["ref"]["distinct"], 1000, delta=100)

    def test_metadata_is_counted_key_by_key(self):
        self.database.query("""create table metadata (id text, meta jsonb);
          insert into metadata select 'row ' || i, case when i = 7 then 'null' when i % 50 = 0 then null else
            jsonb_build_object('lang', case when i % 2 = 0 then 'en' else 'fr' end, 'page',
              case when i = 13 then to_jsonb('xiii'::text) else to_jsonb(i) end,
              'tags', jsonb_build_array('a', i), '$oid', i) end from generate_series(1, 100) i""")
        told = self.census("--table", "metadata")["collections"][0]
        self.database.query("drop table metadata")
        paths = {path["path"]: path for path in told["paths"]}
        self.assertEqual((paths["meta"]["present"], paths["meta"]["nulls"]), (97, 3))
        self.assertEqual({name: {one["type"]: one["values"] for one in paths[name]["types"]}
                          for name in ("meta.lang", "meta.page", "meta.tags", "meta.tags[]", "meta.$oid")},
                         {"meta.lang": {"string": 97}, "meta.page": {"int32": 96, "string": 1},
                          "meta.tags": {"array": 97}, "meta.tags[]": {"string": 97, "int32": 97},
                          "meta.$oid": {"int32": 97}})
        few = next(one for one in paths["meta.page"]["types"] if one["type"] == "string")
        self.assertEqual(few["examples"], ["row 13"])

    def test_every_table_of_a_database(self):
        names = {one["name"]: one["documents"] for one in self.census()["collections"]}
        self.assertEqual({name.split(".", 1)[1]: n for name, n in names.items()},
                         {"public.docs": 1000, "public.empty": 0})

    def test_a_query_and_the_forecast(self):
        done = lugger("describe", self.database.url, "--query", "select id, title from docs where id <= 100",
                      "--full", "--json", expect=0)
        told = json.loads(done.out)["collections"][0]
        self.assertEqual((told["documents"], told["forecast"]["rows"]), (100, 100))


class Objects(unittest.TestCase):
    def test_metadata_of_a_class_is_counted_key_by_key(self):
        server = live_weaviate()
        self.addCleanup(server.stop)
        client = server.client()
        client.make({"class": "Docs", "vectorizer": "none", "properties": [
            {"name": "title", "dataType": ["text"]}, {"name": "n", "dataType": ["int"]},
            {"name": "meta", "dataType": ["object"], "nestedProperties": [
                {"name": "tenant", "dataType": ["text"]}, {"name": "year", "dataType": ["int"]}]}]})
        objects = [{"class": "Docs", "id": f"00000000-0000-4000-8000-{i:012}",
                    "properties": {"title": f"t{i}", "n": i,
                                   "meta": {"tenant": "a" if i % 3 else "b", "year": 2000 + i}},
                    "vector": [0.5, 8 if i == 9 else i, 1]} for i in range(30)]
        for one in objects[::5]:
            del one["properties"]["n"]
        client.add(objects)
        done = lugger("describe", f"{server.url}/Docs", "--full", "--json", "--no-trial")
        paths = {path["path"]: path for path in json.loads(done.out)["collections"][0]["paths"]}
        self.assertEqual((paths["n"]["present"], paths["n"]["missing"]), (24, 6))
        self.assertEqual({top["value"]: top["count"] for top in paths["meta.tenant"]["top"]},
                         {"a": 20, "b": 10})
        self.assertEqual((paths["meta.year"]["integers"]["least"], paths["title"]["texts"]["greatest"]),
                         ("2000", 3))
        self.assertEqual(paths["vector"]["suggests"]["type"], "vector(3)")
        self.assertEqual((paths["vector"]["vectors"]["duplicates"],
                          paths["vector"]["vectors"]["duplicate_examples"][0][-2:]), (1, "09"))


if __name__ == "__main__":
    harness.main()
