---@meta lugger.native
-- Made by `tools/records` from the declarations in bindings/: the tables that native functions give.

---@class lugger.tally
---@field read integer documents; read = inserted + updated + unchanged + skipped + rejected + suppressed + deleted
---@field inserted integer
---@field updated integer
---@field unchanged integer
---@field skipped integer
---@field rejected integer
---@field suppressed integer the server did not take a row of theirs, and gave no error
---@field deleted integer deleted at the source, and now here; one that was not here is unchanged
---@field rows integer rows written to all tables
---@field child_rows integer of these, rows of child tables
---@field bytes integer source bytes
---@field balanced boolean

---@class lugger.partition
---@field id string
---@field spec string
---@field bytes integer
---@field start string where it begins; "" is its first document
---@field phase integer it is begun when all partitions of earlier phases are done

---@class lugger.partition_record how far a partition of a run is
---@field id string
---@field spec string
---@field position string
---@field bytes integer
---@field start string where it begins; "" is its first document
---@field phase integer it is begun when all partitions of earlier phases are done
---@field done boolean
---@field holder string the process that claimed it last, where several share the run
---@field held boolean its claim has not expired
---@field tally lugger.tally

---@class lugger.oplog_info
---@field place string the file, or the archive that holds it
---@field entries integer
---@field changes integer of documents, of all collections
---@field concern integer of these, changes of this collection
---@field first string time of the first entry: ISO, and as a Timestamp
---@field last string

---@class lugger.source_info
---@field kind string to be shown
---@field rows boolean its documents are rows of a table, whose columns have types
---@field place string secrets masked
---@field database string
---@field collection string
---@field identity string
---@field bytes integer
---@field documents integer|nil
---@field compressed boolean
---@field metadata_json string
---@field oplog lugger.oplog_info|nil replayed over the documents
---@field warnings string[]
---@field advice string[] for those who look at a source, not for those who run it
---@field decisions string[] what no table has: for its application to replace or decide

---@class lugger.collection_info
---@field database string
---@field collection string
---@field type string
---@field path string
---@field bytes integer
---@field metadata_json string
---@field oplog ""|"untouched"|"touched" whether an oplog is replayed, and changes it

---@class lugger.place_info
---@field collections lugger.collection_info[] as they are at the end of the oplog
---@field oplog lugger.oplog_info|nil
---@field advice string[] what a look at the place should tell
---@field warnings string[] what of the place will not be read

---@class lugger.target_column
---@field name string
---@field type string
---@field not_null boolean
---@field has_default boolean
---@field generated boolean
---@field identity boolean

---@class lugger.target_report
---@field place string
---@field server string
---@field mode ""|"direct"|"staged"|"statement" "": the target has one way
---@field mode_reason string
---@field self_contained boolean no table but the job's own has a part in its load
---@field create string[]
---@field after_load string[]
---@field index string[] DDL of stage index
---@field constrain string[] DDL of stage constrain
---@field index_memory string the server's maintenance_work_mem
---@field warnings string[]
---@field problems string[]

---@class lugger.place_option an option of a source or target
---@field name string
---@field type "flag"|"number"|"text"|"choice"|"list"|"path"|"URL"|"flag or path"
---@field help string one sentence
---@field fallback string
---@field choices string[] of type "choice"

---@class lugger.type_count
---@field type string "int32", "string", ...
---@field values integer

---@class lugger.field_summary what describe found of one field
---@field path string
---@field seen integer documents that have the field
---@field nulls integer
---@field types lugger.type_count[] most frequent first, null left out
---@field suggests string column type
---@field note string what to mind; "" when there is nothing

---@class lugger.description
---@field info lugger.source_info
---@field documents integer
---@field malformed integer
---@field complete boolean false when it stopped at the limit
---@field fields lugger.field_summary[]

---@class lugger.column_ref where a column with ref = ... points
---@field database string
---@field collection string
---@field table string
---@field column string "id" or "mongo_id" when the script does not say
---@field fk boolean a foreign key is made of it

