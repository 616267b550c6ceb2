// What this process may open. Anything, until a sandbox shuts the gate, once and for good: from
// then on what was allowed by name, and the files below the current directory. Whoever opens a file
// or a connection takes one of the types here, which only the gate makes.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace lugger {

/// A file or directory that may be opened, or "-". Error{config} where the gate has none such.
/// Symbolic links are followed before it is decided.
class AllowedPath {
 public:
  AllowedPath(std::string path);
  AllowedPath(const char* path) : AllowedPath(std::string(path)) {}
  AllowedPath(const std::filesystem::path& path) : AllowedPath(path.string()) {}

  const std::string& text() const noexcept { return text_; }
  const char* c_str() const noexcept { return text_.c_str(); }
  /// What belongs to it and lies near it, as the metadata of a dump's file: allowed where this one
  /// was allowed by name, else asked for itself.
  AllowedPath belonging(const std::filesystem::path& other) const;

 private:
  std::string text_;
  bool by_name_ = false;
};

/// A connection string that may be connected to.
class AllowedUrl {
 public:
  AllowedUrl(std::string url);
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// Shuts it. There is no way back.
void shut_gate();
bool gate_is_shut();

/// A place as it will be opened: a connection string, or a path with what lies in it.
void allow_place(const std::string& place);

/// Error{config} when the gate is shut: programs are not for scripts.
void refuse_program_in_sandbox(std::string_view program);

}  // namespace lugger
