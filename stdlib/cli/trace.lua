-- lugger trace SCRIPT ID: one document, step by step.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local preview_view = require 'lugger.inner.view.preview'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local longest_document = 4000 -- bytes shown of one that may have millions

local function show(trace, full)
  local document = terminal.printable(full and trace.document or trace.document:sub(1, longest_document))
  terminal.line(document, #trace.document > #document and '... (--full shows all)' or '', '\n')
  local several, rows = #trace.tables > 1, {}
  for i, step in ipairs(trace.steps) do
    local column = several and step.table .. '.' .. step.column or step.column
    local origin = step.from ~= step.column and step.from ~= '' and step.from .. ': ' or ''
    rows[i] = { column, origin .. step.found_type .. ' ' .. step.found, step.type, step.result, step.outcome }
  end
  terminal.line(table_view.render({ 'column', 'found', 'type', 'becomes', 'outcome' }, rows, { least = 7,
    full = full }))
  terminal.line()
  local shown = { tables = trace.tables, documents = { trace.outcome } }
  preview_view.show('outcome', shown --[[@as lugger.preview]], { full = full,
    only_filled = true })
end

local function run(args)
  local jobs, last = cli.jobs(cli.load(args)), nil ---@type table[], any
  local shown = 0
  for _, job in ipairs(jobs) do
    if job.trace and (not args.job or args.job == job:name()) then
      local ok, trace = pcall(job.trace, job, args.document)
      if ok then
        if shown > 0 then terminal.line() end
        terminal.line(terminal.paint(1, 'bold', job:name()))
        show(trace, args.full)
        shown = shown + 1
      elseif #jobs == 1 or args.job then
        error(trace, 0)
      else
        last = trace
      end
    end
  end
  if shown == 0 then
    if last and last.code ~= 'config' then error(last, 0) end
    config.raise(('no job of %s found a document %s'):format(args.script, args.document),
      'give the _id as preview shows it: 64f1c0..., a string as it is, $n:1 for a number')
  end
  return cli.exit.done
end

return {
  summary = 'Follow one document: fields found, coercions, hook, the row it became.',
  arguments = {
    { 'script', 'a script (.lua), a bundled script by name, or - for standard input' },
    { 'document', 'the _id, as preview and rejects show it' },
  },
  more_arguments = 1,
  flags = cli.with_script_flags {
    { 'job', 'only this job of the script', value = 'NAME' },
    { 'full', 'cut no values' },
  },
  takes_script = true,
  examples = { 'lugger trace users.lua 64f1c0a2b3c4d5e6f7a8b9c0' },
  run = run,
  show = show,
}
