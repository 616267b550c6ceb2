-- What `lugger init` writes.
local templates = {}

templates.toml = [==[
# Places by name: `lugger describe shop`, `lugger.source('shop')`. The environment and .env win over this file.
# ${NAME} is taken from the environment or .env, so that no password stands here.

# [connections.shop]
# url = "dump/shop"

# [connections.warehouse]
# url = "postgresql://loader:${WAREHOUSE_PASSWORD}@db.example.com/warehouse"
# production = true    # the prompt asks before it writes there

# [env]
# PG_URI = "local:./pg"
]==]

templates.dotenv = [==[
# Copy to .env (which git ignores) and fill in. Scripts read these as lugger.env.MONGO_URI and lugger.env.PG_URI.
MONGO_URI=dump/shop
# local:DIR is a private PostgreSQL that lugger starts itself; for a real one: postgresql://user:password@host/database
PG_URI=local:./pg
]==]

templates.luarc = [==[
{
  "runtime.version": "LuaJIT",
  "workspace.library": [".lugger/library"],
  "diagnostics.globals": []
}
]==]

templates.script = [==[
-- Users of the shop.
--   lugger preview users.lua -n 5
--   lugger run users.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source(lugger.env.MONGO_URI, { collection = 'users' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'mongo_id', on_conflict = 'update' }),
  columns = {
    { 'mongo_id', 'text', from = '_id' },
    { 'email', 'text' },
    { 'created_at', 'timestamptz', from = 'createdAt' },
    { 'rest', 'jsonb', from = '*' }, -- every field no other column took
  },
}
]==]

--- A systemd unit that runs a script and resumes it after a reboot or a failure. Exit 3 (done with rejects) counts as
--- done.
---@param values { name: string, directory: string, script: string, user: string, flags: string }
---@return string
function templates.unit(values)
  local text = [==[
[Unit]
Description=lugger run {script}
Wants=network-online.target
After=network-online.target postgresql.service
StartLimitIntervalSec=1h
StartLimitBurst=20

[Service]
Type=exec
User={user}
WorkingDirectory={directory}
# A run that was cut off goes on where it was; one that is done leaves the mark below and is not begun again.
ExecCondition=/bin/sh -c 'test ! -e .lugger/{name}.done'
ExecStart=/usr/bin/env lugger run {script} --log plain{flags}
ExecStopPost=/bin/sh -c 'case "$$EXIT_STATUS" in 0|3) mkdir -p .lugger && touch .lugger/{name}.done;; esac'
SuccessExitStatus=3
Restart=on-failure
RestartPreventExitStatus=2
RestartSec=30
KillSignal=SIGTERM
TimeoutStopSec=120

[Install]
WantedBy=multi-user.target
]==]
  return (text:gsub('{(%w+)}', values))
end

--- The command that makes the role `lugger` of MongoDB. It may read, list and follow, and nothing else.
---@param databases string[] none: all of them
---@return string
function templates.mongo_role(databases)
  local json = require 'lugger.inner.base.json_text'
  local actions = '["find", "changeStream", "listCollections", "listIndexes", "collStats"]'
  local privileges = {}
  for i, name in ipairs(databases[1] and databases or { '' }) do
    privileges[i] = ('    { resource: { db: %s, collection: "" }, actions: %s }'):format(json.encode(name), actions)
  end
  if not databases[1] then
    privileges[2] = '    { resource: { cluster: true }, actions: ["listDatabases"] }'
  end
  return ([==[
// For mongosh, as a user that may make roles. The second command asks for the password.
db.getSiblingDB("admin").createRole({
  role: "lugger",
  privileges: [
%s
  ],
  roles: []
})
db.getSiblingDB("admin").createUser({ user: "lugger", pwd: passwordPrompt(), roles: ["lugger"] })]==])
    :format(table.concat(privileges, ',\n'))
end

return templates
