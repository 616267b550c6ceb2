-- What `lugger init DIR` writes beside the files of a plain `lugger init`: a small repository that works as it stands.
local repository = {}

repository.job = [==[
-- Users of the shop.
--   lugger preview jobs/users.lua -n 5
--   lugger run jobs/users.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source(lugger.env.MONGO_URI, { collection = 'users' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'mongo_id', on_conflict = 'update' }),
  columns = {
    { 'id',         'uuid',        generate = 'v5' },
    { 'mongo_id',   'text',        from = '_id' },
    { 'email',      'text',        required = true },
    { 'created_at', 'timestamptz', from = 'createdAt' },
    { 'rest',       'jsonb',       from = '*' }, -- every field no other column took
  },
  map = function(row)
    if row.email then row.email = row.email:lower() end
  end,
}
]==]

repository.test = [==[
-- The mapping of jobs/users.lua on sample documents: lugger test tests/
local lugger = require 'lugger'
local t = require 'lugger.test'

local users = t.job '../jobs/users.lua'
local ann = {
  _id = lugger.objectid '64f1c0a2b3c4d5e6f7a8b901',
  email = 'Ann@Example.com',
  createdAt = lugger.date '2026-01-05T10:00:00Z',
  legacy = true,
}

t.case('emails are lower case, and what no column takes is kept', function()
  t.rows(users, { ann }):equals {
    { mongo_id = '64f1c0a2b3c4d5e6f7a8b901', email = 'ann@example.com', created_at = '2026-01-05T10:00:00Z',
      rest = { legacy = true } },
  }
end)

t.case('a user without an email is refused', function()
  t.rejects(users, { { _id = 1 } }):equals { { column = 'email' } }
end)
]==]

repository.migration = [==[
-- The table that jobs/users.lua loads.
--   lugger migrate up --plan
return {
  up = function(db)
    db:exec [[
      create table users (
        id         uuid not null,
        mongo_id   text primary key,
        email      text not null,
        created_at timestamptz,
        rest       jsonb
      )]]
  end,
  down = function(db)
    db:exec 'drop table users'
  end,
}
]==]

repository.luacheckrc = [==[
std = 'luajit'
max_line_length = 120
exclude_files = { '.lugger' }
]==]

repository.ci = [==[
# Checks of every push: the scripts are sound, the mappings do what their tests say, the migrations are safe.
name: check
on: [push, pull_request]
jobs:
  check:
    runs-on: ubuntu-latest
    container: debian:13
    steps:
      - uses: actions/checkout@v4
      # ci/ holds the package of lugger.
      - run: apt-get update && apt-get install -y --no-install-recommends ./ci/lugger_*.deb lua-check
      - run: luacheck .
      - run: lugger test tests/
      - run: lugger migrate lint
]==]

repository.readme = [==[
# Data moves and migrations

| | |
|---|---|
| `lugger.toml`, `.env` | places by name; passwords only in `.env`, which git ignores |
| `migrations/` | changes of the schema, in order: `lugger migrate up --plan`, `lugger migrate up` |
| `jobs/` | what is copied from where: `lugger preview jobs/users.lua`, `lugger run jobs/users.lua` |
| `tests/` | mappings on sample documents, without a database: `lugger test tests/` |
| `.luarc.json`, `.luacheckrc` | editors complete and check the scripts |

Begin with these, and write your places into `.env` in between:
```sh
lugger test tests/                           # the mapping on sample documents
cp .env.example .env
lugger preview jobs/users.lua -n 5           # rows as they would be written
lugger migrate up --plan                     # what would be made
lugger migrate up
lugger run jobs/users.lua
lugger verify jobs/users.lua
```
`lugger` opens a prompt on all of your places; `lugger help` lists the commands.
]==]

return repository
