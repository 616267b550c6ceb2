-- Properties of a statement, parsed with PostgreSQL's grammar; each text is parsed once.
local native = require 'lugger.native'

local statement = {}

---@class lugger.statement
---@field text string
---@field tag string|nil the node of its syntax tree, such as "IndexStmt"; nil when the grammar does not know it
---@field node any a table, of one with a tag; read anew when it is asked for, not kept: a file may have very many
---@field problem string|nil why it could not be read
---@field position integer|nil of the problem, in characters from 1
---@field reads_only boolean a SELECT that writes nothing and locks nothing
---@field transactional boolean
---@field alone boolean what it makes cannot be used before its transaction ends
---@field may_commit boolean CALL and DO: what they run may end transactions
---@field control string|nil "BEGIN", "COMMIT", ...
---@field sets boolean holds for the session, and is run again where a session begins anew: SET, PREPARE, LISTEN
---@field lasting "setting"|"other"|nil what it leaves in the session outlives the transaction
---@field setting string|nil the name of that setting, as far as the text tells
---@field temporary string|nil the temporary relation that it makes
---@field drops_itself boolean|nil that relation goes at COMMIT
---@field cursor string|nil the cursor that it makes, and that outlives its transaction
---@field data string|nil of COPY ... FROM stdin, on the lines behind it
---@field unreadable string|nil why it is no statement of any version; only where that was asked for
---@field hint string|nil what to do then
---@field exact boolean|nil for lint: false where its text is put together as a script runs

local function option(list, name)
  for _, item in ipairs(list or {}) do
    if item.DefElem and item.DefElem.defname == name then return item.DefElem end
  end
end

---@type table<string, boolean>
local never = { CreatedbStmt = true, DropdbStmt = true, CreateTableSpaceStmt = true, DropTableSpaceStmt = true,
  AlterSystemStmt = true, CreateSubscriptionStmt = true, DropSubscriptionStmt = true, AlterSubscriptionStmt = true }

local function whole_database(node)
  return node.kind == 'REINDEX_OBJECT_SCHEMA' or node.kind == 'REINDEX_OBJECT_SYSTEM'
    or node.kind == 'REINDEX_OBJECT_DATABASE'
end

---@type table<string, nil|fun(node: table): boolean|nil>
local outside = {
  IndexStmt = function(node) return node.concurrent end,
  DropStmt = function(node) return node.concurrent end,
  ReindexStmt = function(node) return option(node.params, 'concurrently') ~= nil or whole_database(node) end,
  VacuumStmt = function(node) return node.is_vacuumcmd end,
  ClusterStmt = function(node) return node.relation == nil end,
  AlterDatabaseStmt = function(node) return option(node.options, 'tablespace') ~= nil end,
  DiscardStmt = function(node) return node.target == 'DISCARD_ALL' end,
  AlterTableStmt = function(node)
    for _, command in ipairs(node.cmds or {}) do
      local partition = command.AlterTableCmd.def and command.AlterTableCmd.def.PartitionCmd
      if command.AlterTableCmd.subtype == 'AT_DetachPartition' and partition and partition.concurrent then
        return true
      end
    end
    return false
  end,
}

local function writes(node)
  if node.intoClause or node.lockingClause then return true end
  for _, cte in ipairs(node.withClause and node.withClause.ctes or {}) do
    local tag, inner = next(cte.CommonTableExpr.ctequery)
    if tag ~= 'SelectStmt' or writes(inner) then return true end
  end
  for _, side in ipairs { node.larg, node.rarg } do
    if writes(side) then return true end
  end
  return false
end

local control_words = { TRANS_STMT_BEGIN = 'BEGIN', TRANS_STMT_START = 'START TRANSACTION',
  TRANS_STMT_COMMIT = 'COMMIT', TRANS_STMT_ROLLBACK = 'ROLLBACK', TRANS_STMT_PREPARE = 'PREPARE TRANSACTION',
  TRANS_STMT_COMMIT_PREPARED = 'COMMIT PREPARED', TRANS_STMT_ROLLBACK_PREPARED = 'ROLLBACK PREPARED' }

-- Visits every node of a tree, in any order.
local function each_node(tree, visit)
  for tag, inner in pairs(tree) do
    if type(inner) == 'table' then
      if type(tag) == 'string' then visit(tag, inner) end
      each_node(inner, visit)
    end
  end
end

---@type table<string, boolean>
local session_locks = { pg_advisory_lock = true, pg_advisory_lock_shared = true, pg_try_advisory_lock = true,
  pg_try_advisory_lock_shared = true }

local function is_true(node)
  local constant = node and (node.A_Const or node.TypeCast and node.TypeCast.arg and node.TypeCast.arg.A_Const)
  local value = constant and (constant.boolval and constant.boolval.boolval or constant.sval and constant.sval.sval)
  return value == true or type(value) == 'string' and ('true'):find(value:lower(), 1, true) == 1
end