---@class lugger.plan_column
---@field name string
---@field type string as DDL spells it
---@field from string
---@field required boolean
---@field on_error "reject"|"null"|"default"|"error"
---@field default string|nil
---@field generate string|nil
---@field computed boolean the hook gives its value
---@field id_text_column boolean
---@field ref lugger.column_ref|nil

---@class lugger.table_plan
---@field name string
---@field columns lugger.plan_column[]
---@field key integer[] places of the key's columns, from 1
---@field parent integer|nil place of the parent table, from 1
---@field parent_key integer[]
---@field path string of a child table: the array it comes from

---@class lugger.ddl_step
---@field stage "load"|"index"|"constrain" of the keys: "load"
---@field table string as the script names it
---@field name string of the constraint or index
---@field statements string[] as they are run

---@class lugger.job_shape
---@field database string of the source: the name space of ids
---@field collection string
---@field tables lugger.table_plan[]
---@field own_tables integer the first of them: one, or as many as routes; children follow
---@field create string[] CREATE TABLE of each table
---@field distribute string[] by Citus, of each table; empty: they are not
---@field keys lugger.ddl_step[] primary and unique keys
---@field steps lugger.ddl_step[] indexes and constraints, in the order they are made

---@class lugger.job_plan
---@field job string
---@field source string
---@field target string
---@field source_info lugger.source_info
---@field report lugger.target_report
---@field tables lugger.table_plan[]
---@field partitions lugger.partition[]
---@field connections integer
---@field forecast_seconds number 0: unknown
---@field on_ddl string of a live source: what is done about drop, rename, ..., in words
---@field warnings string[]

---@class lugger.preview_row
---@field table integer place in tables, from 1
---@field values string[]
---@field is_null boolean[]

---@class lugger.preview_document
---@field id string
---@field document string relaxed Extended JSON
---@field fate "load"|"skip"|"reject"
---@field table string
---@field column string
---@field code string
---@field message string
---@field rows lugger.preview_row[]

---@class lugger.preview
---@field tables lugger.table_plan[]
---@field documents lugger.preview_document[]
---@field tally lugger.tally

---@class lugger.trace_step
---@field table string
---@field column string
---@field from string
---@field found_type string
---@field found string
---@field type string
---@field result string
---@field outcome string

---@class lugger.trace
---@field document string
---@field steps lugger.trace_step[]
---@field outcome lugger.preview_document
---@field tables lugger.table_plan[]

---@class lugger.rehearsed_refusal
---@field table string
---@field column string
---@field code string
---@field message string
---@field documents integer
---@field examples string[]

---@class lugger.rehearsal
---@field documents integer
---@field rejected integer
---@field complete boolean false: stopped, or at the limit
---@field refusals { table: string, column: string, code: string, message: string, documents: integer, examples: string[] }[]
---@field unmapped table<string, integer>

---@class lugger.run_snapshot
---@field run string
---@field stage "reading"|"finishing"|"index"|"constrain"|"settling"|"following"|"done"|"failed"|"stopped"
---@field tally lugger.tally
---@field total_bytes integer 0: unknown
---@field seconds number
---@field resumed boolean
---@field steps lugger.step_progress[] under way
---@field steps_done integer
---@field steps_total integer
---@field waits_for string why it does nothing at the moment; "" while it works
---@field lost string what a server that it waits for said last, or why it is not reached; or ""
---@field silent_s number since a server that it waits for was heard of
---@field remarks string[] of the source, since the last poll
---@field behind_s number of a feed: seconds behind its source; -1: unknown
---@field followed integer changes made before this are committed, or their keys are, in seconds of the source; 0: none
---@field kept integer keys that were spooled and are not settled
---@field news lugger.notice[] what was noticed, in order

---@class lugger.run_result
---@field run string
---@field job string
---@field status "done"|"stopped"|"failed"
---@field tally lugger.tally
---@field seconds number
---@field resumed boolean
---@field dry_run boolean
---@field unmapped table<string, integer>
---@field unmet string[] paths of the mapping that no document had
---@field skip_reasons table<string, integer>
---@field reject_codes table<string, integer>
---@field rejects lugger.reject_group[] by reason, the most frequent first
---@field tables integer how many the job fills
---@field notes string[]
---@field noticed lugger.notice[] by this process, each once
---@field warnings string[]
---@field refused lugger.refused[] rows that keep constraints from being added
---@field constrained boolean false: they did
---@field stage string of a run that was one stage alone; else ""
---@field error string
---@field hint string
---@field error_code string
---@field position_lost boolean the source no longer has the changes from the position on
---@field resume_command string

