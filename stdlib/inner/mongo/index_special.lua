-- Source indexes without an equivalent btree: text, geo, hashed, wildcard; and collations.
local document = require 'lugger.inner.base.document'
local mongo_path = require 'lugger.inner.mongo.path'
local truth = require 'lugger.inner.mongo.truth'
local sql_text = require 'lugger.inner.sql.text'

local special = {}

local languages = { da = 'danish', nl = 'dutch', en = 'english', fi = 'finnish', fr = 'french', de = 'german',
  hu = 'hungarian', it = 'italian', nb = 'norwegian', pt = 'portuguese', ro = 'romanian', ru = 'russian',
  es = 'spanish', sv = 'swedish', tr = 'turkish', none = 'simple' }
local configurations = { simple = true }
for _, name in pairs(languages) do configurations[name] = true end

-- The text search configuration for a language of MongoDB.
local function configuration(language, warnings)
  local name = languages[language] or (configurations[language] and language)
  if not name then
    warnings[#warnings + 1] = ('PostgreSQL has no text search configuration "%s": "simple" is used, without stems')
      :format(language)
  end
  return name or 'simple'
end

local function vector_of(place, config)
  if place.json then
    local sql = place.family == 'jsonb' and mongo_path.json_sql(place.column, place.json, true)
      or ("coalesce(%s, '')"):format(place.sql)
    return ("to_tsvector('%s', %s)"):format(config, sql)
  end
  if place.family == 'jsonb' or place.family == 'json' then
    return ("to_tsvector('%s', %s)"):format(config, place.sql)
  end
  if place.family == 'array' then return ('array_to_tsvector(%s)'):format(place.sql) end
  return ("to_tsvector('%s', coalesce(%s, ''))"):format(config, place.sql)
end

-- {"$**": 1}: every text and jsonb column.
local function every_column(context, found)
  for _, column in ipairs(context.mapping.columns) do
    local family = mongo_path.family(column[2])
    if (family == 'text' or family == 'jsonb') and not column.generate and column.from ~= '_id' then
      found[#found + 1] = { path = column.from or column[1], weight = 1, place = {
        table = context.mapping.table, column = column[1], family = family, sql = sql_text.name(column[1]) } }
    end
  end
end

local textual = { text = true, json = true, jsonb = true, array = true }

