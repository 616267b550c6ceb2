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
---@field mode "direct"|"staged"|"statement"
---@field mode_reason string
---@field create string[]
---@field after_load string[]
---@field index string[] DDL of stage index
---@field constrain string[] DDL of stage constrain
---@field index_memory string the server's maintenance_work_mem
---@field warnings string[]
---@field problems string[]

---@class lugger.place_option an option of a source or target
---@field name string
---@field type "flag"|"number"|"text"|"choice"|"list"|"flag or text"
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
---@field stage "reading"|"finishing"|"index"|"constrain"|"done"|"failed"|"stopped"
---@field tally lugger.tally
---@field total_bytes integer 0: unknown
---@field seconds number
---@field resumed boolean
---@field steps lugger.step_progress[] under way
---@field steps_done integer
---@field steps_total integer
---@field waits_for string why it does nothing at the moment; "" while it works

---@class lugger.run_result
---@field run string
---@field job string
---@field status "done"|"stopped"|"failed"
---@field tally lugger.tally
---@field seconds number
---@field resumed boolean
---@field dry_run boolean
---@field unmapped table<string, integer>
---@field skip_reasons table<string, integer>
---@field reject_codes table<string, integer>
---@field notes string[]
---@field warnings string[]
---@field refused lugger.refused[] rows that keep constraints from being added
---@field constrained boolean false: they did
---@field stage string of a run that was one stage alone; else ""
---@field error string
---@field hint string
---@field error_code string
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

---@class lugger.record a struct that crosses to Lua
---@field name string
---@field about string
---@field fields lugger.record_field[] in the order of their declaration

---@class lugger.record_field
---@field name string
---@field type string as LuaCATS writes it
---@field about string