---@class lugger.run_record
---@field run string
---@field job string
---@field script_hash string
---@field source string
---@field source_identity string
---@field mode string
---@field status "running"|"stopped"|"failed"|"done"|"abandoned"
---@field command string
---@field started string
---@field updated string
---@field message string
---@field now string
---@field tally lugger.tally

---@class lugger.reject_group documents of a run that were refused for one reason
---@field table string
---@field column string "" where the document as a whole was refused
---@field code string
---@field constraint string that the server named, or ""
---@field documents integer
---@field message string of the first document; "" with --redact
---@field texts integer different messages, places in the text aside; at 1000 there may be more
---@field advice string what would take it, or ""
---@field document_id string of the first document

---@class lugger.reject_record
---@field reject integer
---@field run string
---@field job string
---@field table string
---@field document_id string
---@field column string
---@field code string
---@field message string
---@field document string canonical Extended JSON
---@field operation "upsert"|"delete" what the source said happened to the document
---@field at string

---@class lugger.feed_record changes that are kept while their source is copied
---@field job string
---@field source_identity string
---@field position string the keys of all changes before it are kept
---@field seconds integer of the position, by the source's clock
---@field started string
---@field updated string
---@field spooled integer keys

---@class lugger.notice something that was noticed while changes were followed
---@field job string
---@field kind "drop"|"rename"|"dropDatabase"|"create"|"collMod"|"createIndexes"|"dropIndexes"|"field"|"collection"|"large"|"accepted" what was done to a collection, or what was met
---@field name string what it is about
---@field done string what the job did
---@field count integer
---@field first string when it was noticed first; "" in a run under way
---@field last string

---@class lugger.spool_snapshot
---@field position string the keys of all changes before it are kept
---@field seconds integer of the position, by the source's clock
---@field spooled integer keys that are kept
---@field events integer read by this process
---@field waits_for string why it waits; "" while it does not
---@field lost string what a server that it waits for said last, or why it is not reached; or ""
---@field silent_s number since a server that it waits for was heard of
---@field ended boolean
---@field error string why it ended; "" when it was stopped
---@field hint string
---@field error_code string
---@field position_lost boolean the source no longer has the changes from the position on

---@class lugger.source_seen what was seen of the source of a job that is moved
---@field head integer how far the source was, in its seconds; 0: not known
---@field oldest integer it still had the changes from here on; 0: not known
---@field probed boolean oldest was found by asking for changes, and may lie an eighth too far back
---@field young boolean nothing of it was let go yet: how far back it will reach is not known
---@field age number seconds since it answered; -1: not yet
---@field fault string why it does not answer; "": it does
---@field own_stream string why its changes come by a stream of their own; "": nothing is known

---@class lugger.watch_record what the process that moves a job told of it last
---@field job string
---@field facts string JSON
---@field age number seconds since it was told
---@field holder string the process that works on the job; "": none

---@class lugger.step_progress
---@field step string
---@field table string
---@field phase string as pg_stat_progress_create_index says it
---@field share number|nil 0 to 1
---@field seconds number
---@field waiting string for whom: a session, described

---@class lugger.refused rows that a constraint would refuse
---@field table string
---@field column string names, comma separated; "" for a check
---@field constraint string
---@field kind string "not null", "check", "unique", "foreign key", "too long", "required"
---@field rows integer 0: it cannot be counted; message says why
---@field examples string[] keys of such rows
---@field message string

---@class lugger.step_record
---@field job string
---@field stage "index"|"constrain"
---@field step string "index users users_email_1"
---@field run string
---@field status "waiting"|"running"|"done"|"failed"|"refused"
---@field statement string
---@field message string
---@field tries integer
---@field started string
---@field ended string