local function weighted(context, source, out)
  local found, weights = {}, source.weights
  if not weights then return found end
  for path, weight in document.each(weights) do
    ---@cast path string
    if path == '$**' then
      every_column(context, found)
    else
      local place = mongo_path.resolve(context.mapping, path)
      local readable = place and (place.json or textual[place.family])
      if place and readable and not place.child then
        found[#found + 1] = { path = path, weight = tonumber(tostring(weight)) or 1, place = place }
      else
        out.warnings[#out.warnings + 1] = place and not place.child
          and ('%s is not text, so it is not in this index'):format(path) or place
          and ('%s lies in the child table %s: it is not in this index'):format(path, place.table)
          or ('no column holds %s: it is not in this index'):format(path)
      end
    end
  end
  return found
end

-- MongoDB allows any weights; PostgreSQL has four, of which A is the highest.
local function letters(found)
  local numbers, seen, by_weight = {}, {}, {}
  for _, item in ipairs(found) do
    if not seen[item.weight] then
      seen[item.weight] = true
      numbers[#numbers + 1] = item.weight
    end
  end
  table.sort(numbers, function(a, b) return a > b end)
  for i, number in ipairs(numbers) do by_weight[number] = ('ABCD'):sub(math.min(i, 4), math.min(i, 4)) end
  return by_weight, #numbers
end

--- text: a GIN index on a weighted to_tsvector.
---@param context table
---@param source table
---@param out table
function special.text(context, source, out)
  local found = weighted(context, source, out)
  if #found == 0 then
    out.comment = 'no equivalent: no column holds any of its fields; nearest: add columns for them'
    return
  end
  local config = configuration(tostring(source.default_language or 'english'):lower(), out.warnings)
  local by_weight, count = letters(found)
  local parts = {}
  for i, item in ipairs(found) do
    local vector = vector_of(item.place, config)
    parts[i] = count > 1 and ("setweight(%s, '%s')"):format(vector, by_weight[item.weight]) or vector
  end
  local expression = table.concat(parts, ' || ')
  out.index = { columns = { '(' .. expression .. ')' }, method = 'gin' }
  out.warnings[#out.warnings + 1] = 'words are found alike, ranking differs: ts_rank is not textScore; ask with WHERE '
    .. ("%s @@ websearch_to_tsquery('%s', $1)"):format(#parts > 1 and '(' .. expression .. ')' or expression, config)
  if count > 4 then out.warnings[#out.warnings + 1] = 'PostgreSQL knows four weights: the smallest share D' end
  local override = tostring(source.language_override or 'language')
  local place = mongo_path.resolve(context.mapping, override)
  if place and not place.json then
    out.warnings[#out.warnings + 1] = ('the field %s chose the language of each document: here it is %s for all')
      :format(override, config)
  end
end

--- 2d and 2dsphere: no index without PostGIS.
---@param context table
---@param source table
---@param out table
function special.geo(context, source, out)
  local path ---@type string|nil
  for name, direction in document.each(source.key) do
    if type(direction) == 'string' then path = path or tostring(name) end
  end
  ---@cast path string
  local place = mongo_path.resolve(context.mapping, path)
  local column = place and sql_text.name(place.column) or sql_text.name(path)
  local table_name = sql_text.table(place and place.table or context.mapping.table)
  local json = place and (place.json or place.family == 'jsonb' or place.family == 'json')
  if out.kind == '2dsphere' then
    out.comment = ('no equivalent: distances on a sphere need PostGIS; nearest: CREATE EXTENSION postgis, then CREATE '
      .. 'INDEX CONCURRENTLY ON %s USING gist ((ST_GeomFromGeoJSON(%s)::geography))'):format(table_name,
        place and json and mongo_path.json_sql(place.column, place.json or {}, true) or column)
    return
  end
  local x, y = column .. '[0]', column .. '[1]'
  if place and json then
    local inside = place.json or {}
    local first, second = { unpack(inside) }, { unpack(inside) }
    first[#first + 1], second[#second + 1] = '0', '1'
    x = mongo_path.json_sql(place.column, first) .. '::float8'
    y = mongo_path.json_sql(place.column, second) .. '::float8'
  end
  out.comment = ('no equivalent: a flat 2d index; nearest: points, CREATE INDEX CONCURRENTLY ON %s USING gist '
    .. '(point(%s, %s)), asked by <-> and <@; every value must be a pair of numbers'):format(table_name, x, y)
end

--- hashed: equality only.
---@param _ table
---@param _source table
---@param out table
---@param parts lugger.index_fields
function special.hashed(_, _source, out, parts)
  if #parts > 1 then
    out.warnings[#out.warnings + 1] = 'a compound hashed index spread documents over shards: here it is an ordinary one'
    return
  end
  local place = parts[1].place
  out.index = { columns = { place.json and '(' .. place.sql .. ')' or place.column }, method = 'hash' }
end

--- wildcard: a GIN index on the jsonb column that holds the fields.
---@param context table
---@param source table
---@param out table
---@param parts lugger.index_fields
function special.wildcard(context, source, out, parts)
  local prefix = assert(parts.wildcard):gsub('%.?%$%*%*$', '')
  local columns, covered, apart = {}, {}, {}
  for _, column in ipairs(context.mapping.columns) do
    local from = column.from or column[1]
    if prefix == '' and not column.generate and from ~= '_id' then
      table.insert(mongo_path.family(column[2]) == 'jsonb' and columns or apart, sql_text.name(column[1]))
    elseif prefix ~= '' and from:sub(1, #prefix + 1) == prefix .. '.' then
      apart[#apart + 1] = sql_text.name(column[1])
    end
  end
  if prefix ~= '' then
    local place = mongo_path.resolve(context.mapping, prefix)
    if place and not place.child and place.family == 'jsonb' then
      columns = { place.json and mongo_path.json_sql(place.column, place.json, true) or place.sql }
    end
  end
  if #columns == 0 then
    out.comment = ('no equivalent: no jsonb column holds %s; nearest: %s'):format(prefix == '' and 'the fields'
      or prefix, "a { 'rest', 'jsonb', from = '*' } column with a GIN index")
    return
  end
  for i, sql in ipairs(columns) do covered[i] = ('(%s) jsonb_path_ops'):format(sql) end
  out.index = { columns = covered, method = 'gin' }
  out.warnings[#out.warnings + 1] = ("answers equality, as in WHERE %s @> '{\"a\": 1}'; ranges and sorting need an "
    .. 'index of their own'):format(columns[1])
  if #apart > 0 then
    out.warnings[#out.warnings + 1] = 'not covered, since they have columns of their own: ' .. table.concat(apart, ', ')
  end
  if source.wildcardProjection then
    out.warnings[#out.warnings + 1] = 'its projection is not translated: all fields are in the index'
  end
end

--- An array in the row: a GIN index on it.
---@param parts table<integer, table>
---@param out table
function special.array(parts, out)
  local part, place = parts[1], parts[1].place
  if place.family == 'array' and not place.json then
    out.index = { columns = { place.column }, method = 'gin' }
    out.warnings[#out.warnings + 1] = ('answers WHERE %s @> ARRAY[$1]; = ANY(%s) does not use it'):format(
      sql_text.name(place.column), sql_text.name(place.column))
  elseif place.family == 'jsonb' then
    local inside = place.json or {}
    local sql = mongo_path.json_sql(place.column, inside, true)
    if part.array == 'inside' then sql = sql_text.name(place.column) end
    out.index = { columns = { ('(%s) jsonb_path_ops'):format(sql) }, method = 'gin' }
    out.warnings[#out.warnings + 1] = ('answers containment, as in WHERE %s @> $1::jsonb'):format(sql)
  else
    out.comment = ('no equivalent: %s is an array inside a %s column; nearest: a jsonb column, or a child table')
      :format(part.path, place.type)
  end
end

---@type table<string, string|nil>
local alternates = { shifted = 'ka-shifted' }
---@type table<string, string|nil>
local first = { upper = 'kf-upper', lower = 'kf-lower' }
local orders = { phonebook = 'phonebk', traditional = 'trad', dictionary = 'dict' }

--- The ICU collation of a source index; nil: it compares bytes, as PostgreSQL's "C" does.
---@param collation lugger.doc
---@return { name: string, ddl: string, deterministic: boolean }|nil
function special.collation(collation)
  local given = tostring(collation.locale or 'simple')
  if given == 'simple' then return nil end
  local language, order = given:match('^([^@]+)@collation=(%w+)$')
  local words = {}
  if order then words[#words + 1] = 'co-' .. (orders[order] or order) end
  local strength = tonumber(tostring(collation.strength or 3)) or 3
  if strength ~= 3 then words[#words + 1] = 'ks-' .. (strength == 5 and 'identic' or 'level' .. strength) end
  if truth(collation.caseLevel) then words[#words + 1] = 'kc-true' end
  if first[collation.caseFirst] then words[#words + 1] = first[collation.caseFirst] end
  if truth(collation.numericOrdering) then words[#words + 1] = 'kn-true' end
  if alternates[collation.alternate] then words[#words + 1] = alternates[collation.alternate] end
  if truth(collation.backwards) then words[#words + 1] = 'kb-true' end
  table.sort(words)
  local locale = (language or given):gsub('_', '-'):gsub('[^%w-]', '')
  if #words > 0 then locale = locale .. '-u-' .. table.concat(words, '-') end
  local deterministic = strength >= 3
  local name = 'mongo_' .. locale:gsub('%W', '_'):lower()
  return { name = name, deterministic = deterministic,
    ddl = ('CREATE COLLATION IF NOT EXISTS %s (provider = icu, locale = %s, deterministic = %s)'):format(
      sql_text.name(name), sql_text.literal(locale), tostring(deterministic)) }
end

return special
