-- Finds the target that a command refers to: of a script, a place given by name, or PG_URI.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local script = require 'lugger.inner.script.script'

local places = {}

--- The ledger that a job writes to.
---@param job table
---@return lugger.native.state
function places.state_of(job)
  local place, options = job:target()
  return native.state(place, options)
end

local function is_script(word)
  if word:match('%.lua$') then return true end
  for _, name in ipairs(script.bundled()) do
    if name == word then return true end
  end
  return false
end

local function holds_ledger(directory)
  return native.system.stat(directory .. '/state.sqlite') or native.system.stat(directory .. '/state.log')
end

--- Moves the arguments of a command that takes a run followed by a script or place: a single argument may be either.
---@param args { run_id: string|nil, script: string|nil }
function places.shift(args)
  local word = args.run_id
  if word and not args.script and (word:find('[:/]') or is_script(word) or holds_ledger(word)) then
    args.run_id, args.script = nil, word
  end
end

--- Refuses local:DIR when it has no server yet: a command that only reads must not create one.
---@param place string
---@return string place
function places.existing(place)
  local directory = place:match('^local:(.+)$')
  if directory and not native.system.stat(directory) then
    config.raise(('there is no private server in %s'):format(directory),
      'the first command that writes there makes one: lugger run, lugger migrate up')
  end
  return place
end

-- The ledger in a directory, as targets that store theirs in a directory use it.
local function kept_in(directory)
  return { place = '-', options = { state = directory } }
end

--- The places that a word means: the targets of a script's jobs, a directory with a ledger such as ./.lugger, or the
--- word itself. Without a word: PG_URI, else ./.lugger. `jobs`: the names of the script's jobs there.
---@param word string|nil
---@param load fun(): lugger.script.loaded
---@return { place: string, options: table|nil, jobs: table<string, boolean>|nil }[]
function places.targets(word, load)
  if word and is_script(word) then
    local list, seen = {}, {}
    for _, job in ipairs(load().jobs) do
      local place, options = job:target()
      local one = seen[place]
      if not one then
        one = { place = place, options = options, jobs = {} }
        seen[place], list[#list + 1] = one, one
      end
      one.jobs[job:name()] = true
    end
    return list
  end
  if word then
    local place = config.resolve(word)
    if place == word and holds_ledger(word) then return { kept_in(word) } end
    return { { place = places.existing(place) } }
  end
  local url = config.find('PG_URI')
  if url then return { { place = url } } end
  if not holds_ledger('.lugger') then
    config.raise('of which target?',
      'name a script or a place: lugger runs users.lua, lugger runs local:./pg; or set PG_URI')
  end
  return { kept_in('.lugger') }
end

return places
