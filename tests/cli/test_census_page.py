"""describe --full: the HTML page, the forecast, and the census in scripts."""
import json
from html.parser import HTMLParser

import harness
from census import SHOP, Census, oid


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.text, self.attributes = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text.append(data)


class Page(Census):
    HOSTILE = '<script>alert(1)</script>"\'&<img src=x onerror=alert(2)>'

    def test_the_page_escapes_what_is_in_the_data(self):
        self.bson("dump/<b>shop/odd.bson",
                  [{"_id": self.HOSTILE + str(i), self.HOSTILE: self.HOSTILE, "v": 1 if i else "x\u001b[31m"}
                   for i in range(3)])
        self.lugger("describe", "dump", "--full", "--html", "census.html", status=0)
        page = self.read("census.html")
        tags = Tags()
        tags.feed(page)
        self.assertLessEqual(tags.names,
                             {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "p",
                              "nav", "a", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "i",
                              "small", "span", "code", "ul", "li"})
        self.assertTrue(any(self.HOSTILE in text for text in tags.text))
        self.assertFalse([a for a in tags.attributes if a[0].startswith("on") or (
                              a[0] in ("src", "href") and not a[1].startswith("#"))])
        self.assertNotIn("\x1b", page)
        self.assertNotRegex(page, r"https?://|url\(")

    def test_the_page_has_every_collection_and_bars(self):
        done = self.lugger("describe", SHOP, "--full", "--html", "census.html", status=0)
        self.assertEqual(done.out, "")
        self.assertIn("wrote census.html", done.err.splitlines())
        page = self.read("census.html")
        for name in ("users", "orders", "types"):
            self.assertIn(f"shop.{name}</h2>", page)
        self.assertGreater(page.count('class="bar"'), 50)
        self.assertIn("prefers-color-scheme:dark", page)

    def test_a_file_that_cannot_be_written_is_told(self):
        self.bson("some.bson", [{"_id": 1}])
        self.assertIn("cannot write",
                      self.lugger("describe", "some.bson", "--full", "--html", "no/such/census.html",
                                  status=1).err)


class Forecast(Census):
    def users(self):
        self.bson("users.bson",
                  [{"_id": oid(i), "email": f"user{i}@example.com", "n": i} for i in range(2000)])

    def test_s0_01_size_and_time_are_told_before_a_load(self):
        self.users()
        text = " ".join(self.lugger("describe", "users.bson", "--full", status=0).out.split())
        self.assertRegex(text,
                         r"2,000 rows, \d+\.\d kB as BSON: about .* in the table .* of disk free\. Loading: "
                         r"under a second on")

    def test_s0_80_space_and_time_are_forecast(self):
        self.users()
        done = self.lugger("describe", "users.bson", "--full", "--json", status=0)
        forecast = json.loads(done.out)["collections"][0]["forecast"]
        self.assertEqual(forecast["rows"], 2000)
        self.assertGreater(forecast["table_bytes"], 2000 * 60)
        self.assertLess(forecast["table_bytes"], 2000 * 200)
        self.assertGreater(forecast["seconds"], 0)
        self.assertGreater(forecast["disk_bytes"], forecast["table_bytes"])
        self.assertNotIn("forecast", self.one("users.bson"))


class Scripts(Census):
    def test_a_source_has_a_census(self):
        self.bson("users.bson", [{"_id": oid(i), "n": i} for i in range(5)])
        self.write("look.lua", """local lugger = require 'lugger'
local taken = lugger.source('users.bson'):census { trial = false }
print(taken.collections[1].paths[2].path, taken.collections[1].paths[2].suggests.type)
print(tostring(taken):match 'n +100 %%[^\\n]*')
print(pcall(function() lugger.source('users.bson'):census { sampel = 5 } end))
""")
        done = self.lugger("run", "look.lua", status=0)
        self.assertIn("n\tint4", done.out)
        self.assertRegex(done.out, r"n +100 %  int32 +int4")
        self.assertIn("did you mean sample", done.out)

    def test_standard_input(self):
        done = self.lugger("describe", "-", "--full", "--json", stdin='{"_id":1,"a":2}\n', status=0)
        self.assertEqual(json.loads(done.out)["collections"][0]["documents"], 1)


if __name__ == "__main__":
    harness.main()
