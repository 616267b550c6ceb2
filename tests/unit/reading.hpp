// Reading whole sources in tests, and files made for one test.
#pragma once
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "base/error.hpp"
#include "catch.hpp"
#include "place/source.hpp"
#include "registry/registry.hpp"
#include "test_data.hpp"

namespace lugger::test {

inline std::string data(const std::string& name) { return test_data() + "/named/" + name; }

inline Options options(std::initializer_list<std::pair<const std::string, OptionValue>> values) {
  return Options(std::map<std::string, OptionValue>(values));
}
inline Options collection(const std::string& name) { return options({{"collection", name}}); }

/// Bytes of every document of one partition, copied.
inline std::vector<std::string> read_part(Source& source, const Partition& part,
                                          const Position& after = {},
                                          uint32_t batch_documents = 1000) {
  std::vector<std::string> out;
  Arena arena;
  Batch batch(arena);
  batch.max_documents = batch_documents;
  const auto cursor = source.open(part, after);
  while (cursor->fill(batch)) {
    for (const Document& document : batch.documents) out.emplace_back(as_text(document.bytes()));
    batch.clear();
    arena.reset();
  }
  return out;
}

inline std::vector<std::string> read_all(Source& source, int parts = 1,
                                         uint32_t batch_documents = 1000) {
  std::vector<std::string> out;
  for (const Partition& part : source.split(parts)) {
    for (std::string& document : read_part(source, part, {}, batch_documents))
      out.push_back(std::move(document));
  }
  return out;
}
inline std::vector<std::string> read_all(const std::string& place, const Options& given) {
  return read_all(*open_source(place, given));
}

/// A directory that goes away with the test.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lugger-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return path(name);
  }

 private:
  std::string path_;
};

inline std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string gzipped(std::string_view bytes) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// {n: int32, s: text of `padding` bytes}
inline std::string small_document(int32_t n, size_t padding = 0) {
  std::string body;
  const auto put = [&body](int32_t value) {
    body.append(reinterpret_cast<const char*>(&value), 4);
  };
  body.append("\x10n\0", 3);
  put(n);
  body.append("\x02s\0", 3);
  put(static_cast<int32_t>(padding) + 1);
  body.append(padding, static_cast<char>('a' + n % 26));
  body.append("\0\0", 2);
  const auto size = static_cast<int32_t>(body.size() + 4);
  return std::string(reinterpret_cast<const char*>(&size), 4) + body;
}

/// Runs and returns the Error; fails the test when there is none.
template <typename Function>
Error error_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  FAIL("no error was raised");
  return Error(Code::kBug, "unreachable");
}

}  // namespace lugger::test
