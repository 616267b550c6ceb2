-- A census as one HTML page: no script, no network, light and dark. Everything from the data is escaped.
local census_advice = require 'lugger.inner.census.advice'
local census_references = require 'lugger.inner.census.references'
local census_updates = require 'lugger.inner.census.updates'
local census_view = require 'lugger.inner.census.view'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

local census_html = {}

local share = census_advice.share

local style = [[
:root{color-scheme:light dark;
--ink:#1c2024;
--dim:#60646c;
--page:#fcfcfd;
--card:#fff;
--line:#e0e1e6;
--track:#eceef1;
--present:#2f7d5b;
--null:#c98a1b;
--t0:#3b6fb6;
--t1:#c98a1b;
--t2:#8a5bb0;
--t3:#b4485a;
--t4:#5f7d2f;
--t5:#787c85}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;
--dim:#a5aab3;
--page:#111113;
--card:#18191b;
--line:#2e3135;
--track:#2a2d31;
--present:#4fae86;
--null:#d9a441;
--t0:#6f9fe0;
--t1:#d9a441;
--t2:#b48cd8;
--t3:#d9788a;
--t4:#93b35c;
--t5:#8b8f98}
}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .25rem}
h2{font-size:1.2rem;margin:2.5rem 0 .25rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:1.5rem 0 .25rem}
p{margin:.25rem 0;max-width:75ch;overflow-wrap:anywhere}
.dim{color:var(--dim)}
nav{margin:1rem 0;display:flex;flex-wrap:wrap;gap:.25rem 1rem}
a{color:inherit}
.wrap{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card);margin-top:.75rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.45rem .7rem;border-top:1px solid var(--line)}
th{border-top:0;color:var(--dim);font-weight:600;font-size:.85rem}
td.path{font-family:ui-monospace,monospace;font-size:.9rem;overflow-wrap:anywhere;min-width:11rem}
code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.bar{display:flex;height:.6rem;width:9rem;background:var(--track);border-radius:3px;overflow:hidden;
margin:.3rem 0 .15rem}
.bar i{display:block;height:100%}
.bar .present{background:var(--present)}
.bar .null{background:var(--null)}
.t0{background:var(--t0)}
.t1{background:var(--t1)}
.t2{background:var(--t2)}
.t3{background:var(--t3)}
.t4{background:var(--t4)}
.t5{background:var(--t5)}
.key{display:inline-block;width:.6rem;height:.6rem;border-radius:2px;margin-right:.3rem}
small{color:var(--dim);font-size:.82rem;display:block}
ul{margin:.25rem 0;padding-left:1.1rem}
li{overflow-wrap:anywhere}
.top{display:grid;grid-template-columns:minmax(4rem,12rem) 6rem auto;gap:.1rem .6rem;align-items:center;
font-size:.85rem}
.top .bar{width:6rem;margin:0}
.top span{overflow-wrap:anywhere}
.bad{border-left:3px solid var(--t3);padding-left:.75rem}
]]

local entities = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;', ["'"] = '&#39;' }

local function num(value)
  return tonumber(value) or 0
end

--- Escapes text for any place in HTML; shows control characters and replaces invalid UTF-8.
---@param text any
---@return string
function census_html.escape(text)
  text = terminal.printable(tostring(text))
  return (text:gsub('[&<>"\']', entities))
end
local escape = census_html.escape

local function percent(part, whole)
  if num(whole) == 0 then return 0 end
  return math.max(0, math.min(100, 100 * num(part) / num(whole)))
end

local function slice(class, part, whole)
  return ('<i class="%s" style="width:%.2f%%"></i>'):format(class, percent(part, whole))
end

