-- Every collection of a dump or export becomes a table.
--   lugger run mongo_to_postgres --from dump/ --into local:./pg
-- Columns: mongo_id, id, and one for each top-level field. Missing tables are
-- made. An oplog in the dump is replayed. Views and system collections are
-- left out. A dot in a name becomes "_"; collections of one name in several
-- databases get tables of the form database_collection; where two names meet,
-- or are too long for PostgreSQL, the table is told.
local lugger = require 'lugger'

local opt = lugger.options {
  only = { 'only this collection: name or database.name', list = true, metavar = 'NAME' },
  except = { 'not this collection: name or database.name', list = true, metavar = 'NAME' },
  schema = { 'schema of the tables, which must exist', default = '' },
  oplog = { 'the oplog.bson to replay (default: the one of the dump); no: none', metavar = 'FILE', default = '' },
  columns = { 'one column a field, or one jsonb column "doc"', choices = { 'auto', 'document' }, default = 'auto' },
}

local place = lugger.source(lugger.env.MONGO_URI):resolved()
if place == '-' then
  error('standard input is read only once, and columns are found by a first pass: save it to a file, or write a job', 0)
end
local oplog
if opt.oplog == 'no' then oplog = false elseif opt.oplog ~= '' then oplog = opt.oplog end
local own_databases = { admin = true, config = true, ['local'] = true }

local function is_in(list, item)
  for _, name in ipairs(list or {}) do
    if name == item.collection or name == item.database .. '.' .. item.collection then return true end
  end
  return false
end

local function wanted(item)
  if item.type == 'view' or item.collection:find('^system%.') or own_databases[item.database] then return false end
  return (not opt.only or is_in(opt.only, item)) and not is_in(opt.except, item)
end

local all, chosen = lugger.source(place, { oplog = oplog }):collections(), {}
for _, item in ipairs(all) do
  if wanted(item) then chosen[#chosen + 1] = item end
end
if #chosen == 0 then error('no collection is left to load; see: lugger describe PLACE', 0) end

-- Named by all that could be loaded, so that --only and --except change no name.
local table_names = lugger.table_names(all, opt.schema ~= '' and { schema = opt.schema } or nil)

local function table_name(item)
  local change = table_names[item.database .. '.' .. item.collection]
  if change.name ~= item.collection and #change.notes > 0 then
    lugger.warn(('%s goes to the table %s: %s'):format(item.collection, change.name,
      table.concat(change.notes, '; ')))
  end
  return change.table
end

-- What the oplog does not touch need not look for it again: an archive would be read once more for each collection.
local function oplog_for(item)
  if place:find '^mongodb' then return nil end -- a live server has one, but it is no file to replay
  if item.oplog == 'untouched' or (item.oplog == '' and item.path == place) then return false end
  return oplog
end

local jobs = { create = true }
for _, item in ipairs(chosen) do
  local full_name = item.database ~= '' and item.database .. '.' .. item.collection or item.collection
  jobs[#jobs + 1] = lugger.copy {
    name = full_name,
    from = lugger.source(place, { collection = full_name, oplog = oplog_for(item) }),
    into = lugger.target(lugger.env.PG_URI, { table = table_name(item), key = 'mongo_id', on_conflict = 'update' }),
    columns = opt.columns,
  }
end
return jobs
