---@meta lugger.native
-- CSV and lines of files.
---@class lugger.native
local native = {}

---@class lugger.native.csv_rows
local csv_rows = {}
--- The next record by the names of its fields, or as a list with `n`, and the line it begins in; nil at the end. Raises
--- for what is no record.
---@return table|nil, integer|nil
function csv_rows:next() end
---@return string[]
function csv_rows:names() end
function csv_rows:close() end

native.csv = {}
--- The records of a file, gzip or not.
---@param path string
---@param options lugger.csv.options
---@return lugger.native.csv_rows
function native.csv.open(path, options) end
---@param text string
---@param options lugger.csv.options
---@return lugger.native.csv_rows
function native.csv.parse(text, options) end
--- A record without its line end; nil in the list is null.
---@param fields (string|nil)[]
---@param options lugger.csv.options
---@param count integer
---@return string
function native.csv.encode(fields, options, count) end

---@class lugger.native.lines
local lines = {}
---@return string|nil
function lines:next() end
function lines:close() end

--- The lines of a file, gzip or not, without their ends.
---@param path string
---@return lugger.native.lines
function native.lines(path) end

return native