local function seen_cell(path)
  if path.kind ~= 'field' then
    return terminal.group(num(path.present) + num(path.nulls)) .. (path.kind == 'element' and ' elements' or ' values')
  end
  local parts = { share(num(path.present), path.parents) }
  if num(path.nulls) > 0 then parts[#parts + 1] = 'null ' .. share(path.nulls, path.parents) end
  if num(path.missing) > 0 then parts[#parts + 1] = 'missing ' .. share(path.missing, path.parents) end
  return ('<div class="bar">%s%s</div><small>%s</small>'):format(slice('present', path.present, path.parents),
    slice('null', path.nulls, path.parents), escape(table.concat(parts, ', ')))
end

local function types_cell(path)
  if #path.types == 0 then return '<small>null</small>' end
  local bar, words = {}, {}
  for i, item in ipairs(path.types) do
    local class = 't' .. math.min(i - 1, 5)
    bar[i] = slice(class, item.values, path.present)
    local examples = i > 1 and '<small>' .. escape(census_advice.some(item.examples)) .. '</small>' or ''
    words[i] = ('<div><span class="key %s"></span>%s %s%s</div>'):format(class, escape(item.type),
      escape(share(item.values, path.present)), examples)
  end
  return '<div class="bar">' .. table.concat(bar) .. '</div>' .. table.concat(words)
end

local function top_cell(path)
  local parts = { '<div class="top">' }
  for i = 1, math.min(#path.top, 6) do
    local item = path.top[i]
    parts[#parts + 1] = ('<span>%s</span><div class="bar">%s</div><span class="dim">%s</span>'):format(
      item.value == '' and '&quot;&quot;' or escape(item.value), slice('t0', item.count, path.present),
      escape(share(item.count, path.present)))
  end
  parts[#parts + 1] = '</div>'
  return table.concat(parts)
end

local function values_cell(path)
  local text = census_view.range(path)
  local parts = {}
  if text ~= '' then parts[1] = '<div>' .. escape(text) .. '</div>' end
  if census_view.distinct(path) ~= '' then
    parts[#parts + 1] = '<small>' .. escape(census_view.distinct(path)) .. ' distinct</small>'
  end
  if census_view.is_telling(path) then parts[#parts + 1] = top_cell(path) end
  return table.concat(parts)
end

local function suggests_cell(path)
  local note = census_view.note(path)
  return '<code>' .. escape(census_view.suggestion(path.suggests)) .. '</code>'
    .. (note ~= '' and '<small>' .. escape(note) .. '</small>' or '')
end

local function row(path)
  local name = path.kind == 'element' and '[]' or path.name == '' and '""' or path.name
  return ('<tr><td class="path" style="padding-left:%.1frem" title="%s">%s</td>' .. ('<td>%s</td>'):rep(4) .. '</tr>')
    :format(0.7 + 1.1 * math.min(path.depth - 1, 12), escape(path.path), escape(name), seen_cell(path),
      types_cell(path), values_cell(path), suggests_cell(path))
end

local function list(parts, title, items)
  if #items == 0 then return end
  parts[#parts + 1] = '<h3>' .. escape(title) .. '</h3><ul>'
  for _, item in ipairs(items) do parts[#parts + 1] = '<li>' .. escape(item) .. '</li>' end
  parts[#parts + 1] = '</ul>'
end

local function kinds(parts, census)
  local items = {}
  for i, found in ipairs(census.discriminators) do
    if i > 3 then break end
    for _, kind in ipairs(found.kinds) do
      items[#items + 1] = ('%s = %s: %s, %s'):format(found.path, kind.value, share(kind.documents, census.documents),
        #kind.always > 0 and 'with ' .. table.concat(kind.always, ', ') or 'with none of '
        .. table.concat(found.decides, ', '))
    end
  end
  list(parts, 'Kinds of documents', items)
end

local function collection(census, references, number)
  local parts = { ('<section id="c%d"><h2>%s</h2>'):format(number, escape(census.name)) }
  parts[#parts + 1] = '<p class="dim">' .. escape(census_view.head(census)) .. '</p>'
  if census.sample then parts[#parts + 1] = '<p>' .. escape(census_view.confidence(census)) .. '</p>' end
  local damaged = census_view.damaged(census)
  if #damaged > 0 then
    parts[#parts + 1] = '<div class="bad">'
    list(parts, 'Damaged', damaged)
    parts[#parts + 1] = '</div>'
  end
  if #census.paths > 0 then
    parts[#parts + 1] = '<div class="wrap"><table><thead><tr><th>path</th><th>seen</th><th>types</th><th>values</th>'
      .. '<th>suggests</th></tr></thead><tbody>'
    for _, path in ipairs(census.paths) do parts[#parts + 1] = row(path) end
    parts[#parts + 1] = '</tbody></table></div>'
  end
  kinds(parts, census)
  local found = {}
  for i, reference in ipairs(references) do found[i] = census_view.reference(reference) end
  list(parts, 'References', found)
  if census.updates then list(parts, 'Updates in the oplog', census_updates.lines(census.updates)) end
  if census.forecast then
    parts[#parts + 1] = '<h3>Forecast</h3><p>' .. escape(census_view.forecast(census.forecast)) .. '</p>'
  end
  parts[#parts + 1] = '</section>'
  return table.concat(parts, '\n')
end

--- The page.
---@param taken lugger.place_census
---@return string
function census_html.page(taken)
  local place = escape(taken.place)
  local parts = { '<!doctype html>', '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
    '<title>Census of ' .. place .. '</title><style>' .. style .. '</style></head><body><main>',
    '<h1>Census of ' .. place .. '</h1>',
    ('<p class="dim">%s, counted by lugger %s</p>'):format(terminal.count(#taken.collections, 'collection'),
      escape(native.version)) }
  if taken.forecast and #taken.collections > 1 then
    parts[#parts + 1] = '<p>' .. escape(census_view.forecast(taken.forecast)) .. '</p>'
  end
  if #taken.collections > 1 then
    parts[#parts + 1] = '<nav>'
    for i, census in ipairs(taken.collections) do
      parts[#parts + 1] = ('<a href="#c%d">%s</a>'):format(i, escape(census.name))
    end
    parts[#parts + 1] = '</nav>'
  end
  for i, census in ipairs(taken.collections) do
    parts[#parts + 1] = collection(census, census_references.of(taken.references, census.name), i)
  end
  parts[#parts + 1] = '</main></body></html>'
  return table.concat(parts, '\n') .. '\n'
end

return census_html
