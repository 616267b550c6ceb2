// A file that keeps vectors that were paid for, and what each run has spent on them.
#pragma once
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "place/sqlite.hpp"

namespace lugger {

/// Sums of requests that were sent. nano_usd: 0 while nobody has said a price.
struct EmbedSpent {
  int64_t requests = 0, texts = 0, tokens = 0, nano_usd = 0;
  EmbedSpent& operator+=(const EmbedSpent& other) noexcept;
};

/// Any thread.
class EmbedStore {
 public:
  /// Makes the file when it is not there.
  explicit EmbedStore(const std::string& file);

  const std::string& file() const noexcept { return file_; }
  /// The number of a making of vectors: model, prefix, dimensions and what else tells one from
  /// another.
  int64_t making(const std::string& words);
  /// The bytes of the vector; "": there is none.
  std::string find(int64_t making, std::string_view digest);
  struct Entry {
    std::string digest, vector;
  };
  void keep(int64_t making, std::span<const Entry> entries);

  EmbedSpent spent(const std::string& run);
  /// What is added is in the file when this returns.
  void spend(const std::string& run, const EmbedSpent& more);

 private:
  std::string file_;
  std::mutex mutex_;  // one transaction at a time
  std::unique_ptr<Sqlite> database_;
  std::unique_ptr<SqliteStatement> find_, keep_;
};

}  // namespace lugger
