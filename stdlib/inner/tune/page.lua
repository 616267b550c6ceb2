-- A sweep as one HTML page with its plot: no script, no network, light and dark. Everything from the data is escaped.
local escape = require('lugger.inner.census.html').escape
local migration = require 'lugger.inner.tune.migration'
local terminal = require 'lugger.inner.view.terminal'
local view = require 'lugger.inner.tune.view'

local page = {}

local style = [[
:root{color-scheme:light dark;--ink:#1c2024;--dim:#60646c;--page:#fcfcfd;--card:#fff;--line:#e0e1e6;
--s0:#3b6fb6;--s1:#c98a1b;--s2:#8a5bb0;--s3:#b4485a;--s4:#5f7d2f;--s5:#2f7d7a;--best:#d0342c}
@media(prefers-color-scheme:dark){:root{--ink:#edeef0;--dim:#a5aab3;--page:#111113;--card:#18191b;--line:#2e3135;
--s0:#6f9fe0;--s1:#d9a441;--s2:#b48cd8;--s3:#d9788a;--s4:#93b35c;--s5:#5fb8b4;--best:#ff7a70}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:2rem 0 .25rem}
p{margin:.25rem 0;max-width:80ch;overflow-wrap:anywhere}
.dim{color:var(--dim)}
.wrap{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card);margin-top:.75rem}
svg{display:block;width:100%;min-width:640px;height:auto}
svg text{fill:var(--dim);font-size:12px}
.grid{stroke:var(--line)}
.wish{stroke:var(--dim);stroke-dasharray:4 4}
.best{fill:none;stroke:var(--best);stroke-width:2.5}
table{border-collapse:collapse;width:100%}
th,td{text-align:right;padding:.35rem .7rem;border-top:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left}
th{border-top:0;color:var(--dim);font-weight:600;font-size:.85rem}
tr.chosen td{font-weight:600;background:color-mix(in srgb,var(--best) 10%,transparent)}
.key{display:inline-block;width:.7rem;height:.7rem;border-radius:50%;margin-right:.35rem}
ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}
pre{overflow-x:auto;padding:.75rem;margin:0;font:13px/1.5 ui-monospace,monospace}
]]

local width, height, left, right, top, bottom = 960, 420, 64, 24, 20, 48
local colours = 6

-- One line of the plot: an index with one way of scanning, over its ef_search or probes.
local function series_of(results)
  local list, by_name = {}, {}
  for _, one in ipairs(results) do
    local scan = one.search.iterative_scan
    local name = view.build(one.build)
    if scan and scan ~= 'off' then
      local budget = one.search.max_scan_tuples
      name = name .. ', ' .. scan .. (budget and ' to ' .. terminal.group(budget) or '')
    end
    local series = by_name[name]
    if not series then
      series = { name = name, points = {}, colour = #list % colours }
      list[#list + 1], by_name[name] = series, series
    end
    series.points[#series.points + 1] = one
  end
  return list
end

local function range(results, least)
  local from, fast, slow = least, math.huge, 0 ---@type number, number, number
  for _, one in ipairs(results) do
    from = math.min(from, one.found.recall)
    fast, slow = math.min(fast, one.found.p95), math.max(slow, one.found.p95)
  end
  from = math.max(0, math.floor(from * 20) / 20)
  fast, slow = math.max(fast, 0.001), math.max(slow, 0.002)
  return { from = math.min(from, 0.95), fast = fast / 1.2, slow = slow * 1.2 }
end

local function x_of(scale, recall)
  return left + (width - left - right) * (recall - scale.from) / (1 - scale.from)
end

-- Times are on a logarithmic scale: twice as slow is as far everywhere.
local function y_of(scale, ms)
  local share = math.log(math.max(ms, scale.fast) / scale.fast) / math.log(scale.slow / scale.fast)
  return height - bottom - (height - top - bottom) * share
end

local function add_grid(parts, scale)
  for i = 0, 5 do
    local recall = scale.from + (1 - scale.from) * i / 5
    local x = x_of(scale, recall)
    parts[#parts + 1] = ('<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text x="%.1f" y="%d" '
      .. 'text-anchor="middle">%.3g</text>'):format(x, x, top, height - bottom, x, height - bottom + 18, recall)
  end
  local decade = 10 ^ math.floor(math.log10(scale.fast))
  while decade <= scale.slow do
    for _, times in ipairs { 1, 2, 5 } do
      local ms = decade * times
      if ms >= scale.fast and ms <= scale.slow then
        local y = y_of(scale, ms)
        parts[#parts + 1] = ('<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text x="%d" y="%.1f" '
          .. 'text-anchor="end">%.3g ms</text>'):format(left, width - right, y, y, left - 6, y + 4, ms)
      end
    end
    decade = decade * 10
  end
end

local function add_series(parts, scale, series)
  local path, dots = {}, {}
  for i, one in ipairs(series.points) do
    local x, y = x_of(scale, one.found.recall), y_of(scale, one.found.p95)
    path[i] = ('%.1f,%.1f'):format(x, y)
    dots[i] = ('<circle cx="%.1f" cy="%.1f" r="4" style="fill:var(--s%d)"><title>%s; %s: recall %.3f, p95 %.2f ms'
      .. '</title></circle>'):format(x, y, series.colour, escape(series.name), escape(view.search(one.search)),
      one.found.recall, one.found.p95)
  end
  parts[#parts + 1] = ('<polyline points="%s" style="fill:none;stroke:var(--s%d)"/>'):format(table.concat(path, ' '),
    series.colour)
  parts[#parts + 1] = table.concat(dots)
end

local function plot(report, list)
  local scale = range(report.results, report.least)
  local best = report.best.found
  local parts = { ('<svg viewBox="0 0 %d %d" role="img" aria-label="recall and p95 of each setting">'):format(width,
    height) }
  add_grid(parts, scale)
  local wish = x_of(scale, report.least)
  parts[#parts + 1] = ('<line class="wish" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>'):format(wish, wish, top,
    height - bottom)
  for _, series in ipairs(list) do add_series(parts, scale, series) end
  parts[#parts + 1] = ('<circle class="best" cx="%.1f" cy="%.1f" r="9"/>'):format(x_of(scale, best.recall),
    y_of(scale, best.p95))
  parts[#parts + 1] = ('<text x="%d" y="%d" text-anchor="middle">recall@%d (dashed: what is wished for); p95 upwards'
    .. '</text></svg>'):format((left + width - right) / 2, height - 8, report.k)
  return table.concat(parts)
end

local function legend(list)
  local parts = { '<ul>' }
  for _, series in ipairs(list) do
    parts[#parts + 1] = ('<li><span class="key" style="background:var(--s%d)"></span>%s</li>'):format(series.colour,
      escape(series.name))
  end
  parts[#parts + 1] = '</ul>'
  return table.concat(parts)
end

local function rows(report)
  local parts = { '<table><thead><tr><th>index</th><th>search</th><th>build</th><th>size</th><th>recall</th>'
    .. '<th>worst</th><th>rows</th><th>short</th><th>p50 ms</th><th>p95 ms</th></tr></thead><tbody>' }
  for _, one in ipairs(report.results) do
    local found = one.found
    parts[#parts + 1] = ('<tr%s><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%.3f</td><td>%.3f</td><td>%.1f</td>'
      .. '<td>%d</td><td>%.2f</td><td>%.2f</td></tr>'):format(one == report.best and ' class="chosen"' or '',
      escape(view.build(one.build)), escape(view.search(one.search)), escape(terminal.duration(one.seconds)),
      escape(terminal.bytes(one.bytes)), found.recall, found.worst, found.returned, found.short, found.p50, found.p95)
  end
  parts[#parts + 1] = '</tbody></table>'
  return table.concat(parts)
end

local function statements(report)
  return (migration.text(report):gsub('[^\n]+', escape))
end

--- The page.
---@param report lugger.tune.report
---@return string
function page.text(report)
  local title = escape(('Indexes of %s.%s'):format(report.facts.table, report.facts.column))
  local list = series_of(report.results)
  local best = report.best
  return table.concat({ '<!doctype html>', '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
    '<title>' .. title .. '</title><style>' .. style .. '</style></head><body><main>', '<h1>' .. title .. '</h1>',
    '<p class="dim">' .. escape(view.head(report)) .. '</p>',
    ('<p><b>%s; %s</b>: recall %.3f, p95 %.2f ms. It is %s.</p>'):format(escape(view.build(best.build)),
      escape(view.search(best.search)), best.found.recall, best.found.p95, escape(view.rule(report))),
    '<div class="wrap">' .. plot(report, list) .. '</div>', legend(list), '<h2>Measured</h2>',
    '<div class="wrap">' .. rows(report) .. '</div>', '<p>' .. escape(view.exact(report)) .. '</p>',
    '<p class="dim">' .. escape(view.times(report)) .. '</p>',
    '<h2>As a migration</h2>', '<div class="wrap"><pre>' .. statements(report) .. '</pre></div>',
    '</main></body></html>' }, '\n') .. '\n'
end

return page
