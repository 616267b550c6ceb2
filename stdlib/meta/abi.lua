---@meta
-- The structs of bindings/abi.h and of inner/base/abi.lua, as the FFI gives them.

--- Pointers and arrays are indexed from 0.
---@class ffi.cdata*
---@field [integer] any

--- What ffi.typeof gives: called, it makes an object.
---@class lug_ctype<T>: ffi.ctype*
---@overload fun(...: any): T

---@class lug_bytes: ffi.cdata*
---@field [integer] integer

---@class lug_value: ffi.cdata*
---@field type integer
---@field flags integer
---@field aux integer
---@field size integer
---@field i64 any
---@field f64 number
---@field data any

---@class lug_document: ffi.cdata*
---@field data lug_bytes
---@field size integer
---@field format integer
---@field shape ffi.cdata*

---@class lug_batch: ffi.cdata*
---@field generation integer
---@field count integer
---@field documents table<integer, lug_document>
---@field arena ffi.cdata*
---@field self ffi.cdata*

---@class lug_rows: ffi.cdata*
---@field batch lug_batch
---@field slots table<integer, lug_value>
---@field documents table<integer, integer>
---@field live table<integer, integer>
---@field count integer
---@field width integer
---@field at integer
---@field table integer
---@field stop integer
---@field hook ffi.cdata*

---@class lug_row: ffi.cdata*
---@field lug_slots_ table<integer, lug_value>
---@field lug_generation_ integer

---@class lug_doc: ffi.cdata*
---@field lug_data_ lug_bytes
---@field lug_size_ integer
---@field lug_format_ integer
---@field lug_array_ integer
---@field lug_generation_ integer
---@field lug_shape_ ffi.cdata*
---@field lug_batch_ lug_batch

---@class lug_own: ffi.cdata*
---@field lug_size_ integer
---@field lug_array_ integer
---@field lug_data_ lug_bytes

---@class lug_shared: ffi.cdata*
---@field lug_table_ ffi.cdata*

---@class lug_iter: ffi.cdata*
---@field name lug_bytes
---@field name_size integer
---@field value lug_value

---@class lug_array: ffi.cdata*
---@field dimensions integer
---@field count integer
---@field sizes table<integer, integer>
---@field value lug_value

---@class lug_match: ffi.cdata*
---@field index integer
---@field score number

---@class lug_objectid: ffi.cdata*
---@field bytes lug_bytes

---@class lug_uuid: ffi.cdata*
---@field bytes lug_bytes

---@class lug_date: ffi.cdata*
---@field lug_ms_ any
---@field lug_us_ integer
---@field lug_place_ integer

---@class lug_interval: ffi.cdata*
---@field lug_micros_ any
---@field lug_days_ integer
---@field lug_months_ integer

---@class lug_decimal: ffi.cdata*
---@field size integer
---@field type integer
---@field data lug_bytes

---@class lug_binary: ffi.cdata*
---@field size integer
---@field subtype integer
---@field data lug_bytes

---@class lug_vector: ffi.cdata*
---@field size integer
---@field data table<integer, number>

---@class lug_typed: ffi.cdata*
---@field i64 any
---@field size integer
---@field aux integer
---@field type integer
---@field data lug_bytes

---@class lug_double: ffi.cdata*
---@field number_ number

---@class lug_script_batch: ffi.cdata*
---@field lug_view_ lug_batch
---@field lug_generation_ integer
---@field lug_count_ integer
