"""b1: one gate. Whatever a script in the sandbox may call, with whatever option, opens nothing that nobody
named."""

import json
import os

import bson
import harness
import project
from postgres import Postgres
from watch import Listener, Watch

SECRET = "Zq9canary"

# What there is, by the annotations and by the program itself: a new function, method, field or option is
# tried without anybody's doing.
LISTING = r"""
local native, modules = require 'lugger.native', require 'lugger.inner.script.modules'
local annotations, json = require 'lugger.inner.cli.annotations', require 'lugger.json'
local out = { modules = modules.public(), methods = {}, fields = {}, source = {}, target = {} }
local seen = {}
local function add(to, name)
  if seen[to .. ' ' .. name] then return end
  seen[to .. ' ' .. name] = true
  table.insert(out[to], name)
end
for _, one in ipairs { 'x.bson', 'x.jsonl', 'local:', 'postgresql:///x' } do
  for kind, options_of in pairs { source = native.source_options, target = native.target_options } do
    local known, options = pcall(options_of, one)
    for _, option in ipairs(known and options or {}) do add(kind, option.name) end
  end
end
for _, entry in ipairs(annotations.entries()) do
  local method = entry.kind == 'function' and entry.name:match ':([%w_]+)$'
  if method and method ~= 'close' then add('methods', method) end
  for _, field in ipairs(entry.kind == 'class' and entry.fields or {}) do
    local takes_text = field.type:find 'string' or field.type:find 'table' or field.type:find 'any'
    if takes_text and field.name:find '^[%a_]+$' then add('fields', field.name) end
  end
end
print(json.encode(out, 'plain'))
"""

WALK = r"""
local lugger, json = require 'lugger', require 'lugger.json'
local forbidden = json.decode(FORBIDDEN)
local listing = {}
for _, kind in ipairs { 'modules', 'methods', 'fields', 'source', 'target' } do
  listing[kind] = json.decode(LISTING):get(kind)
end
local called, said = 0, {}
local function look(v, depth)
  if type(v) == 'string' then said[#said + 1] = v end
  if type(v) ~= 'table' or depth == 0 then return end
  for key, one in pairs(v) do look(key, depth - 1) look(one, depth - 1) end
end
local function try(f, ...)
  called = called + 1
  local got = { pcall(f, ...) }
  for i = 1, 6 do
    look(got[i], 3)
    local ok, text = pcall(tostring, got[i])
    said[#said + 1] = ok and text or ''
  end
  return got[1] and got[2] or nil
end
local function methods_of(object, p)
  for i = 1, #listing.methods do
    local name = listing.methods[i]
    local ok, f = pcall(function() return object[name] end)
    if ok and type(f) == 'function' then
      try(f, object)
      try(f, object, p)
      try(f, object, {})
    end
  end
end
local function job(from, into)
  return lugger.copy { from = from, into = into, columns = { { 'email', 'text' } }, unmapped = 'ignore' }
end
local function good() return lugger.source 'users.json' end
local function out() return lugger.target('out.jsonl', { table = 'users' }) end
-- Made anew for each call: what is given to a function may be another thing afterwards.
local function arguments(p)
  return {
    { p }, { p, p }, { { p } }, { 'x', p }, { good(), p }, { job(good(), out()), p }, { p, function() end },
    { { from = p, into = p, on = p, table = 'x', place = p, path = p } },
    { { from = good(), into = out(), columns = { { 'email', 'text' } }, name = p } },
  }
end
local function try_module(module, p)
  for _, f in pairs(module) do
    if type(f) == 'function' then
      for _, words in ipairs(arguments(p)) do
        local made = try(f, unpack(words))
        if type(made) == 'table' then methods_of(made, p) end
      end
    end
  end
end
-- A field of a specification, of settings, of whatever takes a table.
local function try_field(name, p)
  local spec = { from = good(), into = out(), columns = { { 'email', 'text' } }, unmapped = 'ignore' }
  spec[name] = p
  local made = try(lugger.copy, spec)
  if made then try(made.plan, made) end
  for _, method in ipairs { 'plan', 'preview', 'run', 'verify', 'repair', 'trace' } do
    local one = job(good(), out())
    try(one[method], one, { [name] = p })
  end
  for _, of in ipairs { 'fix', 'session', 'options', 'coercer' } do
    try(lugger[of], { on = out(), [name] = p })
  end
end
for k = 1, #forbidden do
  local p = forbidden[k]
  for i = 1, FIELDS and #listing.fields or 0 do try_field(listing.fields[i], p) end
  for i = 1, #listing.modules do
    local ok, module = pcall(require, listing.modules[i])
    if ok and type(module) == 'table' then try_module(module, p) end
  end
  for i = 1, #listing.source do
    for _, place in ipairs { 'users.json', 'dump' } do
      local source = try(lugger.source, place, { [listing.source[i]] = p })
      if source then
        methods_of(source, p)
        local made = try(job, source, out())
        if made then methods_of(made, p) end
      end
    end
  end
  for i = 1, #listing.target do
    for _, place in ipairs { 'out.jsonl', lugger.env.PG_URI } do
      local target = try(lugger.target, place, { table = 'users', [listing.target[i]] = p })
      if target then
        methods_of(target, p)
        local made = try(job, good(), target)
        if made then methods_of(made, p) end
      end
    end
  end
  local source, target = good(), out()
  source.place, target.place = p, p
  methods_of(source, p)
  methods_of(target, p)
end
for _, text in ipairs(said) do
  if text:find(CANARY, 1, true) then print('LEAKED', text) end
end
print('called', called)
"""


