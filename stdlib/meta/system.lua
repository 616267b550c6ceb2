---@meta lugger.native
-- The machine, the process, the line editor.
---@class lugger.native
local native = {}

native.gate = {}
--- Allows a place that was named outside the script: a connection string, or a path with everything below it.
---@param place string
function native.gate.allow(place) end
--- From now on this process may open only allowed places, and files below the current directory.
function native.gate.shut() end
---@return boolean
function native.gate.is_shut() end

native.system = {}
---@param name string
---@return string|nil
function native.system.getenv(name) end
--- Makes the variables of a .env file visible to libraries (PGPASSFILE and so on); does not change variables that are
--- set.
---@param variables table<string, string>
function native.system.set_dotenv(variables) end
---@param fd integer
---@return boolean
function native.system.isatty(fd) end
--- Columns of the terminal, 0 when there is none.
---@return integer
function native.system.width() end
--- Lines of the terminal; 0 without one.
---@return integer
function native.system.height() end
--- Seconds of a clock that only goes forward.
---@return number
function native.system.monotonic() end
---@param milliseconds integer
function native.system.sleep(milliseconds) end
---@param path string
---@return { size: integer, mtime: number, is_dir: boolean, is_file: boolean, mode: integer }|nil
function native.system.stat(path) end
---@param path string
---@return string
function native.system.read_file(path) end
--- Writes a file under a temporary name, syncs it, and renames it: the file is complete, or unchanged. Raises when that
--- fails.
---@param path string
---@param text string
---@param mode integer|nil of a new file, before the umask; 0666 when not given
function native.system.write_file(path, text, mode) end
---@class lugger.native.whole_file
local whole_file = {}

--- Begins a file that is written in pieces, under a temporary name that is unreadable for others. Raises when that
--- fails.
---@param path string
---@return lugger.native.whole_file
function native.system.whole_file(path) end
---@param text string
function whole_file:write(text) end
--- Syncs the file and gives it its name, with the mode of the existing file, or 0666 minus the umask.
function whole_file:settle() end
--- Removes the file unless settle() was called.
function whole_file:close() end
--- Names in a directory, sorted; nil when it cannot be read.
---@param path string
---@return string[]|nil
function native.system.list_dir(path) end
--- Whether a pattern of a shell (*, ?, [a-z]) names a name; a dot at its beginning must be written.
---@param pattern string
---@param name string
---@return boolean
function native.system.matches_glob(pattern, name) end
--- Makes a directory and those above it.
---@param path string
function native.system.make_dir(path) end
---@return string
function native.system.cwd() end
---@param text string
---@return string
function native.system.sha256(text) end
---@param text string
---@return boolean
function native.system.is_utf8(text) end
---@param text string a URL or connection string
---@return string
function native.system.mask_secrets(text) end
--- A sentence with the passwords of places replaced by "***". Errors are already masked; all other output for people
--- must pass through this.
---@param text string
---@return string
function native.system.mask_text(text) end
--- From here on the program's own lines on standard error are JSON events.
function native.system.as_events() end
---@param a string
---@param b string
---@return integer
function native.system.edit_distance(a, b) end
--- The candidate that the word is probably a misspelling of; nil when none is near.
---@param word string
---@param candidates string[]
---@return string|nil
function native.system.nearest(word, candidates) end
---@param bytes integer
---@return string "1.2 MB"
function native.system.human_bytes(bytes) end
---@return integer
function native.system.pid() end
---@return string "db7 pid 4711": this process, as others find it named
function native.system.process() end
---@return integer
function native.system.cpus() end
--- Becomes another program (found on PATH); returns only by raising.
---@param arguments string[] the program first
---@param environment table<string, string|nil>|nil set on top of ours
function native.system.exec(arguments, environment) end
--- Runs another program on our terminal and waits.
---@param arguments string[]
---@param environment table<string, string|nil>|nil
---@return integer status as a shell gives it
function native.system.spawn(arguments, environment) end
--- Continues in a new session with its output in a file, and ends the terminal's process. Call it before any thread is
--- started.
---@param log string
---@return integer pid
function native.system.detach(log) end
--- Overwrites an argument in the process list: every occurrence of secret becomes "***".
---@param secret string
function native.system.wipe_arguments(secret) end
--- How often Ctrl-C, SIGTERM or SIGHUP came: 0, 1 (finish), 2 (at once).
---@return integer
function native.system.stop_level() end
function native.system.clear_stop() end
--- Where the output of this process is a file of this name and larger than that: the file gets ".1" at the end of its
--- name, and the output goes on in a new one.
---@param path string
---@param bytes integer
function native.system.rotate_log(path, bytes) end
--- Sets whether a signal raises an error (code "interrupted") in running Lua code; off while a run is polled.
---@param raises boolean
---@return boolean before
function native.system.interrupt_raises(raises) end

native.edit = {}
--- Reads a line from the terminal with editing; nil at end of input.
---@param prompt string
---@return string|nil
function native.edit.readline(prompt) end
---@param line string
function native.edit.add_history(line) end
---@param path string
---@return boolean
function native.edit.load_history(path) end
---@param path string
---@return boolean
function native.edit.save_history(path) end
--- Called with (word, line, start) when Tab is pressed; returns a list of words.
---@param complete (fun(word: string, line: string, start: integer): string[])|nil
function native.edit.on_complete(complete) end

return native
