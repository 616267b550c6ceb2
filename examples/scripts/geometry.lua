-- GeoJSON points as text for PostGIS, and as PostgreSQL's own points.
local lugger = require 'lugger'

local function well_known_text(geo)
  if geo == nil or geo == lugger.null or geo.type ~= 'Point' then return nil end
  return ('SRID=4326;POINT(%.5f %.5f)'):format(geo.coordinates[1], geo.coordinates[2])
end

return lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'places', key = 'mongo_id' }),
  columns = {
    { 'mongo_id', 'text', from = '_id' },
    { 'wkt', 'text', computed = true },
    { 'point', 'point', computed = true },
    { 'city', 'text', from = 'ship.city' },
    { 'longitude', 'float8', from = 'ship.geo.coordinates.0' },
  },
  unmapped = 'ignore',
  map = function(row, doc)
    row.wkt = well_known_text(doc.ship.geo)
    row.point = ('(%.17g,%.17g)'):format(doc:get 'ship.geo.coordinates.0', doc:get 'ship.geo.coordinates.1')
  end,
}
