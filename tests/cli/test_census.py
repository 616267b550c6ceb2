"""describe --full: the census of dumps and exports, what it suggests, and what it says of damaged data."""
import gzip
import json
import os

import bson
import harness
from bson import Date, Decimal128, Int64, Timestamp
from census import SHOP, Census, oid
from harness import DATA


class Counts(Census):
    def test_s0_72_numbers_as_strings_are_shown_with_both_types_and_counts(self):
        self.bson("users.bson", [{"_id": oid(i), "age": i} for i in range(97)]
                  + [{"_id": oid(1000 + i), "age": "n/a"} for i in range(3)])
        done = self.text("users.bson")
        self.assertRegex(done.out, r'(?m)^age +100 % +int32 97 %, string 3 % +int4, on_error = "null"$')
        self.assertIn("64f1c0a2b3c4d5e6000003e8", done.out)
        age = self.one("users.bson")["by_path"]["age"]
        self.assertEqual({t["type"]: t["values"] for t in age["types"]}, {"int32": 97, "string": 3})
        self.assertEqual(age["types"][1]["examples"], [oid(1000 + i).hex for i in range(3)])

    def test_s0_44_texts_that_spell_numbers_are_numbers(self):
        self.bson("prices.bson", [{"_id": i, "price": "9.99" if i % 3 else i} for i in range(30)])
        price = self.one("prices.bson")["by_path"]["price"]
        self.assertEqual(price["suggests"]["type"], "numeric")
        self.assertEqual(price["texts"]["looks"]["number"], 20)

    def test_s0_45_texts_that_only_begin_like_numbers_are_not(self):
        self.bson("prices.bson", [{"_id": i, "price": "12abc" if i == 5 else "12.50"} for i in range(30)])
        price = self.one("prices.bson")["by_path"]["price"]
        self.assertEqual(price["suggests"]["type"], "text")
        self.assertEqual((price["texts"]["looks"]["number"], price["texts"]["values"]), (29, 30))

    def test_n_04_minority_types_have_example_documents(self):
        users = self.one(SHOP / "shop" / "users.bson")
        minorities = [t for path in users["paths"] for t in path["types"][1:]]
        self.assertGreater(len(minorities), 2)
        for one in minorities:
            self.assertGreaterEqual(len(one["examples"]), 1)
            self.assertRegex(one["examples"][0], r"^[0-9a-f]{24}$")

    def test_n_04_agrees_with_the_dump_counted_in_python(self):
        users = self.one(SHOP / "shop" / "users.bson")
        documents = bson.decode_all((SHOP / "shop" / "users.bson").read_bytes())
        self.assertEqual(users["documents"], len(documents))
        for name in {name for document in documents for name in document}:
            values = [d[name] for d in documents if name in d]
            path = users["by_path"][name]
            self.assertEqual(path["nulls"], values.count(None), name)
            self.assertEqual(path["present"], len(values) - values.count(None), name)
            self.assertEqual(path["missing"], len(documents) - len(values), name)
        tags = [tag for d in documents for tag in d["tags"]]
        self.assertEqual(users["by_path"]["tags[]"]["present"], len(tags))
        self.assertEqual({t["value"]: t["count"] for t in users["by_path"]["tags[]"]["top"]},
                         {tag: tags.count(tag) for tag in tags})

    def test_s1_14_vectors_that_are_zeros_or_there_before(self):
        lines = [{"_id": f"d{i}", "v": [i + 0.5, *range(8)], "place": [1.5, 2]} for i in range(50)]
        lines[7]["v"] = [0] * 9
        lines[30]["v"], lines[31]["v"] = lines[5]["v"], lines[5]["v"]
        lines[40]["v"] = lines[40]["v"][:8]
        with open(os.path.join(self.dir, "docs.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        paths = self.one("docs.jsonl")["by_path"]
        vectors = paths["v"]["vectors"]
        self.assertEqual((vectors["values"], vectors["least"], vectors["greatest"]), (50, 8, 9))
        self.assertEqual((vectors["duplicates"], vectors["duplicate_examples"]), (2, ["d30", "d31"]))
        self.assertEqual((vectors["zeros"], vectors["zero_examples"]), (1, ["d7"]))
        self.assertNotIn("vectors", paths["place"])
        shown = self.text("docs.jsonl").out
        self.assertIn("2 vectors there before with the same elements (d30, d31)", " ".join(shown.split()))

    def test_s1_14_lists_of_whole_numbers_and_of_several_lengths(self):
        whole = [{"_id": f"d{i}", "v": [0 if i in (0, 3) else (i + j) % 7 - 3 for j in range(16)],
                  "w": [i / 7 + j for j in range(16 + i % 2)], "box": [i, 2, 3]} for i in range(1500)]
        with open(os.path.join(self.dir, "whole.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in whole)
        told = self.one("whole.jsonl")["by_path"]
        self.assertEqual(told["v"]["vectors"]["zero_examples"], ["d0", "d3"])
        self.assertEqual(told["v"]["suggests"]["type"], "vector(16)")
        self.assertEqual(told["w"]["suggests"]["instead"], "vector")
        self.assertIn("vector(17) rejects other lengths", told["w"]["suggests"]["why"])
        self.assertNotIn("vectors", told["box"])

    def test_s1_14_a_path_of_vectors_and_other_values(self):
        values = [[0] * 9] * 4 + [[i + 0.5, *range(8)] for i in range(26)] + ["none", "to be made"] * 5
        with open(os.path.join(self.dir, "docs.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps({"_id": f"d{i}", "v": v}) + "\n" for i, v in enumerate(values))
        path = self.one("docs.jsonl")["by_path"]["v"]
        vectors = path["vectors"]
        self.assertEqual((path["present"], vectors["values"], vectors["zeros"]), (40, 30, 4))
        shown = " ".join(self.text("docs.jsonl", "--full").out.split())
        self.assertIn("array 75 %, string 25 %", shown)
        self.assertIn("9 dimensions in 30 vectors, 4 to 10 bytes", shown)

    def test_the_same_counts_from_a_dump_an_archive_and_an_export(self):
        forms = [SHOP / "shop" / "users.bson", DATA / "named" / "dump-gzip" / "shop" / "users.bson.gz",
                 DATA / "named" / "export" / "users.canonical.json"]
        told = [self.one(form) for form in forms]
        told.append(self.by_path(self.census(DATA / "named" / "shop.archive", "-c",
                                             "shop.users")["collections"][0]))
        self.assertEqual(len({json.dumps(one["paths"]) for one in told}), 1)

    def test_every_collection_of_a_dump_is_counted(self):
        place = self.census(SHOP)
        self.assertEqual(set(place["by_name"]),
                         {"shop." + n for n in ("empty", "ids", "log", "orders", "raw", "types", "users")})
        self.assertEqual(place["by_name"]["shop.empty"]["paths"], [])
        done = self.text(SHOP)
        self.assertNotIn("…", done.out)  # a pipe gets all of it

    def test_workers_count_what_one_counts(self):
        documents = [{"_id": oid(i), "n": i, "pad": "x" * 1000, "late": None if i > 11000 else i}
                     for i in range(12000)]
        self.bson("big.bson", documents)
        one, two = self.one("big.bson", "-j", "1"), self.one("big.bson", "-j", "2")
        self.assertEqual((one["workers"], two["workers"]), (1, 2))
        for path in one["paths"] + two["paths"]:
            path.get("texts", {}).pop("looks", None)  # how many are looked at is a matter of each worker
        self.assertEqual(one["paths"], two["paths"])
        self.assertEqual(one["documents"], 12000)

    def test_ranges_lengths_and_digits(self):
        self.bson("v.bson", [
            {"_id": 1, "i": Int64(2**53 + 1), "d": 1.25, "m": Decimal128("12.5"), "t": Date(-1), "s": "",
             "a": [1, 2, 3]},
            {"_id": 2, "i": -5, "d": 3.0, "m": Decimal128("-0.125"), "t": Date(1), "s": "é", "a": []}])
        v = self.one("v.bson")["by_path"]
        self.assertEqual((v["i"]["integers"]["least"], v["i"]["integers"]["greatest"]),
                         ("-5", "9007199254740993"))
        self.assertEqual(v["i"]["integers"]["beyond_double"], 1)
        self.assertEqual((v["d"]["doubles"]["least"], v["d"]["doubles"]["whole"], v["d"]["doubles"]["scale"]),
                         ("1.25", 1, 2))
        self.assertEqual((v["m"]["decimals"]["precision"], v["m"]["decimals"]["scale"]), (5, 3))
        self.assertEqual(v["t"]["dates"]["least"], "1969-12-31T23:59:59.999Z")
        self.assertEqual((v["s"]["texts"]["least"], v["s"]["texts"]["greatest"], v["s"]["texts"]["empty"]),
                         (0, 2, 1))
        self.assertEqual(v["a"]["arrays"]["mean"], 1.5)

    def test_rows_of_json_without_ids_are_named_by_number(self):
        self.write_json_lines("rows.json", [{"a": 1}, {"a": 2}, {"a": "x"}])
        self.assertEqual(self.one("rows.json")["by_path"]["a"]["types"][1]["examples"], ["#3"])

    def test_documents_that_come_twice_are_told(self):
        self.bson("twice.bson", [{"_id": i % 500} for i in range(1000)])
        self.assertRegex(self.one("twice.bson")["by_path"]["_id"]["notes"][0],
                         r"about \d+ distinct in 1,000 documents")
        self.bson("once.bson", [{"_id": i} for i in range(1000)])
        self.assertEqual(self.one("once.bson")["by_path"]["_id"]["notes"], [])

    def test_a_sample_says_what_it_proves(self):
        self.bson("big.bson", [{"_id": i, "n": i} for i in range(20000)])
        done = self.text("big.bson", "--sample", "2000")
        self.assertRegex(done.out, r"A random sample: [12],\d\d\d of\s+20,000 documents")
        self.assertRegex(" ".join(done.out.split()), r"What occurs in more than 0\.1\d %.* 95 % confidence")
        told = self.one("big.bson", "--sample", "2000")
        self.assertAlmostEqual(told["documents"], 2000, delta=300)
        self.assertEqual(told["sample"]["documents"], 20000)

    def test_a_limit_reads_the_first(self):
        self.bson("some.bson", [{"_id": i} for i in range(50)])
        told = self.one("some.bson", "--limit", "10")
        self.assertEqual((told["documents"], told["complete"]), (10, False))
        self.assertTrue(self.one("some.bson", "--limit", "50")["complete"])

    def test_flags_that_do_not_fit_are_told(self):
        self.bson("some.bson", [{"_id": 1}])
        self.assertIn("add --full", self.lugger("describe", "some.bson", "--sample", "5", status=2).err)
        self.assertIn("exclude",
                      self.lugger("describe", "some.bson", "--full", "--sample", "5", "--limit", "2",
                                  status=2).err)
        self.assertIn("size is not known",
                      self.lugger("describe", "-", "--full", "--sample", "5", stdin=json.dumps({"_id": 1}),
                                  status=1).err)


class Shapes(Census):
    def test_s0_08_a_table_is_suggested_for_each_collection(self):
        self.bson("users.bson",
                  [{"_id": oid(i), "email": f"u{i}@x", "n": Int64(i), "ok": True, "at": Date(i),
                    "amount": Decimal128("1.50"), "whole": float(i), "ratio": i / 7} for i in range(20)])
        told = self.one("users.bson")["by_path"]
        types = {name: path["suggests"]["type"] for name, path in told.items()}
        self.assertEqual(types,
                         {"_id": "text", "email": "text", "n": "int8", "ok": "bool", "at": "timestamptz",
                          "amount": "numeric", "whole": "int4", "ratio": "float8"})
        self.assertTrue(all(path["suggests"]["not_null"] for path in told.values()))
        self.assertEqual(told["_id"]["suggests"]["as"], "key")

    def test_s0_10_nested_documents_stay_jsonb_or_become_columns(self):
        self.bson("users.bson", [
            {"_id": i, "address": {"city": "Oslo", "zip": i}, "blob": {"x": {"y": [1]}}} for i in range(10)])
        told = self.one("users.bson")["by_path"]
        self.assertEqual((told["address"]["suggests"]["type"], told["address"]["suggests"]["instead"]),
                         ("jsonb", "columns"))
        self.assertEqual(told["address.zip"]["suggests"]["type"], "int4")
        self.assertEqual(told["blob"]["suggests"]["as"], "jsonb")

    def test_s0_11_arrays_of_documents_become_child_tables(self):
        self.bson("orders.bson",
                  [{"_id": i, "lineItems": [{"sku": "a", "price": 1.5}] * (i % 4), "tags": ["x", "y"]}
                   for i in range(20)])
        told = self.one("orders.bson")["by_path"]
        lines = told["lineItems"]["suggests"]
        self.assertEqual((lines["as"], lines["table"]), ("children", "orders_line_items"))
        self.assertEqual(told["lineItems[].price"]["suggests"]["type"], "numeric")
        self.assertEqual(told["tags"]["suggests"]["type"], "text[]")
        self.assertIn("GIN", told["tags"]["suggests"]["why"])

    def test_s0_78_kinds_of_documents_are_told_apart(self):
        kinds = ({"type": "click", "x": 1}, {"type": "order", "total": 5, "lines": []}, {"type": "view"})
        self.bson("events.bson", [{"_id": i, **kinds[i % 3]} for i in range(90)])
        found = self.one("events.bson")["discriminators"]
        self.assertEqual(found[0]["path"], "type")
        self.assertEqual(set(found[0]["decides"]), {"x", "total", "lines"})
        self.assertIn("route = { from = 'type'", self.text("events.bson").out)

    def test_embeddings_are_vectors(self):
        self.bson("docs.bson", [{"_id": i, "embedding": [0.5] * 64} for i in range(4)])
        self.assertEqual(self.one("docs.bson")["by_path"]["embedding"]["suggests"]["type"], "vector(64)")

    def test_a_hundred_thousand_names_fold(self):
        self.bson("stats.bson",
                  [{"_id": i, "by_day": {f"k{i * 100 + k}": k for k in range(100)}} for i in range(1000)])
        told = self.one("stats.bson")
        self.assertEqual(list(told["by_path"]), ["_id", "by_day", "by_day.*"])
        folded = told["by_path"]["by_day.*"]
        self.assertEqual(folded["present"], 100000)
        self.assertAlmostEqual(folded["names"], 100000, delta=10000)
        self.assertRegex(told["by_path"]["by_day"]["suggests"]["why"], r"a dictionary of about \d+ names")
        self.assertIn("dictionary", self.text("stats.bson").out)

    def test_names_and_ids_that_are_not_utf8_leave_the_json_valid(self):
        odd = bson.encode((("_id", "a\0"),
                           ("name", 1))).replace(b"name\0", b"n\xffme\0").replace(b"a\0\0", b"\xff\0\0")
        self.bson("odd.bson", [odd, {"_id": "x", "name": None}])
        told = self.one("odd.bson")["by_path"]
        self.assertIn("n\ufffdme", told)
        self.assertEqual(told["_id"]["texts"]["bad_utf8"], 1)

    def test_names_that_are_trouble_are_told(self):
        long = "n" * 70
        self.bson("odd.bson", [{"_id": 1, "select": 1, "Name": 1, "name": 2, long: 1, "a.b": 1, "": 1}])
        told = self.one("odd.bson")["by_path"]
        self.assertIn("reserved", told["select"]["notes"][0])
        self.assertIn("differs by case alone from name", told["Name"]["notes"][0])
        self.assertIn("70 bytes", told[long]["notes"][0])
        self.assertEqual(told["a\\.b"]["name"], "a.b")
        self.assertEqual(told["select"]["suggests"]["type"], "int4")


class References(Census):
    def dump(self):
        self.bson("dump/shop/users.bson", [{"_id": oid(i), "name": f"n{i}"} for i in range(500)])
        self.bson("dump/shop/orders.bson",
                  [{"_id": i, "userId": oid(i % 500 if i % 100 else 9000 + i),
                    "lines": [{"product": f"sku-{i % 50}"}], "stored": oid(i % 500).hex,
                    "parent": i - 1 if i else None} for i in range(1000)])
        self.bson("dump/shop/products.bson", [{"_id": f"sku-{i}"} for i in range(50)])
        return os.path.join(self.dir, "dump")

    def test_paths_that_hold_keys_of_other_collections_are_found(self):
        found = {(r["collection"], r["path"]): r["target"] for r in self.census(self.dump())["references"]}
        self.assertEqual(found,
                         {("shop.orders", "userId"): "shop.users", ("shop.orders", "stored"): "shop.users",
                          ("shop.orders", "lines[].product"): "shop.products"})

    def test_a_second_pass_counts_what_dangles(self):
        place = self.census(self.dump(), "--references")
        checked = {r["path"]: r["checked"] for r in place["references"]}
        self.assertEqual((checked["userId"]["values"], checked["userId"]["dangling"]), (1000, 10))
        self.assertEqual(checked["userId"]["examples"][0], {"document": "$n:0", "value": oid(9000).hex})
        self.assertEqual(checked["stored"]["dangling"], 0)
        self.assertEqual(checked["lines[].product"],
                         {"values": 1000, "found": 1000, "dangling": 0, "examples": []})
        out = self.text(self.dump(), "--references").out
        self.assertRegex(" ".join(out.split()),
                         r"userId refers to shop\.users\._id: 10 of 1,000 values dangle \(\w+ in \$n:0")

    def test_of_one_collection_the_others_are_looked_into(self):
        place = self.census(self.dump(), "-c", "shop.orders", "--references")
        self.assertEqual(list(place["by_name"]), ["shop.orders"])
        self.assertEqual({r["path"]: r["checked"]["dangling"] for r in place["references"]},
                         {"userId": 10, "stored": 0, "lines[].product": 0})


class Oplog(Census):
    def dump(self, update):
        """Two hundred users; `update` makes the `o` of an update of each."""
        self.bson("dump/shop/users.bson",
                  [{"_id": oid(i), "meta": {"logins": 0, "plan": {"name": "x"}}, "n": 1} for i in range(200)])
        entries = [{"ts": Timestamp(1700000000 + i, 1), "t": Int64(1), "v": Int64(2), "op": "u",
                    "ns": "shop.users", "o": update(i), "o2": {"_id": oid(i)},
                    "wall": Date(1700000000000 + i)} for i in range(200)]
        self.bson("dump/oplog.bson", entries)
        return os.path.join(self.dir, "dump")

    def check(self, dump):
        place = self.census(dump)
        updates = place["by_name"]["shop.users"]["updates"]
        self.assertEqual((updates["updates"], updates["fillfactor"]), (200, 70))
        self.assertEqual([(h["path"], h["updates"]) for h in updates["hot"]],
                         [("meta.logins", 200), ("n", 20)])
        self.assertEqual(updates["hot"][0]["column"], "{ 'meta_logins', 'int4', from = 'meta.logins' }")
        self.assertNotIn("column", updates["hot"][1])
        users = self.by_path(place["by_name"]["shop.users"])
        self.assertEqual(users["by_path"]["meta.logins"]["integers"]["greatest"], "199")
        out = " ".join(self.text(dump).out.split())
        self.assertIn("meta.logins: updated 200 times; a column of its own spares writing the whole jsonb",
                      out)
        self.assertIn("fillfactor = 70", out)

    def test_s0_76_hot_paths_of_deltas(self):
        self.check(self.dump(lambda i: {"$v": 2,
                                        "diff": {"smeta": {"u": {"logins": i}},
                                                 **({"u": {"n": i}} if i % 10 == 0 else {})}}))

    def test_s0_76_hot_paths_of_old_modifiers(self):
        self.check(self.dump(lambda i: {"$v": 1,
                                        "$set": {"meta.logins": i, **({"n": i} if i % 10 == 0 else {})}}))

    def test_s0_03_a_server_that_is_newer_than_this_version_is_told(self):
        dump = self.dump(lambda i: {"$v": 1, "$set": {"n": i}})
        self.assertNotIn("MongoDB", self.text(dump).err)
        for version, told in (("8.0.4", False), ("9.1.0", True)):
            self.write("dump/prelude.json", json.dumps({"ServerVersion": version, "ToolVersion": "100.12.2"}))
            self.assertEqual("written by MongoDB " + version in self.text(dump).err, told)


class Damage(Census):
    def test_a_file_cut_off_is_counted_as_far_as_it_goes(self):
        path = self.bson("cut.bson", [{"_id": i, "v": "x" * 50} for i in range(100)])
        with open(path, "rb+") as file:
            file.truncate(os.path.getsize(path) - 10)
        told = self.one("cut.bson", status=1)
        self.assertEqual((told["documents"], told["complete"]), (99, False))
        self.assertEqual(told["by_path"]["v"]["present"], 99)
        self.assertIn("bytes are left", told["breaks"][0]["message"])
        done = self.text("cut.bson", status=1)
        self.assertRegex(done.out, r"(?s)reading ended behind document 99: .* at\s+byte \d+")
        self.assertIn("what was readable was counted", done.err)

    def test_a_broken_document_does_not_end_the_census(self):
        good = [bson.encode({"_id": i, "a": 1, "b": "text"}) for i in range(10)]
        good[4] = good[4].replace(b"\x02b\0", b"\x66b\0")
        path = self.bson("bad.bson", good)
        told = self.one("bad.bson")
        self.assertEqual((told["documents"], told["malformed"]), (10, 1))
        self.assertEqual((told["by_path"]["a"]["present"], told["by_path"]["b"]["present"]), (10, 9))
        fault = told["faults"][0]
        self.assertEqual((fault["document"], fault["id"], fault["at"]), (5, "$n:4", 4 * len(good[0])))
        with open(path, "rb") as file:
            self.assertEqual(file.read()[fault["at"] + fault["inside"]], 0x66)

    def test_a_broken_part_leaves_the_others(self):
        documents = [bson.encode({"_id": i, "pad": "x" * 2000}) for i in range(6000)]
        path = self.bson("big.bson", documents)
        with open(path, "rb+") as file:
            file.seek(5990 * len(documents[0]))
            file.write(b"\xff\xff\xff\xff")
        told = self.one("big.bson", "-j", "2", status=1)
        self.assertEqual(told["documents"], 5990)
        self.assertIn("is not the length of a document", told["breaks"][0]["message"])

    def test_broken_json_and_gzip(self):
        self.write("bad.json", '{"_id":1,"a":1}\n{"_id":2,"a":\n')
        told = self.one("bad.json")
        self.assertEqual((told["documents"], told["malformed"]), (2, 1))
        whole = gzip.compress(b"".join(bson.encode({"_id": i, "r": os.urandom(20)}) for i in range(3000)))
        with open(os.path.join(self.dir, "cut.bson.gz"), "wb") as file:
            file.write(whole[:len(whole) // 2])
        told = self.one("cut.bson.gz", status=1)
        self.assertGreater(told["documents"], 100)
        self.assertEqual(len(told["breaks"]), 1)

    def test_a_thousand_levels(self):
        document = bson.encode({"x": 1})
        for _ in range(1000):
            body = b"\x03x\0" + document + b"\0"
            document = (len(body) + 4).to_bytes(4, "little") + body
        self.bson("deep.bson", [document, {"_id": 1, "x": 2}])
        told = self.one("deep.bson")
        self.assertEqual(told["documents"], 2)
        self.assertEqual(told["paths"][99]["not_walked"], 1)
        self.text("deep.bson")

    def test_nul_and_invalid_utf8(self):
        self.bson("odd.bson",
                  [{"_id": "nul", "s": "a\0b"}, {"_id": "bad", "s": bson.Raw(2, bson.string(b"\xff"))},
                   {"_id": "ok", "s": "x"}])
        s = self.one("odd.bson")["by_path"]["s"]
        self.assertEqual((s["texts"]["with_nul"], s["texts"]["bad_utf8"]), (1, 1))
        self.assertEqual((s["texts"]["nul_example"], s["texts"]["utf8_example"]), ("nul", "bad"))
        self.assertEqual(s["suggests"]["options"], {"nul": "strip", "utf8": "replace"})


if __name__ == "__main__":
    harness.main()
