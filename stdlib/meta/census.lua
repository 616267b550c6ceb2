---@meta lugger.native
-- The census: what native.census counts. The names are those of runtime/census/census.hpp; `lugger describe --full --json` prints the
-- same tables, with suggests and notes added (stdlib/inner/census/advice.lua).

---@class lugger.census_type
---@field type string "int32", "string", ...
---@field values integer
---@field examples string[] ids of the first three documents; "#17" is the 17th document, where there is no _id

---@class lugger.census_lengths bytes of texts and binaries, elements of arrays
---@field least integer
---@field greatest integer
---@field mean number
---@field empty integer how many were empty

---@class lugger.census_looks texts that another type could hold
---@field looked_at integer texts examined; fewer than texts.values where only a part was
---@field number integer
---@field integer integer of the numbers, those without a fraction
---@field padded integer of the integers, those a number would not give back: "007", "+1"
---@field date integer
---@field bool integer "true" and "false"
---@field uuid integer
---@field object_id integer 24 hex digits
---@field json integer documents and arrays as JSON text
---@field precision integer digits that numeric needs to hold the numbers
---@field scale integer of these behind the point

---@class lugger.census_texts: lugger.census_lengths
---@field values integer
---@field with_nul integer texts with NUL
---@field bad_utf8 integer texts that are not UTF-8
---@field nul_example string|nil id of a document
---@field utf8_example string|nil id of a document
---@field looks lugger.census_looks

---@class lugger.census_numbers ends of ranges are text, so that no digit is lost
---@field least string|nil
---@field greatest string|nil
---@field beyond_double integer|nil integers: that a double cannot hold
---@field values integer|nil doubles and decimals
---@field whole integer|nil doubles without a fraction
---@field nan integer|nil
---@field infinite integer|nil
---@field special integer|nil decimals: NaN and infinities
---@field looked_at integer|nil values whose digits were counted
---@field precision integer|nil digits that numeric needs to hold them
---@field scale integer|nil of these behind the point

---@class lugger.census_top
---@field value string at most 40 bytes, "..." behind a longer one
---@field type string
---@field count integer

---@class lugger.census_path
---@field path string "lines[].price", as a column's `from` takes it
---@field name string the last name as it is in the data; "[]" for elements, "*" for folded names
---@field kind "field"|"element"|"folded"
---@field parent integer|nil place of the path above in paths, from 1; nil: the document itself
---@field depth integer from 1
---@field documents integer that have the path, whatever its value
---@field parents integer documents, at any depth, that could have the field; 0 for elements and folded names
---@field present integer values, null left out
---@field nulls integer
---@field missing integer of the parents, those without the field
---@field types lugger.census_type[] most frequent first, without null
---@field null_examples string[]
---@field integers lugger.census_numbers|nil
---@field doubles lugger.census_numbers|nil
---@field decimals lugger.census_numbers|nil
---@field dates { least: string, greatest: string, outside: integer }|nil outside: of PostgreSQL's years
---@field texts lugger.census_texts|nil
---@field binaries lugger.census_lengths|nil
---@field subtypes { subtype: integer, values: integer }[]|nil of binaries
---@field arrays lugger.census_lengths|nil
---@field distinct integer distinct scalars; an estimate (standard error 2.3 %) unless distinct_exact
---@field distinct_exact boolean
---@field top lugger.census_top[] the most frequent values
---@field top_error integer counts in top may be too small by this
---@field names integer|nil folded: how many names there were, an estimate
---@field not_walked integer|nil documents and arrays nested too deep to look into
---@field repeated integer|nil times the name came twice in one document
---@field repeated_example string|nil
---@field same_but_case string[]|nil names beside it that differ by case alone
---@field type string narrowest column type that holds every value; jsonb otherwise
---@field suggests lugger.census_suggestion|nil added by census_advice
---@field notes string[]|nil added by census_advice

---@class lugger.census_discriminator a text field whose value tells which other fields a document has
---@field path string
---@field decides string[] names of the fields whose presence it tells
---@field kinds { value: string, documents: integer, always: string[], never: string[] }[] most documents first

---@class lugger.census_fault a document that is not valid BSON; what stands before the fault was counted
---@field document integer from 1
---@field id string "" when it could not be read
---@field path string the document or array with the fault; "" is the document itself
---@field what string
---@field at integer|nil byte of the (unpacked) source where the document begins
---@field inside integer byte of the document where the fault is

---@class lugger.collection_census
---@field info lugger.source_info
---@field documents integer
---@field malformed integer
---@field bytes integer of the documents as BSON or rows
---@field sizes lugger.census_lengths bytes of a document
---@field largest string id of the largest document
---@field complete boolean false: stopped at the limit, at a break, or by the user
---@field sample { documents: integer, chance: number }|nil documents passed by, and the chance each had to be taken
---@field paths lugger.census_path[] each behind its parent
---@field discriminators lugger.census_discriminator[] those that decide most first
---@field faults lugger.census_fault[] the first ten
---@field breaks { message: string, hint: string, documents: integer }[] where reading ended before the end
---@field tolerated integer documents that were not standard JSON
---@field seconds number
---@field workers integer

---@class lugger.native.census
local census = {}
--- Waits for the end, at most wait_ms milliseconds.
---@param wait_ms integer|nil
---@return { documents: integer, bytes: integer, total_bytes: integer, seconds: number }
function census:poll(wait_ms) end
---@return boolean
function census:ended() end
--- What was counted until then is the result, which is not complete.
function census:stop() end
--- Waits for the end.
---@return lugger.collection_census
function census:result() end
function census:close() end

local native = {}

--- Begins to count everything a source holds, on a thread a partition.
---@param place string
---@param options table|nil
---@param settings { jobs: integer?, limit: integer?, sample: integer? }|nil
---@return lugger.native.census
function native.census(place, options, settings) end

--- Which paths may refer to the _id of another collection, from censuses that have ended. Places count from 1.
---@param censuses lugger.native.census[]
---@return { collection: integer, target: integer, path: string, by: "values"|"name", values: integer, looked_at: integer, found: integer }[]
function native.find_references(censuses) end

--- Looks up every value of some paths among the _ids of another collection.
---@param from string place
---@param from_options table|nil
---@param paths string[]
---@param to string place
---@param to_options table|nil
---@param memory integer|nil bytes of hashes to hold; 256 MiB when not given
---@return { path: string, values: integer, found: integer, dangling: integer, examples: { document: string, value: string }[] }[]
function native.check_references(from, from_options, paths, to, to_options, memory) end

--- Converts the first documents of a source for a while, as a load with columns = 'auto' would.
---@param place string
---@param options table|nil
---@param seconds number|nil
---@return { documents: integer, bytes: integer, refused: integer, row_bytes: integer, columns: integer, seconds: number, connection_seconds_per_byte: number }
function native.try_load(place, options, seconds) end

---@class lugger.update_counts
---@field inserts integer
---@field updates integer
---@field replacements integer
---@field deletes integer
---@field paths table<string, integer> updates that touched a path
---@field other_paths integer updates of paths beyond the first 10,000

--- Counts the updates in the oplog that a source of this place replays: the file that options.oplog names, else that
--- of a dump directory. nil when there is none.
---@param place string
---@param options table|nil
---@return { place: string, collections: table<string, lugger.update_counts> }|nil
function native.count_updates(place, options) end