---@class lugger.column_finding
---@field table string
---@field column string
---@field wanted string the type of the mapping
---@field found string the type in the table; "" when there is no such column

---@class lugger.column_difference both sides of one column, as text
---@field column string
---@field source string|nil nil is NULL
---@field target string|nil nil is NULL

---@class lugger.row_finding
---@field kind "missing"|"extra"|"different"
---@field table string
---@field key string "mongo_id=64f1..., ordinal=2"
---@field columns lugger.column_difference[] of a different row, those that differ

---@class lugger.table_verdict
---@field table string
---@field source integer rows expected; equal + missing + different + older
---@field target integer rows there; equal + extra + different + newer
---@field equal integer
---@field missing integer
---@field extra integer
---@field different integer
---@field newer integer rows of documents that the target has newer, with on_conflict = 'newer'
---@field older integer the source's rows of these
---@field duplicates integer source rows that gave way to another of the same key
---@field settled integer rows that differed at first, and not when read again
---@field differing table<string, integer> with live: column -> rows in which it differs
---@field source_digest string
---@field target_digest string
---@field columns string[] compared
---@field left_out string[] not compared: filled by the server or the clock

---@class lugger.recall_side
---@field how string the index and its settings; "": it has no search
---@field recall number share of its exact neighbours that its search finds, 0 to 1
---@field worst number of one query
---@field returned integer hits of all queries
---@field wanted integer hits that k asks for, as far as there are so many
---@field short_answers integer queries with fewer hits than wanted
---@field vectors integer
---@field without integer rows without a vector
---@field other_size integer vectors of other dimensions than the queries'

---@class lugger.recall_query
---@field query string the key of a stored vector, or the line of a file
---@field filter string "": none
---@field source number recall
---@field target number recall
---@field overlap number of both answers
---@field source_hits integer
---@field target_hits integer

---@class lugger.recall
---@field good boolean the target finds as much as it must
---@field column string
---@field metric string
---@field queries_from string in words
---@field k integer
---@field least number recall of the target
---@field source lugger.recall_side
---@field target lugger.recall_side
---@field queries_tested integer
---@field nothing_to_find integer queries that no vector can answer: not tested
---@field avg_result_overlap number of the answers of both sides
---@field perfect_matches integer queries with the same hits
---@field exact_overlap number of both sides' exact neighbours
---@field rank_agreement number|nil Kendall's tau of common hits; nil: no query has two
---@field mean_score_delta number of exact scores
---@field largest_score_delta number
---@field worst lugger.recall_query[] queries, by the target's recall

---@class lugger.verdict
---@field equal boolean
---@field job string
---@field run string the run that loaded the rows; "" when none is recorded
---@field run_status string
---@field run_now string what lugger.now() gave in that run, and in this comparison
---@field script_hash string
---@field mapping_hash string of tables, columns, types and paths
---@field source string secrets masked
---@field source_identity string
---@field target string secrets masked
---@field target_identity string
---@field server string
---@field position string the snapshot the target was read in
---@field source_position string with live: up to when the source was seen
---@field applied_position string with live: up to when changes were applied
---@field changing integer with live: documents that did not stand still long enough
---@field started string ISO, UTC
---@field finished string ISO, UTC
---@field seconds number
---@field seed integer of the digests and the sample
---@field documents integer read
---@field skipped integer by the hook: not expected
---@field rejected integer by the mapping: not expected
---@field kept_rejects integer among the rejects of the load: not expected
---@field unmapped table<string, integer> path -> documents; no column takes it
---@field replaced table<string, integer> table.column -> values that on_error replaced
---@field skip_reasons table<string, integer>
---@field reject_codes table<string, integer>
---@field tables lugger.table_verdict[]
---@field altered lugger.column_finding[]
---@field rows lugger.row_finding[] the first of each table and kind
---@field window string --since in words; "" when not asked for
---@field where string
---@field columns string those of --columns; "": all
---@field sample string what the sample proves, in words
---@field looked_for_missing boolean
---@field looked_for_extra boolean
---@field recall lugger.recall|nil nil when searches were not compared
---@field reasons string[] why it cannot be called equal, beyond rows and columns: "the load is not finished"
---@field notes string[]
---@field warnings string[]

