#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include "reading.hpp"
#include "registry/registry.hpp"

namespace lugger::test {
namespace {

/// Puts a file, or a pipe that a thread fills a few bytes at a time, in the place of standard
/// input.
class StandardInput {
 public:
  explicit StandardInput(const std::string& bytes, size_t piece) : kept_(dup(STDIN_FILENO)) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    REQUIRE(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    writer_ = std::jthread([bytes, piece, to = ends[1]] {
      for (size_t at = 0; at < bytes.size(); at += piece) {
        if (write(to, bytes.data() + at, std::min(piece, bytes.size() - at)) < 0) break;
      }
      close(to);
    });
  }
  ~StandardInput() {
    writer_.join();
    dup2(kept_, STDIN_FILENO);
    close(kept_);
  }

 private:
  int kept_;
  std::jthread writer_;
};

}  // namespace

TEST_CASE("standard input gives BSON, archives and JSON, gzip or not, once") {
  const auto truth = read_all(data("dump/shop/ids.bson"), {});
  const auto from = [&](const std::string& file, const Options& given, size_t piece) {
    const StandardInput input(contents(data(file)), piece);
    const auto source = open_source("-", given);
    const Partition part = source->split(8)[0];
    CHECK(source->split(8).size() == 1);
    CHECK(source->info().place == "standard input");
    const auto documents = read_part(*source, part);
    CHECK_THAT(error_of([&] { source->open(part); }).what(), ContainsSubstring("only once"));
    CHECK_THAT(error_of([&] { source->open(part, "document:1"); }).what(),
               ContainsSubstring("cannot be resumed"));
    return documents;
  };
  for (const size_t piece : {size_t{3}, size_t{1} << 20}) {
    CHECK(from("dump/shop/ids.bson", collection("shop.ids"), piece) == truth);
    CHECK(from("dump-gzip/shop/ids.bson.gz", {}, piece) == truth);
    CHECK(from("shop.archive.gz", collection("ids"), piece) == truth);
    CHECK(from("export/ids.canonical.json", {}, piece).size() == truth.size());
  }
}

}  // namespace lugger::test
