// Change events for tests: from Extended JSON, and as a real server sent them.
#pragma once
#include <zlib.h>

#include <sstream>

#include "change/stream_event.hpp"
#include "oplogs.hpp"
#include "test_data.hpp"

namespace lugger::test {

/// Fields of an event without the outer braces, 'op' for "op"; token and clusterTime come before
/// them.
inline std::string event_bson(std::string fields, uint32_t seconds = 100, uint32_t increment = 1) {
  std::replace(fields.begin(), fields.end(), '\'', '"');
  return bson(fmt::format(
      R"({{"_id":{{"_data":"82{0:08X}{1:08X}04"}},"clusterTime":{{"$timestamp":{{"t":{0},"i":{1}}}}},{2}}})",
      seconds, increment, fields));
}

/// A file, which may be compressed whatever its name says.
inline std::string inflated(const std::string& name) {
  const gzFile file = gzopen((test_data() + "/" + name).c_str(), "rb");
  REQUIRE(file != nullptr);
  std::string out;
  char piece[65536];
  for (int n = 0; (n = gzread(file, piece, sizeof piece)) > 0;)
    out.append(piece, static_cast<size_t>(n));
  REQUIRE(gzclose(file) == Z_OK);
  return out;
}

/// The documents of a .bson file.
inline std::vector<std::string> documents_of(const std::string& name) {
  const std::string all = inflated(name);
  std::vector<std::string> out;
  for (size_t at = 0; at < all.size(); at += out.back().size())
    out.push_back(all.substr(at, load_le<uint32_t>(all.data() + at)));
  return out;
}

/// The documents of a file of Extended JSON, one a line.
inline std::vector<std::string> lines_of(const std::string& name) {
  std::vector<std::string> out;
  std::istringstream lines(inflated(name));
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) out.push_back(bson(line));
  }
  return out;
}

}  // namespace lugger::test