---@class lugger.repair
---@field applied boolean
---@field run string its run in the ledger; "" when nothing was written
---@field documents integer written again, or that would be
---@field deleted integer rows
---@field extra_left integer rows that no document makes, and that stay without delete_extra
---@field beyond_keys integer extra rows that no key tells from the right ones: they stay
---@field of_refused integer extra rows of documents that were refused: they stay
---@field refused string why the extra rows would not be deleted; "" when nothing is in the way
---@field rounds integer
---@field notes string[]

---@class lugger.verify_snapshot
---@field stage string
---@field documents integer
---@field bytes integer
---@field total_bytes integer 0: unknown
---@field rows integer of the target
---@field seconds number
---@field waits_for string why it does nothing at the moment; "" while it works

---@class lugger.census_type
---@field type string "int32", "string", ...
---@field values integer
---@field examples string[] ids of the first three documents; "#17" is the 17th document, where there is no _id

---@class lugger.census_lengths bytes of texts and binaries, elements of arrays
---@field least integer
---@field greatest integer
---@field mean number
---@field empty integer how many were empty

---@class lugger.census_integers
---@field least string|nil as text, so that no digit is lost
---@field greatest string|nil as text, so that no digit is lost
---@field beyond_double integer that a double cannot hold

---@class lugger.census_doubles
---@field least string|nil as text, so that no digit is lost
---@field greatest string|nil as text, so that no digit is lost
---@field values integer
---@field whole integer without a fraction
---@field nan integer
---@field infinite integer
---@field looked_at integer values whose digits were counted
---@field precision integer digits that numeric needs to hold them
---@field scale integer of these behind the point

---@class lugger.census_decimals
---@field least string|nil as text, so that no digit is lost
---@field greatest string|nil as text, so that no digit is lost
---@field values integer
---@field special integer NaN and infinities
---@field looked_at integer values whose digits were counted
---@field precision integer digits that numeric needs to hold them
---@field scale integer of these behind the point

---@class lugger.census_dates
---@field least string|nil
---@field greatest string|nil
---@field outside integer of PostgreSQL's years

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

---@class lugger.census_texts
---@field least integer bytes
---@field greatest integer
---@field mean number
---@field empty integer how many were empty
---@field values integer
---@field with_nul integer texts with NUL
---@field bad_utf8 integer texts that are not UTF-8
---@field nul_example string|nil id of a document
---@field utf8_example string|nil id of a document
---@field looks lugger.census_looks

---@class lugger.census_top
---@field value string at most 40 bytes, "..." behind a longer one
---@field type string
---@field count integer

---@class lugger.census_subtype
---@field subtype integer
---@field values integer

---@class lugger.census_vectors
---@field values integer
---@field least integer dimensions
---@field greatest integer dimensions
---@field zeros integer vectors that are all zeros
---@field non_finite integer vectors with NaN or infinities
---@field duplicates integer vectors that were there before
---@field exact boolean false: duplicates are an estimate
---@field zero_examples string[] ids of the first three documents
---@field non_finite_examples string[]
---@field duplicate_examples string[]

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
---@field integers lugger.census_integers|nil
---@field doubles lugger.census_doubles|nil
---@field decimals lugger.census_decimals|nil
---@field dates lugger.census_dates|nil
---@field texts lugger.census_texts|nil
---@field binaries lugger.census_lengths|nil
---@field arrays lugger.census_lengths|nil
---@field vectors lugger.census_vectors|nil lists of at least eight numbers, and vectors by type
---@field subtypes lugger.census_subtype[]|nil of binaries
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

---@class lugger.census_kind documents with one value of a discriminator
---@field value string
---@field documents integer
---@field always string[]
---@field never string[]

---@class lugger.census_discriminator a text field whose value tells which other fields a document has
---@field path string
---@field decides string[] names of the fields whose presence it tells
---@field kinds lugger.census_kind[] most documents first

