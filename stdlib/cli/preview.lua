-- lugger preview SCRIPT: the rows as they would be written, and the rejects with their reasons; --watch shows the
-- changes after each save of the script.
local cli = require 'lugger.inner.cli.cli'
local flags = require 'lugger.inner.cli.flags'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local preview_view = require 'lugger.inner.view.preview'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local watch_ms = 300

local function previews(args)
  local list = {}
  local loaded = cli.load(args)
  for _, job in ipairs(cli.jobs(loaded)) do
    if not job.preview then
      terminal.say(job:name(), ' is a task: it has no preview; try `lugger run --dry-run`')
    else
      list[#list + 1] = { name = job:name(), preview = job:preview(args.number or 10) }
    end
  end
  return list, loaded
end

local function stamp(path)
  local found = path ~= '-' and system.stat(path)
  return found and found.mtime .. ':' .. tostring(found.size) or ''
end

-- Modification times of the script and the modules it required.
local function stamps(args, loaded)
  local parts = { stamp(args.script) }
  local files = {}
  for path in pairs(loaded and loaded.context.files or {}) do files[#files + 1] = path end
  table.sort(files)
  for _, path in ipairs(files) do parts[#parts + 1] = path .. stamp(path) end
  return table.concat(parts, '|')
end

local function attempt(args)
  local ok, list, loaded = pcall(previews, args) ---@type boolean, any, any
  if ok then return list, loaded end
  if type(list) ~= 'string' and list.code == 'interrupted' then error(list, 0) end
  terminal.fail(list)
end

local function by_name(list)
  local map = {}
  for _, item in ipairs(list) do map[item.name] = item.preview end
  return map
end

local function watch(args)
  local shown, loaded = attempt(args)
  for _, item in ipairs(shown or {}) do preview_view.show(item.name, item.preview, { full = args.full }) end
  local seen = stamps(args, loaded)
  terminal.say('watching ', args.script, '; Ctrl-C ends')
  while system.stop_level() == 0 do
    io.stdout:flush()
    system.sleep(watch_ms)
    local now = stamps(args, loaded)
    if now ~= seen then
      local list, fresh = attempt(args)
      loaded = fresh or loaded
      seen = stamps(args, loaded)
      if list then
        local before = by_name(shown or {})
        terminal.line(terminal.paint(1, 'dim', os.date('-- %H:%M:%S --')))
        for _, item in ipairs(list) do preview_view.changes(item.name, before[item.name], item.preview) end
        shown = list
      end
    end
  end
end

-- One JSON object a line for each job. Values are text as PostgreSQL reads it.
local function as_json(name, preview)
  local documents = {}
  for i, document in ipairs(preview.documents) do
    local rows = {}
    for r, row in ipairs(document.fate == 'load' and document.rows or {}) do
      local plan, values = preview.tables[row.table], {}
      for c, column in ipairs(plan.columns) do
        values[column.name] = row.is_null[c] and json.null or row.values[c]
      end
      rows[r] = { table = plan.name, values = values }
    end
    documents[i] = { id = document.id, fate = document.fate, code = document.code, message = document.message,
      rows = json.list(rows) }
  end
  terminal.line(json.encode { job = name, documents = json.list(documents) })
end

local function run(args)
  if args.json then
    if args.watch then flags.usage_error('--json and --watch exclude each other') end
    for _, item in ipairs((previews(args))) do as_json(item.name, item.preview) end
    return cli.exit.done
  end
  if not args.watch then
    for i, item in ipairs((previews(args))) do
      if i > 1 then terminal.line() end
      preview_view.show(item.name, item.preview, { full = args.full })
    end
    return cli.exit.done
  end
  local ok, err = pcall(watch, args) ---@type boolean, any
  if not ok and (type(err) == 'string' or err.code ~= 'interrupted') then error(err, 0) end
  return cli.exit.done
end

return {
  summary = 'Show the rows as they would be written, and what would be rejected, and why. Writes nothing.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'number', 'documents to read (default 10)', short = 'n', value = 'N', type = 'int', least = 1 },
    { 'watch', 'on each save of the script, show which rows and rejects changed' },
    { 'full', 'cut no values' },
    { 'json', 'one JSON object a line, a job each' },
  },
  takes_script = true,
  examples = { 'lugger preview users.lua -n 5', 'lugger preview users.lua --watch' },
  run = run,
}
