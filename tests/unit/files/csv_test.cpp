#include <random>

#include "files/csv_records.hpp"
#include "files/csv_split.hpp"
#include "files/input.hpp"
#include "files/line_reader.hpp"
#include "reading.hpp"
#include "registry/registry.hpp"
#include "value/damaged.hpp"

namespace lugger::test {
namespace {

/// Records with quoted line ends, doubled quotes, and now and then damage.
std::string records(int count, size_t spread, unsigned seed = 3) {
  std::mt19937 random(seed);
  std::string out = "id,note,more\r\n";
  for (int i = 0; i < count; ++i) {
    out += std::to_string(i);
    switch (random() % 8) {
      case 0: out += ",plain,\n"; break;
      case 1: out += ",\"two\nlines, \"\"quoted\"\"\",x\r\n"; break;
      case 2: out += ",6\" pipe,\"\"\n"; break;
      case 3: out += "\n"; break;                  // too few fields
      case 4: out += ",\"a\"b,\"c\nd\"\n"; break;  // text behind a quote
      default:
        out += ",\"" + std::string(random() % spread, 'x') + "\n\"," + std::to_string(i) + "\n";
    }
  }
  return out;
}

void prove_every_resume(Source& source, const Partition& part) {
  const std::vector<std::string> whole = read_part(source, part);
  Arena arena;
  Batch batch(arena);
  batch.max_documents = 1;
  const auto cursor = source.open(part);
  for (size_t read = 1; cursor->fill(batch); ++read, batch.clear()) {
    INFO(cursor->position());
    CHECK(source.open(part, cursor->position())->position() == cursor->position());
    const std::vector<std::string> rest = read_part(source, part, cursor->position());
    REQUIRE(rest ==
            std::vector<std::string>(whole.begin() + static_cast<ptrdiff_t>(read), whole.end()));
  }
}

/// What a reader gives of a part of the text: each record, or why it is none, with its line.
std::vector<std::string> told(std::string_view part, CsvDialect dialect, TextPart begin) {
  CsvReader reader(dialect);
  reader.expect(2);
  reader.resume(begin.begin, begin.line);
  reader.feed_in_place(as_bytes(part));
  std::vector<std::string> out;
  for (auto got = reader.next(); got != CsvReader::Got::kMore; got = reader.next()) {
    out.push_back(fmt::format("{} {}", reader.text_line(), reader.text()));
    if (got == CsvReader::Got::kDamaged) out.back() += reader.reason();
    for (const CsvField& field : reader.fields()) out.back() += fmt::format("|{}", field.text);
  }
  return out;
}

void prove_boundaries(const std::string& text, CsvDialect dialect, uint64_t count,
                      uint64_t least = 1) {
  const auto parts = csv_boundaries(as_bytes(text), dialect, {0, 1}, count, least);
  std::vector<std::string> all;
  for (size_t i = 0; i < parts.size(); ++i) {
    const uint64_t end = i + 1 < parts.size() ? parts[i + 1].begin : text.size();
    REQUIRE(parts[i].begin <= end);
    const auto part = std::string_view(text).substr(parts[i].begin, end - parts[i].begin);
    for (std::string& one : told(part, dialect, parts[i])) all.push_back(std::move(one));
  }
  INFO(text.substr(0, 400));
  REQUIRE(all == told(text, dialect, {0, 1}));
}

}  // namespace

TEST_CASE("CSV is cut between records, whatever stands in it") {
  std::mt19937 random(17);
  for (const CsvDialect dialect :
       {CsvDialect{',', '"'}, CsvDialect{';', '\''}, CsvDialect{'\t', 0}, CsvDialect{'"', ','}}) {
    const std::string letters = "a\n\n\r,,;\t\"\"\"'''";
    for (int round = 0; round < 4000; ++round) {
      std::string text = round % 5 == 0 ? "\xEF\xBB\xBF" : "";
      for (size_t size = random() % 60; size > 0; --size)
        text += letters[random() % letters.size()];
      const uint64_t count = std::min<uint64_t>(text.size(), 1 + random() % 12);
      if (count > 0) prove_boundaries(text, dialect, count);
    }
  }
}

TEST_CASE("a quote that nobody closes does not hide where CSV can be cut") {
  std::string text = "1,\"x\ny\"\n2,\"open\n";
  while (text.size() < CsvReader::kMaxRecord + 1000) text += "3,not quoted at all\n";
  text += "4,\"too far\nto close it\"\n5,\"open again\n6,\n";
  prove_boundaries(text, {}, 7);
  CHECK(csv_boundaries(as_bytes(text), {}, {0, 1}, 7, 1).size() == 7);
}

TEST_CASE("the parts of a split CSV make the whole, with its lines") {
  const Scratch scratch;
  const auto source = open_source(scratch.write("big.csv", records(9000, 10000)), {});
  const auto whole = read_all(*source, 1);
  REQUIRE(whole.size() == 9000);
  REQUIRE(source->info().bytes > 12u << 20);
  for (const int parts : {2, 3, 5}) {
    INFO(parts);
    CHECK(source->split(parts).size() > 1);
    CHECK(read_all(*source, parts) == whole);
  }
}

TEST_CASE("a resume of CSV from every position gives the rest") {
  const Scratch scratch;
  const std::string text = records(150, 20);
  for (const std::string& place :
       {scratch.write("a.csv", text), scratch.write("bom.csv", "\xEF\xBB\xBF" + text),
        scratch.write("a.csv.gz", gzipped(text))}) {
    const auto source = open_source(place, {});
    prove_every_resume(*source, source->split(1)[0]);
  }
  const auto bare = open_source(scratch.write("bare.csv", text), options({{"header", false}}));
  prove_every_resume(*bare, bare->split(1)[0]);
}

TEST_CASE("a file is CSV by its name, or because it is said") {
  CHECK(sniff_kind(as_bytes("a,b\n"), "x.csv") == FileKind::kCsv);
  CHECK(sniff_kind(as_bytes("{a},b\n"), "x.tsv.gz") == FileKind::kCsv);
  CHECK(sniff_kind({}, "x.csv") == FileKind::kCsv);
  CHECK_THROWS_WITH(sniff_kind(as_bytes("a,b\n"), "x.txt"), ContainsSubstring("cannot tell what"));
  CHECK_THROWS_WITH(sniff_kind(as_bytes("\xFF\xFE"
                                        "a"),
                               "x.csv"),
                    ContainsSubstring("UTF-16"));
  const Scratch scratch;
  const std::string path = scratch.write("x.txt", "a\n1\n");
  CHECK(read_all(path, options({{"format", std::string("csv")}})).size() == 1);
  const auto info = open_source(scratch.write("users.csv.gz", gzipped("a\n1\n")), {})->info();
  CHECK(info.kind == "csv");
  CHECK(info.collection == "users");
  CHECK(info.compressed);
}

TEST_CASE("lines of a text, in pieces of any size") {
  const std::string text = "one\r\ntwo\n\n\r\nlast";
  for (const size_t piece : {1, 2, 3, 100}) {
    LineReader reader(
        "x", std::make_unique<DirectStream>(std::make_unique<MemoryBytes>(as_bytes(text)), piece));
    std::vector<std::string> lines;
    while (const auto line = reader.next()) lines.emplace_back(*line);
    CHECK(lines == std::vector<std::string>{"one", "two", "", "", "last"});
    CHECK(!reader.next());
  }
}

}  // namespace lugger::test
