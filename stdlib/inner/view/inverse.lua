-- The inverse of a mapping as text and as JSON: what can be restored of the documents, column by column.
local json = require 'lugger.inner.base.json_text'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local inverse_view = {}

--- Prints it on standard output.
---@param name string the job's
---@param inverse lugger.mapping_inverse
function inverse_view.show(name, inverse)
  terminal.line(terminal.paint(1, 'bold', name))
  local rows = {}
  for i, column in ipairs(inverse.columns) do
    rows[i] = { column.table, column.column, column.path or '', column.words }
  end
  terminal.line(table_view.render({ 'table', 'column', 'path', 'way back' }, rows, { indent = '  ', full = true }))
  for _, note in ipairs(inverse.notes) do terminal.line('  - ', note) end
  terminal.line('  ', inverse.verdict)
end

--- The same for JSON.
---@param name string the job's
---@param inverse lugger.mapping_inverse
---@return table
function inverse_view.record(name, inverse)
  return { job = name, possible = inverse.possible, verdict = inverse.verdict,
    columns = json.list(inverse.columns), notes = json.list(inverse.notes) }
end

return inverse_view