---@class lugger.census_fault a document that is not valid BSON; what stands before the fault was counted
---@field document integer from 1
---@field id string "" when it could not be read
---@field path string the document or array with the fault; "" is the document itself
---@field what string
---@field at integer|nil byte of the (unpacked) source where the document begins
---@field inside integer byte of the document where the fault is

---@class lugger.census_break where reading ended before the end
---@field message string
---@field hint string
---@field documents integer that were read in front of it

---@class lugger.census_sample
---@field documents integer passed by
---@field chance number that each had to be taken

---@class lugger.collection_census
---@field info lugger.source_info
---@field documents integer
---@field malformed integer
---@field bytes integer of the documents as BSON or rows
---@field sizes lugger.census_lengths bytes of a document
---@field largest string id of the largest document
---@field complete boolean false: stopped at the limit, at a break, or by the user
---@field sample lugger.census_sample|nil
---@field paths lugger.census_path[] each behind its parent
---@field discriminators lugger.census_discriminator[] those that decide most first
---@field faults lugger.census_fault[] the first ten
---@field breaks lugger.census_break[]
---@field tolerated integer documents that were not standard JSON
---@field seconds number
---@field workers integer

---@class lugger.census_snapshot
---@field documents integer
---@field bytes integer
---@field total_bytes integer 0: unknown
---@field seconds number

---@class lugger.reference_candidate a path that may refer to a collection
---@field collection integer its place in the list
---@field target integer as collection
---@field path string
---@field by "values"|"name"
---@field values integer
---@field looked_at integer
---@field found integer

---@class lugger.dangling_value
---@field document string
---@field value string

---@class lugger.reference_count
---@field path string
---@field values integer
---@field found integer
---@field dangling integer
---@field examples lugger.dangling_value[] of dangling values, the first three

---@class lugger.load_trial
---@field documents integer
---@field bytes integer of the documents in the source's form
---@field refused integer
---@field row_bytes integer of the values as they would be stored
---@field columns integer
---@field seconds number on one core
---@field connection_seconds_per_byte number

---@class lugger.update_counts
---@field inserts integer
---@field updates integer
---@field replacements integer
---@field deletes integer
---@field paths table<string, integer> updates that touched a path
---@field other_paths integer updates of paths beyond the first 10,000

---@class lugger.fix_cell
---@field field string
---@field before string|nil nil is NULL
---@field after string|nil nil is NULL

---@class lugger.fix_sample a row before and after
---@field key string
---@field cells lugger.fix_cell[] of what changes only

---@class lugger.fix_refusal a row that was left as it is, and why
---@field key string
---@field code string
---@field message string

---@class lugger.fix_pair
---@field before string|nil nil is NULL
---@field after string|nil nil is NULL
---@field rows integer

---@class lugger.fix_field_report
---@field field string
---@field rows integer
---@field more boolean there were more pairs than are listed
---@field pairs lugger.fix_pair[] most frequent first

---@class lugger.fix_report
---@field kind "fix"|"undo"
---@field table string
---@field where string
---@field applied boolean
---@field retried integer rows that other sessions changed meanwhile, and that were read again
---@field counted integer changes found before the first write
---@field fields lugger.fix_field_report[] one an entry of `set`
---@field samples lugger.fix_sample[]
---@field refusals lugger.fix_refusal[] the first of each code
---@field triggers string[]
---@field notes string[]
---@field images_until string

---@class lugger.native.hit
---@field key string
---@field score number
---@field document string its other columns as JSON

---@class lugger.native.search_found
---@field metric string
---@field how string the index and its settings, or what was compared
---@field key string[] names of what identifies a hit
---@field hits lugger.native.hit[] nearest first

---@class lugger.record a struct that crosses to Lua
---@field name string
---@field about string
---@field fields lugger.record_field[] in the order of their declaration

---@class lugger.record_field
---@field name string
---@field type string as LuaCATS writes it
---@field about string