-- Effects on the session of functions that a statement calls, and the setting concerned.
local function lasting_calls(node)
  local lasting, setting
  each_node(node, function(tag, inner)
    local name = tag == 'FuncCall' and inner.funcname and inner.funcname[#inner.funcname].String.sval
    if name and session_locks[name] then lasting = 'other' end
    if name == 'set_config' and not is_true(inner.args and inner.args[3]) then
      lasting = lasting or 'setting'
      local constant = inner.args and inner.args[1] and inner.args[1].A_Const
      setting = constant and constant.sval and constant.sval.sval or setting
    end
  end)
  return lasting, setting
end

---@type table<string, boolean>
local session_words = { PrepareStmt = true, DeallocateStmt = true, ListenStmt = true, UnlistenStmt = true,
  LoadStmt = true, DiscardStmt = true }

local holds = 32 -- CURSOR_OPT_HOLD

-- A temporary relation that outlives its transaction, or nil.
local function temporary_of(tag, node)
  local into = node.into or node.intoClause
  local relation = node.relation or into and into.rel or tag == 'ViewStmt' and node.view
    or tag == 'CreateSeqStmt' and node.sequence
  if not relation or relation.relpersistence ~= 't' then return nil end
  return relation.relname, (node.oncommit or into and into.onCommit) == 'ONCOMMIT_DROP'
end

---@type table<string, boolean>
local calls_now = { SelectStmt = true, InsertStmt = true, UpdateStmt = true, DeleteStmt = true, MergeStmt = true,
  CreateTableAsStmt = true, ExplainStmt = true }
---@type table<string, boolean>
local makes = { CreateStmt = true, CreateTableAsStmt = true, SelectStmt = true, ViewStmt = true, CreateSeqStmt = true }

local function describe_session(found, node)
  local tag = found.tag
  found.sets = tag == 'VariableSetStmt' and not node.is_local and node.name ~= 'TRANSACTION'
    or session_words[tag] or nil
  if found.sets then found.lasting = tag == 'VariableSetStmt' and 'setting' or 'other' end
  if makes[tag] then
    local drops
    found.temporary, drops = temporary_of(tag, node)
    found.drops_itself = drops
    if found.temporary and not drops then found.lasting = 'other' end
  end
  if tag == 'DeclareCursorStmt' and math.floor((node.options or 0) / holds) % 2 == 1 then
    found.lasting, found.cursor = 'other', node.portalname
  end
  local calls, setting
  if not found.lasting and calls_now[tag] then calls, setting = lasting_calls(node) end
  found.lasting = found.lasting or calls
  found.setting = tag == 'VariableSetStmt' and node.name or setting
  found.sets = found.sets or calls ~= nil and tag == 'SelectStmt' or nil
end

local function describe(found, node)
  local tag = found.tag
  found.reads_only = tag == 'SelectStmt' and not writes(node) or nil
  if never[tag] or outside[tag] and outside[tag](node) then found.transactional = false end
  found.may_commit = tag == 'CallStmt' or tag == 'DoStmt' or nil
  found.alone = tag == 'AlterEnumStmt' and node.newVal ~= nil and node.oldVal == nil or nil
  found.control = tag == 'TransactionStmt' and control_words[node.kind or 'TRANS_STMT_BEGIN'] or nil
  describe_session(found, node)
  return found
end

local cache = setmetatable({}, { __mode = 'v' }) ---@type table<string, lugger.statement|nil>
local nodes = setmetatable({}, { __mode = 'v' }) ---@type table<string, table|nil>

local defaults = { reads_only = false, transactional = true, alone = false, sets = false, may_commit = false }

local meta = { __index = function(found, key)
  if key ~= 'node' or not found.tag then return defaults[key] end
  local text = found.text
  if not nodes[text] then
    local parsed = native.sql.tree(text)[1] --[[@as table]]
    local _, node = next(parsed.stmt)
    nodes[text] = node
    return node
  end
  return nodes[text]
end }

--- Parses one statement.
---@param text string
---@return lugger.statement
function statement.read(text)
  local found = cache[text]
  if found then return found end
  found = setmetatable({ text = text }, meta) --[[@as lugger.statement]]
  local ok, tree = pcall(native.sql.tree, text) ---@type boolean, any
  if not ok then
    found.problem, found.position = tree.message, tonumber(tree.notes and tree.notes.position)
  elseif tree[1] then
    local tag, node = next(tree[1].stmt)
    found.tag, nodes[text] = tag, node
    describe(found, node)
  end
  cache[text] = found
  return found
end

--- The statements of a text, each with its line.
---@param text string
---@param first_line integer|nil the line the text begins in; 1 when not given
---@param tolerant boolean|nil what is no statement is among them, with the reason in `unreadable`
---@return lugger.statement[] with `line` in each
function statement.split(text, first_line, tolerant)
  local list = {}
  for i, span in ipairs(native.sql.split(text, tolerant)) do
    local read = span.problem and { text = span.text, unreadable = span.problem, hint = span.hint }
      or statement.read(span.text)
    list[i] = setmetatable({ line = span.line + (first_line or 1) - 1, offset = span.offset, data = span.data },
      { __index = read })
  end
  return list
end

--- The name of a relation in a syntax tree as text, with its schema when it has one.
---@param relation table a RangeVar
---@return string
function statement.relation(relation)
  return (relation.schemaname and relation.schemaname .. '.' or '') .. relation.relname
end

--- A list of String nodes as one dotted name.
---@param list table[]
---@return string
function statement.dotted(list)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = item.String and item.String.sval or '?' end
  return table.concat(parts, '.')
end

--- True for the error of a COMMIT that a procedure or a DO block ran inside a transaction of lugger's.
---@param st lugger.statement
---@param sqlstate string
---@return boolean
function statement.wants_to_commit(st, sqlstate)
  return st.may_commit == true and sqlstate == '2D000'
end

--- The option with this name in a list of DefElem nodes, or nil.
---@param list table[]|nil
---@param name string
---@return table|nil
function statement.option(list, name)
  return option(list, name)
end

--- The first words of a statement, on one line.
---@param text string
---@param longest integer|nil 72 when not given
---@return string
function statement.brief(text, longest)
  local line = text:gsub('%s+', ' '):gsub('^ ', ''):gsub(' $', '')
  longest = longest or 72
  return #line > longest and line:sub(1, longest - 3):gsub('[\128-\255]*$', '') .. '...' or line
end

return statement