class Case(project.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        super().setUp()
        self.database = self.server.fresh()
        self.write_json_lines("users.json", [{"_id": 1, "email": "a@x"}])
        self.outside = os.path.realpath(harness.scratch())
        with open(os.path.join(self.outside, "users.json"), "w", encoding="utf-8") as file:
            file.write(json.dumps({"_id": 1, "email": SECRET}) + "\n")
        for name in ("dump/shop/users.bson", "dump/oplog.bson"):
            path = os.path.join(self.outside, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(bson.encode({"_id": 1, "email": SECRET}))
        with open(os.path.join(self.outside, "job.lua"), "w", encoding="utf-8") as file:
            file.write(f"error '{SECRET}'\n")
        os.symlink(self.outside, os.path.join(self.dir, "link"))
        os.makedirs(os.path.join(self.dir, "dump", "shop"))
        with open(os.path.join(self.dir, "dump", "shop", "users.bson"), "wb") as file:
            file.write(bson.encode({"_id": 1, "email": "a@x"}))

    def sandboxed(self, text, *words, status=None, env=None, command="run"):
        self.write("job.lua", text)
        return self.lugger(
            command,
            "job.lua",
            "--sandbox",
            *words,
            status=status,
            env={
                "PG_URI": self.database.url,
                "SECRET_PLACE": SECRET,
                "SECRET_FILE": os.path.join(self.outside, "users.json"),
                **(env or {}),
            },
        )


class Gate(Case):
    def test_b1_nothing_public_opens_what_nobody_named(self):
        listed = (
            self.lugger("--lua", self.write("listing.lua", LISTING), status=0).out.strip().splitlines()[-1]
        )
        known = json.loads(listed)
        for kind, names in {
            "source": {"oplog", "collection"},
            "target": {"direct", "state", "table"},
            "methods": {"describe", "census", "columns", "state", "plan", "verify", "cursor"},
            "fields": {"into", "canary", "window", "index_memory"},
        }.items():
            self.assertLessEqual(names, set(known[kind]))
        listener = Listener()
        up, there = os.path.relpath(self.outside, os.path.realpath(self.dir)), f"127.0.0.1:{listener.port}"
        with_fields = (
            f"{self.outside}/users.json",
            f"{self.outside}/dump",
            f"local:{self.outside}/pg",
            f"postgresql://u@{there}/x?sslmode=disable",
        )
        forbidden = (
            f"{up}/users.json",
            "link/users.json",
            f"./link/../{up}/job.lua",
            f"{self.outside}/job.lua",
            f"file://{self.outside}/users.json",
            f"{self.outside}/dump/oplog.bson",
            "link/dump",
            f"{self.outside}/out.jsonl",
            "local:link/pg",
            "/proc/self/environ",
            "/dev/stdin",
            "env:SECRET_PLACE",
            "env:SECRET_FILE",
            f"host=127.0.0.1 port={listener.port} sslmode=disable",
            "service=evil",
        )
        watch = Watch(self.outside)
        for place in with_fields + forbidden:
            with self.subTest(place=place):
                text = (
                    f"local LISTING, CANARY = {harness.lua(listed)}, {harness.lua(SECRET)}\n"
                    f"local FORBIDDEN = {harness.lua(json.dumps([place]))}\n"
                    f"local FIELDS = {str(place in with_fields).lower()}\n{WALK}"
                )
                done = self.sandboxed(text)  # it makes jobs and gives none back, which is told at its end
                self.assertIn("called", done.out, done.err[-2000:])
                self.assertNotIn("LEAKED", done.out)
                self.assertNotIn(SECRET, done.err)
                self.assertGreater(int(done.out.rsplit("called", 1)[1].split()[0]), 1500)
                self.assertEqual(watch.seen(), set())
                self.assertEqual(listener.met, 0)
        self.assertEqual(sorted(os.listdir(self.outside)), ["dump", "job.lua", "users.json"])

    def test_b1_run_and_options(self):
        """The same from the command line: the run ends before anything is read or written."""
        outside = f"{self.outside}/users.json"
        for code in (
            f"lugger.target(lugger.env.PG_URI, {{ table = 't', direct = "
            f"'postgresql://postgres@127.0.0.1:1/x' }})",
            f"lugger.target('out.jsonl', {{ table = 't', state = '{self.outside}/state' }})",
        ):
            done = self.sandboxed(
                f"local lugger = require 'lugger'\nreturn lugger.copy {{ from = lugger.source "
                f"'users.json', into = {code},\n"
                "columns = { { 'email', 'text' } }, indexes = { 'email' } }\n",
                "--create",
                status=1,
            )
            self.assertIn("the sandbox has no place", done.err)
        done = self.sandboxed(
            f"local lugger = require 'lugger'\nreturn lugger.source('dump', {{ collection = 'users', "
            f"oplog = '{outside}' }}):describe()\n",
            status=1,
        )
        self.assertIn("the sandbox has no place", done.err)
        self.assertEqual(self.database.query("select count(*) from pg_class where relname = 't'"), "0")

    def test_b1_options_of_a_script_are_read_inside(self):
        """Whoever asks a script for its flags runs it."""
        text = (
            f"io.open('{self.dir}/escaped', 'w'):close()\nlocal lugger = require 'lugger'\n"
            "lugger.options { limit = { 'n', type = 'int', default = 1 } }\n"
        )
        for command, words in (
            ("preview", ("--limit", "2")),
            ("plan", ()),
            ("run", ("--limit=2",)),
            ("run", ("--help",)),
        ):
            self.sandboxed(text, *words, command=command)
            self.assertFalse(os.path.exists(os.path.join(self.dir, "escaped")), (command, words))
        self.write("lugger.toml", "sandbox = true\n")
        for words in (
            ("help", "job.lua"),
            ("plan", "job.lua"),
            ("verify", "job.lua"),
            ("status", "job.lua"),
            ("job.lua",),
            ("preview", "job.lua", "--limit", "2"),
        ):
            self.lugger(*words)
            self.assertFalse(os.path.exists(os.path.join(self.dir, "escaped")), words)

    def test_b1_what_the_command_line_names_is_open(self):
        """A file by its name, with what belongs to it, and a script with its modules."""
        with open(os.path.join(self.outside, "dump/shop/users.metadata.json"), "w", encoding="utf-8") as file:
            file.write(
                '{"options":{},"indexes":[],"uuid":"00000000000000000000000000000000",'
                '"collectionName":"users","type":"collection"}'
            )
        self.write(
            "job.lua",
            "local lugger = require 'lugger'\nreturn lugger.copy { from = "
            "lugger.source(lugger.env.MONGO_URI), into = lugger.target 'x.jsonl',\n"
            "columns = { { 'email', 'text' } }, table = 'users' }\n",
        )
        for place in (f"{self.outside}/dump/shop/users.bson", "link/users.json"):
            out = f"{self.outside}/{os.path.basename(place)}.jsonl"
            self.lugger(
                "run", "job.lua", "--sandbox", "--from", place, "--into", out, "--create", "--again", status=0
            )
            with open(out, encoding="utf-8") as file:
                self.assertIn(SECRET, file.read())
        self.a_dump_by_its_directory()
        os.makedirs(os.path.join(self.outside, "scripts"))
        for name, text in (
            ("helper.lua", "return { name = 'email' }\n"),
            ("far.lua", "local h = require 'helper'\nprint(h.name)\n"),
        ):
            with open(os.path.join(self.outside, "scripts", name), "w", encoding="utf-8") as file:
                file.write(text)
        self.assertEqual(
            self.lugger("run", f"{self.outside}/scripts/far.lua", "--sandbox", status=0).out, "email\n"
        )

    def a_dump_by_its_directory(self):
        """With metadata and the oplog above one database, and without what a link in it leads to."""
        whole = os.path.join(self.outside, "whole")
        os.makedirs(os.path.join(whole, "shop"))
        bson.write(os.path.join(whole, "shop", "users.bson"), [{"_id": 1, "email": SECRET}])
        with open(os.path.join(whole, "shop", "users.metadata.json"), "w", encoding="utf-8") as file:
            file.write('{"options":{},"indexes":[],"collectionName":"users","type":"collection"}')
        os.symlink(whole, os.path.join(self.dir, "linked"))

        def load(place, status=0):
            out = os.path.join(self.outside, "of_dump.jsonl")
            done = self.lugger(
                "run",
                "job.lua",
                "--sandbox",
                "--from",
                place,
                "--into",
                out,
                "--create",
                "--restart",
                status=status,
            )
            return done.err if status else self.read(out)

        for place in (whole, os.path.join(whole, "shop"), "linked"):
            self.assertIn(SECRET, load(place), place)
        bson.write(
            os.path.join(whole, "oplog.bson"),
            [
                {
                    "ts": bson.Timestamp(1700000000, 1),
                    "t": bson.Int64(1),
                    "v": bson.Int32(2),
                    "op": "i",
                    "ns": "shop.users",
                    "o": {"_id": 2, "email": "of the oplog"},
                    "wall": bson.Date(1700000000000),
                }
            ],
        )
        for place in (whole, os.path.join(whole, "shop")):
            self.assertIn("of the oplog", load(place), place)
        os.remove(os.path.join(whole, "shop", "users.bson"))
        os.symlink(os.path.join(self.outside, "users.json"), os.path.join(whole, "shop", "users.bson"))
        self.assertIn("the sandbox has no place", load(whole, status=1))


if __name__ == "__main__":
    harness.main()
