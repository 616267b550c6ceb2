// Files that are there whole or not at all, whatever happens while they are written.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// Writes a file under a name of its own beside `path`, waits until the disk has it, and renames
/// it. A file that was there keeps its mode, and stays as it was when that fails; a symbolic link
/// is followed; what is no file (/dev/stdout, a pipe) is written to. `mode` is a new file's, before
/// the umask. Error{config} says what went wrong.
void write_whole_file(const std::string& path, std::string_view text, unsigned mode = 0666);

/// The same for a file that must not be there yet. False: it is.
bool write_new_file(const std::string& path, std::string_view text, unsigned mode = 0666);

/// The last part of the above, for a file that was written in pieces as `temporary`.
void settle_file(const std::string& temporary, const std::string& path, unsigned mode = 0666);

/// What keeps standard output from having everything that was written to it; empty: it has.
/// "closed": its reader went away.
std::string stdout_problem();

}  // namespace lugger
