-- lugger psql PLACE: runs psql on a target. The password is passed in the environment, never in an argument.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local terminal = require 'lugger.inner.view.terminal'

-- The place may be omitted, and arguments for psql may follow "--".
local function words_of(args)
  local rest, place = { unpack(args.rest) }, args.place
  if place and place:find '^%-' then
    table.insert(rest, 1, place)
    place = nil
  end
  if rest[1] == '--' then table.remove(rest, 1) end
  return place, rest
end

local function run(args)
  local given, rest = words_of(args)
  local place = given and config.resolve(given) or (config.find('PG_URI'))
  if not place then config.raise('a shell on which target?', 'lugger psql local:./pg, or set PG_URI') end
  if not native.place_kind(place).sql then
    config.raise(('%s is not a PostgreSQL'):format(native.system.mask_secrets(place)),
      'give local:DIR, a postgresql:// URL or a connection of lugger.toml')
  end
  places.existing(place)
  local url, password = native.pg_program_place(native.pg_url(place))
  local words = { 'psql', url }
  for _, word in ipairs(rest) do words[#words + 1] = word end
  local environment = password and { PGPASSWORD = password } or nil
  io.stdout:flush()
  -- A private server ends with this process, so psql runs as a child; psql handles Ctrl-C itself.
  if place:find('^local:') then
    native.system.interrupt_raises(false)
    return native.system.spawn(words, environment)
  end
  local ok, err = pcall(native.system.exec, words, environment)
  if not ok then
    terminal.fail(err)
    terminal.say('psql is in the package postgresql-client')
    return 1
  end
end

return {
  summary = 'Open psql on a target; the private server of local:DIR is started for it.',
  arguments = {
    { 'place', 'local:DIR, a PostgreSQL URL or a connection of lugger.toml (default: PG_URI)', optional = true },
    { 'rest', 'words for psql itself, such as -c SQL', optional = true, many = true },
  },
  pass_on = true,
  examples = { 'lugger psql local:./pg', "lugger psql local:./pg -c 'select count(*) from users'" },
  run = run,
}
