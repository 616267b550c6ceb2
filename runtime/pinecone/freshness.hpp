// What was written to an index shows after a while. The index numbers its writes; how far a load has
// come is kept in a file, so that whoever reads later knows what to wait for.
#pragma once
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "pinecone/server.hpp"

namespace lugger {

class PineconeFreshness {
 public:
  /// `of` tells indexes apart: server and name.
  PineconeFreshness(const std::filesystem::path& directory, const std::string& of,
                    std::chrono::duration<double> patience);

  /// Keeps what is greater than what is kept; of an index that was empty all of it, since it may have
  /// been made anew, and its numbers with it.
  void keep(const std::map<std::string, uint64_t>& lsns, bool was_empty) const;
  void forget() const noexcept;
  /// Waits until reads of the namespace show all that is known to be written. Error{verify}: they do
  /// not yet. At once where nothing was kept, the index numbers no reads, or there is no patience.
  void wait(PineconeData& data, const std::string& name_space) const;
  /// Whether what was not found there may show later: returns after a moment. False: the last answer
  /// told that reads show all that was written, or the patience of this process, which began with
  /// the first such call, is over.
  bool look_again(const PineconeData& data, const std::string& name_space);

 private:
  std::map<std::string, uint64_t> kept() const;

  const std::filesystem::path file_;
  const std::chrono::duration<double> patience_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> until_;
};

/// Sleeps. Error{interrupted} when the thread is to stop.
void rest(std::chrono::duration<double> time);

}  // namespace lugger