---@class lugger.source_options of lugger.source; which of them a place takes, `lugger help sources` says
---@field table string|nil The table to read: 'name' or 'schema.name'.
---@field query string|nil A SELECT to read instead of a table.
---@field key string|string[]|nil Unique, never NULL columns to read in the order of, so that a run can be resumed.
---@field pooled boolean|nil The server is reached through a pooler that keeps no session settings.
---@field publication string|nil The publication by which the table is followed; without it lugger makes one.
---@field row_security boolean|nil Read only the rows that row-level security shows to the role; without it such a table is refused.
---@field collection string|nil Which collection of a server, dump, archive or directory: 'db.name' or 'name'; for a single file, what to call it.
---@field database string|nil Which database of a server, dump or archive; for a single file, what to call it.
---@field where string|nil A query in MongoDB's language: only documents that satisfy it are meant, { status = 'open' }.
---@field key_env string|nil the environment variable that holds the key, where the URL has none
---@field verify_tls boolean|nil whether the server's certificate is checked
---@field ca_file string|nil the file with the certificates to trust, in place of the system's
---@field timeout_s number|nil seconds for a request and its whole answer
---@field requests_per_s number|nil requests a second at most, of all workers together
---@field tenant string|nil of a class that has tenants: the one to read; all, when not given
---@field inactive "activate"|"skip"|"error"|nil what becomes of tenants that are off: they are on while they are read, or left out
---@field state string|nil directory that remembers which tenants are to be turned off again
---@field format "auto"|"bson"|"json"|"archive"|"csv"|nil What the file holds; gzip is always recognised.
---@field style "extended"|"plain"|nil How JSON is read: wrappers such as {"$oid": ...} are MongoDB's types; plain: JSON as it stands, with every digit of its numbers.
---@field oplog boolean|string|nil Whether the oplog of a dump is replayed (default: when there is one), or the oplog.bson to replay.
---@field header boolean|nil Whether the first record of CSV has the names of the fields.
---@field names string|string[]|nil The names of the fields of CSV, in the place of the header's; without either they are c1, c2, ...
---@field delimiter string|nil What stands between the fields of CSV; of .tsv it is a tab.
---@field quote string|nil What stands around fields of CSV; '' for nothing.
---@field null string|nil The field of CSV, without quotes, that is null.

---@class lugger.target_options of lugger.target; which of them a place takes, `lugger help targets` says
---@field table string|nil table that rows go to, "users" or "schema.users"
---@field key string|string[]|nil columns that identify a row
---@field on_conflict "error"|"skip"|"update"|"newer"|nil what happens to a row whose key is taken
---@field newer string|nil with on_conflict = "newer": the column that says which row is newer
---@field writer "copy"|"statement"|nil COPY, or one INSERT statement a batch where COPY cannot go
---@field pooled boolean|nil the server is reached through a pooler in transaction mode (pgbouncer)
---@field direct string|nil the URL of the server itself: indexes and constraints are always built over it
---@field direct_behind_pooler string|nil as direct, but used only behind a pooler in transaction mode (default PG_DIRECT_URI)
---@field distribute string|nil the column by which Citus is to distribute the tables that are made; children go with their parents
---@field state_schema string|nil schema for lugger's own tables
---@field key_env string|nil the environment variable that holds the key, where the URL has none
---@field verify_tls boolean|nil whether the server's certificate is checked
---@field ca_file string|nil the file with the certificates to trust, in place of the system's
---@field timeout_s number|nil seconds for a request and its whole answer
---@field requests_per_s number|nil requests a second at most, of all workers together
---@field tenant string|nil the tenant of a class that has tenants
---@field inactive "activate"|"error"|nil what becomes of a tenant that is off: it is on while it is loaded
---@field vector string|nil of a class that lugger makes: the column that is its one vector without a name
---@field distance "cosine"|"dot"|"l2-squared"|"manhattan"|"hamming"|nil of a class that lugger makes: how vectors are compared
---@field index "hnsw"|"flat"|"dynamic"|nil of a class that lugger makes: the index of its vectors
---@field state string|nil directory that remembers how far a run is
---@field documents boolean|nil a line is the document that the rows give back, in place of the rows
---@field style "plain"|"relaxed"|"canonical"|nil how values are written: plain JSON, or Extended JSON; documents: canonical
