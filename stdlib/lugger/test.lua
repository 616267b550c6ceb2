-- Tests of mappings without a database: sample documents in, the rows they would become out.
--   local t = require 'lugger.test'
--   local users = t.job '../users.lua'
--   t.case('emails are lower case', function()
--     t.rows(users, { { _id = 1, email = 'Ann@Example.com' } }):equals { { email = 'ann@example.com' } }
--   end)
local compare = require 'lugger.inner.verify.test_compare'
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local job_module = require 'lugger.inner.job.job'
local json = require 'lugger.json'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local script = require 'lugger.inner.script.script'

---@class lugger.test
local test = {}

-- Of the current file; set by the command.
local state = { cases = {}, directory = './', update = false }

---@return never
local function fail(message)
  error(setmetatable({ test_failure = true, message = message }, { __tostring =
    function(self) return self.message end }), 0)
end

--- A test case: a name, and a function that fails when an expectation is not met. Cases run in order.
---@param name string
---@param body fun(t: lugger.test)
function test.case(name, body)
  if type(name) ~= 'string' or type(body) ~= 'function' then
    fault.raise('config', 'a case wants a name and a function', "t.case('emails are lower case', function() ... end)")
  end
  state.cases[#state.cases + 1] = { name = name, body = body }
end

local function beside(path)
  if path:sub(1, 1) == '/' then return path end
  local near = state.directory .. path
  return native.system.stat(near) and near or path
end

--- The job of a script. When it has several, the one with that name or index. Places do not have to be set, because
--- nothing is opened.
---@param path string beside the test file, or from where lugger runs
---@param which string|integer|nil
---@return lugger.job
function test.job(path, which)
  -- While the places are overridden, an unset variable is not an error.
  local loaded = script.load_apart(beside(path), { overrides = { into = 'local:', from = '-' } })
  config.override {}
  local found, names = nil, {} ---@type lugger.job|nil, string[]
  for i, job in ipairs(loaded.jobs) do
    local name = job.spec and (job.spec.name or job.spec.table or job.spec.into.options.table) or ''
    if (which == nil and i == 1) or which == i or (which ~= nil and which == name) then
      found = job
      break
    end
    names[i] = name
  end
  return found or fault.raise('config', ('%s has no job %s'):format(path, tostring(which or '')),
    'it has ' .. table.concat(names, ', '))
end

local function text_of_documents(documents)
  if type(documents) == 'string' then return native.system.read_file(beside(documents)) end
  local lines = {}
  for i, doc in ipairs(documents) do lines[i] = type(doc) == 'string' and doc or json.encode(doc, 'canonical') end
  return table.concat(lines, '\n') .. '\n'
end

-- A sandbox has no places outside the current directory.
local function scratch_file()
  if native.gate.is_shut() then
    native.system.make_dir '.lugger'
    return ('.lugger/test-%d.jsonl'):format(native.system.pid())
  end
  local name = os.tmpname()
  os.remove(name)
  return name .. '.jsonl'
end

-- The same mapping with a file of these documents as its source, under the name of the real source.
local function over_documents(job, documents)
  local spec = job.spec
  if not spec then fault.raise('config', 't.rows wants a job of lugger.copy',
    "t.rows(t.job 'users.lua', { { _id = 1 } })") end
  local path = scratch_file()
  native.system.write_file(path, text_of_documents(documents))
  local options = spec.from.options
  local database, collection = (options.collection or ''):match '^([^%.]*)%.(.+)$'
  local copy = {}
  for key, v in pairs(spec) do copy[key] = v end
  copy.from = place.source(path, { format = 'json', database = options.database or database,
    collection = collection or options.collection or options.table or 'documents' })
  copy.into = place.target('local:', spec.into.options)
  return job_module.like(job, copy), path
end

local function preview(job, documents)
  local made, path = over_documents(job, documents)
  local ok, result = pcall(function() return made:preview(1000000000) end)
  os.remove(path)
  if not ok then error(result, 0) end
  return result
end

---@class lugger.test.rows
---@field package rows table[]
---@field package columns table[]
---@field package title string
local rows = {}
local rows_meta = { __index = rows }

local function columns_of(self)
  local by_name = {}
  for i, column in ipairs(self.columns) do by_name[column.name] = { place = i, type = column.type } end
  return by_name
end

--- The rows are equal to these, in order. Only the columns that are named are compared. `lugger.null` is NULL.
---@param wanted table<string, any>[]
---@return lugger.test.rows
function rows:equals(wanted)
  local problem = compare.rows(self.rows, wanted, columns_of(self))
  if problem then fail(('%s\n%s'):format(self.title, problem)) end
  return self
end

--- There are this many rows.
---@param wanted integer
---@return lugger.test.rows
function rows:count(wanted)
  if #self.rows ~= wanted then fail(('%s: %d rows, wanted %d'):format(self.title, #self.rows, wanted)) end
  return self
end

--- The rows are equal to those in a file, which `lugger test --update` writes.
---@param path string beside the test file
---@return lugger.test.rows
function rows:golden(path)
  local file_path = path:sub(1, 1) == '/' and path or state.directory .. path
  local text = compare.text(self.rows, self.columns)
  if state.update or not native.system.stat(file_path) then
    if not state.update then fail(('%s: there is no %s; lugger test --update writes it'):format(self.title, path)) end
    local directory = file_path:match '^(.*)/'
    if directory then native.system.make_dir(directory) end
    native.system.write_file(file_path, text)
    return self
  end
  local before = native.system.read_file(file_path)
  if before ~= text then fail(('%s: not as in %s\n%s'):format(self.title, path, compare.diff(before, text))) end
  return self
end

--- The rows made of documents, in the job's own table or in another one by name. Rejects and skips make no rows.
---@param job lugger.job
---@param documents table[]|string Lua tables, documents, lines of JSON; or the path of a file of them
---@param table_name string|nil
---@return lugger.test.rows
function test.rows(job, documents, table_name)
  local seen = preview(job, documents)
  local index = table_name == nil and 1
  local names = {}
  for i, one in ipairs(seen.tables) do
    names[i] = one.name
    if one.name == table_name then index = i end
  end
  if not index then fail(('the job has no table %s; it has %s'):format(table_name, table.concat(names, ', '))) end
  local list = {}
  for _, document in ipairs(seen.documents) do
    for _, row in ipairs(document.fate == 'load' and document.rows or {}) do
      if row.table == index then list[#list + 1] = row end
    end
  end
  local self = { rows = list, columns = assert(seen.tables[index]).columns, title = 'rows of ' .. names[index] }
  return setmetatable(self, rows_meta)
end

local function fates(job, documents, fate)
  local list = {}
  for _, document in ipairs(preview(job, documents).documents) do
    if document.fate == fate then
      list[#list + 1] = { id = document.id, code = document.code, column = document.column, message = document.message }
    end
  end
  return test.expect(list, fate == 'reject' and 'rejects' or 'skipped documents')
end

--- The rejects among documents: { id =, code =, column =, message = }, to be compared like any expectation.
---@param job lugger.job
---@param documents table[]|string
---@return lugger.test.expectation
function test.rejects(job, documents)
  return fates(job, documents, 'reject')
end

--- The documents that the hook skips: { id = }.
---@param job lugger.job
---@param documents table[]|string
---@return lugger.test.expectation
function test.skipped(job, documents)
  return fates(job, documents, 'skip')
end

---@class lugger.test.expectation
---@field package v any
---@field package title string
local expectation = {}
local expectation_meta = { __index = expectation }

--- A value to be checked: `t.expect(price):equals(lugger.decimal '9.99')`.
---@param v any
---@param title string|nil what it is called in a failure
---@return lugger.test.expectation
function test.expect(v, title)
  return setmetatable({ v = v, title = title or 'the value' }, expectation_meta)
end

--- The value is equal. Tables are equal when all their values are; for an object only the keys that are named count.
---@param wanted any
---@return lugger.test.expectation
function expectation:equals(wanted)
  local problem = compare.values(self.v, wanted)
  if problem then fail(('%s: %s'):format(self.title, problem)) end
  return self
end

--- The value is a string that contains a match for this pattern.
---@param pattern string
---@return lugger.test.expectation
function expectation:matches(pattern)
  if type(self.v) ~= 'string' or not self.v:find(pattern) then
    fail(('%s: %s has nothing of the pattern "%s"'):format(self.title, compare.show(self.v), pattern))
  end
  return self
end

--- The value is a function that raises an error whose message contains this text.
---@param part string
---@return lugger.test.expectation
function expectation:raises(part)
  local ok, err = pcall(self.v)
  if ok then fail(('%s: no error was raised, wanted: %s'):format(self.title, part)) end
  if not tostring(err):find(part, 1, true) then
    fail(('%s: raised "%s", wanted: %s'):format(self.title, tostring(err), part))
  end
  return self
end

--- For the command: loads the cases of a file.
---@param path string
---@param update boolean
---@return { name: string, body: function }[]
---@internal
function test.load(path, update)
  state = { cases = {}, directory = path:match '^(.*/)' or './', update = update }
  script.load(path:find('/', 1, true) and path or './' .. path)
  return state.cases
end

return test
