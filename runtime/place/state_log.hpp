// The log under state_file: lines of percent-encoded fields, appended in groups that are read as a
// whole or not at all.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace lugger {

/// A line: its kind first ("run", "unit", ...), then the fields of that kind.
using LogLine = std::vector<std::string>;

class StateLog {
 public:
  explicit StateLog(const std::filesystem::path& directory);

  /// Appends the lines as one group and waits until the disk has them. Safe among processes.
  void append(const std::vector<LogLine>& group) const;
  /// Every line of every whole group, in order, with the offset it begins at; false ends the
  /// reading.
  void each(const std::function<bool(const LogLine&, int64_t offset)>& use) const;
  const std::filesystem::path& directory() const noexcept { return directory_; }

 private:
  std::filesystem::path directory_, file_;
};

}  // namespace lugger
