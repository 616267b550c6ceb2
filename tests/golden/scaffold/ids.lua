-- lugger scaffold d0f19e6c4160ddd2 (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.ids: 21 documents, 527 B; every one was read.
-- lugger preview migrate/ids.lua -n 5
-- lugger run migrate/ids.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.ids' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'ids', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- of several types: string 3 (15 %), bool 2 (10 %) ($b:true, $b:false), binary 2 (10 %)
    -- ($x:00:Ymlu, $u:00112233-4455-6677-8899-aabbccddeeff), document 2 (10 %) ($o:{"a":1,"b":"x"},
    -- $o:{"b":"x","a":1}), int32 1 (5 %) ($n:1), int64 1 (5 %) ($n:1000000000000), double 1 (5 %)
    -- ($n:1.5), decimal 1 (5 %) ($n:2.5), objectId 1 (5 %) (a50000000000000000000009), date 1 (5 %)
    -- ($d:5), code 1 (5 %) ($c:{"$code":"f"}), symbol 1 (5 %) ($k:{"$symbol":"1s"}), timestamp 1 (5
    -- %) ($t:1:1), minKey 1 (5 %) ($min), maxKey 1 (5 %) ($max); to look rows up by the old id;
    -- lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    { 'n', 'int4' },
  },
  -- every document has these: made NOT NULL by the stage "constrain", not before
  not_null = { 'n' },
  constraints = {
    { name = 'ids_mongo_id_key', unique = { 'mongo_id' } },
  },
}
