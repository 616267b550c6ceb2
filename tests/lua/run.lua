-- A small runner, in a scratch directory: lugger --lua tests/lua/run.lua DATA_DIRECTORY FILE... ; each file calls
-- describe() and it().
local data, failures, passed = arg[1], {}, 0
local group = ''

function _G.describe(name, body)
  group = name
  body()
end

function _G.it(name, body)
  local ok, err = xpcall(body, function(e) return type(e) == 'string' and debug.traceback(e, 2) or tostring(e) end)
  if ok then
    passed = passed + 1
  else
    failures[#failures + 1] = ('%s: %s\n    %s'):format(group, name, (tostring(err):gsub('\n', '\n    ')))
  end
end

local check = {}

local function show(v)
  return type(v) == 'string' and ('%q'):format(v) or tostring(v)
end

function check.equal(found, wanted)
  if found ~= wanted then error(('found %s, wanted %s'):format(show(found), show(wanted)), 2) end
end

function check.same_list(found, wanted)
  check.equal(table.concat(found, '\1'), table.concat(wanted, '\1'))
end

--- The call must raise an error object whose text holds `part`.
function check.raises(part, fn, ...)
  local ok, err = pcall(fn, ...)
  if ok then error('nothing was raised, wanted: ' .. part, 2) end
  if not tostring(err):find(part, 1, true) then
    error(('raised %s, wanted: %s'):format(show(tostring(err)), part), 2)
  end
  return err
end

function check.truth(v)
  if not v then error('found ' .. show(v), 2) end
end

check.data = function(name) return data .. '/' .. name end

-- A file of its own in the directory that the tests run in.
local files = 0
check.scratch = function(name)
  files = files + 1
  return ('./%d-%s'):format(files, name)
end
package.loaded.check = check

for i = 2, #arg do
  local chunk, err = loadfile(arg[i])
  if not chunk then error(err, 0) end
  chunk()
end
for _, failure in ipairs(failures) do io.stderr:write('FAILED ', failure, '\n') end
print(('%d passed, %d failed'):format(passed, #failures))
return #failures == 0 and 0 or 1
