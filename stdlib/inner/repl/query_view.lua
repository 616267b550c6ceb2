-- Documents of find at the prompt: one line each, as many as fit; :more shows the next ones, :full those in full.
local document = require 'lugger.inner.base.document'
local find = require 'lugger.inner.job.find'
local json = require 'lugger.json'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local value_text = require 'lugger.inner.view.value_text'

local query_view = {}

local a_screen = 20 -- documents; where all are shown, as many of the last ones are kept for :full

query_view.is = find.is
query_view.methods = find.methods

local function line_of(doc)
  local text = value_text.of(doc):gsub('\n%s*', ' ')
  return terminal.is_terminal(1) and table_view.cut(text, terminal.width()) or text
end

local ways = {
  auto = line_of,
  lua = function(doc, settings) return value_text.of(doc, settings.rows) end,
  json = function(doc) return json.encode(doc) end,
} ---@type table<string, fun(doc: lugger.doc, settings: table): string>

---@class lugger.repl.listing
---@field next fun(): lugger.doc|nil
---@field ahead lugger.doc|nil the one behind those shown
---@field form "auto"|"lua"|"json"
---@field count integer
---@field shown lugger.doc[]

-- The next documents. One more than is shown is read, so that it is known whether there are any.
---@param listing lugger.repl.listing
---@param settings table
local function show_next(listing, settings)
  local limit = settings.rows or (terminal.is_terminal(1) and a_screen or math.huge)
  local was_cut, read = false, 0
  local shown, kept = {}, limit < math.huge and limit or a_screen
  listing.shown = shown
  while listing.ahead and read < limit do
    local doc = listing.ahead
    listing.ahead = listing.next()
    local text = ways[listing.form](doc, settings)
    was_cut = was_cut or text:sub(-3) == '…'
    if #shown == kept then table.remove(shown, 1) end
    shown[#shown + 1] = doc
    listing.count, read = listing.count + 1, read + 1
    terminal.line(text)
  end
  local more = listing.ahead and (':more shows the next %d, :limit(n) takes a number, :count() counts'):format(limit)
  local full = was_cut and ':full shows these in full' or nil
  if more or full then
    terminal.line(('(%s; %s)'):format(terminal.count(listing.count, 'document'), table.concat({ more or full,
      more and full }, '; ')))
  end
end

--- Shows the first documents of a query.
---@param query lugger.query
---@param settings table of the prompt; what is left of the query stays in it
---@param form "auto"|"lua"|"json"
function query_view.show(query, settings, form)
  local listing = { next = query:docs(), form = form, count = 0, shown = {} }
  listing.ahead = listing.next()
  settings.listing = listing
  if not listing.ahead and form == 'auto' then return terminal.say('no documents') end
  show_next(listing, settings)
end

--- Shows the next documents of the last query.
---@param settings table of the prompt
---@return boolean shown false when there are none
function query_view.more(settings)
  local listing = settings.listing
  if not (listing and listing.ahead) then return false end
  show_next(listing, settings)
  return true
end

--- Notes a document that was shown by itself, for `:full`.
---@param doc lugger.doc
---@param settings table of the prompt
function query_view.note(doc, settings)
  settings.listing = { shown = { document.methods.copy(doc) }, count = 1 }
end

--- Shows the documents that were shown last, in full.
---@param settings table of the prompt
function query_view.full(settings)
  local listing = settings.listing
  if not listing then return terminal.say('no documents were shown yet: users:find { age = 31 }') end
  if #listing.shown == 0 then return terminal.say('the last find showed no documents') end
  for _, doc in ipairs(listing.shown) do terminal.line(value_text.of(doc)) end
end

return query_view
