// What this process may open: anything, until a sandbox shuts the gate for good. After that only
// what was allowed by name, and files below the current directory. Code that opens a file or a
// connection takes one of the types here, which only the gate can make.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace lugger {

/// A file or directory that may be opened, or "-". Error{config} when the gate does not allow it.
/// Symbolic links are resolved before the check.
class AllowedPath {
 public:
  AllowedPath(std::string path);
  AllowedPath(const char* path) : AllowedPath(std::string(path)) {}
  AllowedPath(const std::filesystem::path& path) : AllowedPath(path.string()) {}

  const std::string& text() const noexcept { return text_; }
  const char* c_str() const noexcept { return text_.c_str(); }
  /// A file that belongs to this one, such as the metadata beside a dump's file. It is allowed if
  /// this one was allowed by name; otherwise it is checked itself.
  AllowedPath belonging(const std::filesystem::path& other) const;

 private:
  std::string text_;
  bool by_name_ = false;
};

/// A connection string that may be connected to, with the password that it has by now.
class AllowedUrl {
 public:
  AllowedUrl(std::string url);
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// From now on whoever means `place` connects to `renewed`: the same place, where its password, or the
/// user with it, was changed.
void renew_place(const std::string& place, const std::string& renewed);

/// Shuts the gate. This cannot be undone.
void shut_gate();
bool gate_is_shut();

/// Allows a place: a connection string, or a path with everything below it.
void allow_place(const std::string& place);

/// Error{config} when the gate is shut, because scripts in a sandbox must not run programs.
void refuse_program_in_sandbox(std::string_view program);

}  // namespace lugger
