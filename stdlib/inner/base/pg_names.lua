-- Names by PostgreSQL's rules: too long, reserved, empty; and names for tables.
local native = require 'lugger.native'

local pg_names = {}

local longest = 63 -- bytes, NAMEDATALEN - 1

-- Reserved in PostgreSQL 15 to 18 (appendix C of its manual): as the name of a column they always need quotes.
local reserved = {}
for word in ([[all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create
  current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc distinct
  do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit
  localtime localtimestamp not null offset on only or order placing primary references returning select session_user
  some symmetric system_user table then to trailing true union unique user using variadic when where window with
  authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left like
  natural notnull outer overlaps right similar tablesample verbose]]):gmatch('%S+') do
  reserved[word] = true
end

--- True when SQL reads the word differently unless it is quoted.
---@param name string
---@return boolean
function pg_names.is_reserved(name)
  return reserved[name:lower()] or false
end

--- Problems of a field's name as the name of a column.
---@param name string
---@return string[]
function pg_names.notes(name)
  local notes = {}
  if name == '' then notes[#notes + 1] = 'the name is empty: it needs another as a column' end
  if #name > longest then
    notes[#notes + 1] = ('the name has %d bytes, PostgreSQL keeps %d: it needs another as a column'):format(#name,
      longest)
  end
  if reserved[name:lower()] then notes[#notes + 1] = 'the name is a reserved word: quote it in SQL written by hand' end
  if name:find('[%.%$]') then notes[#notes + 1] = 'the name holds "." or "$": a path writes it with a backslash' end
  return notes
end

--- A name for a table: lower case, other characters than letters and digits become "_", at most 63 bytes.
---@param text string
---@return string
function pg_names.table(text)
  local name = text:gsub('(%l)(%u)', '%1_%2'):lower():gsub('[^%w_\128-\255]+', '_'):gsub('_+', '_')
  return native.sql.fitted_name((name:gsub('^_', ''):gsub('_$', '')))
end

return pg_names
