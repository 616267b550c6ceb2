#include "files/oplog_place.hpp"

#include <algorithm>
#include <filesystem>

#include "files/archive_reader.hpp"
#include "files/dump_dir.hpp"
#include "files/mapped_file.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kFileName = "oplog.bson";

/// Documents of a file, one after another.
class FileFeed : public OplogFeed {
 public:
  FileFeed(std::unique_ptr<ByteStream> stream, std::string place)
      : reader_(std::move(stream)), place_(std::move(place)) {}

  Bytes next() override {
    uint8_t prefix[4];
    offset_ = reader_.offset();
    const size_t got = reader_.read(prefix, sizeof prefix);
    if (got == 0) return {};
    const Link link = check_link(prefix, got < sizeof prefix ? got : kMaxBsonBytes);
    if (link.fault != ChainFault::kNone) raise_chain(place_, offset_, link, got);
    document_.clear();
    uint8_t* to = document_.room(link.size());
    std::memcpy(to, prefix, sizeof prefix);
    const size_t rest = reader_.read(to + sizeof prefix, link.size() - sizeof prefix);
    if (rest != link.size() - sizeof prefix)
      raise_chain(place_, offset_, {link.found, ChainFault::kCutDocument}, rest + sizeof prefix);
    document_.advance(link.size());
    return document_.view();
  }
  uint64_t offset() const override { return offset_; }

 private:
  ByteReader reader_;
  std::string place_;
  ByteBuffer document_;
  uint64_t offset_ = 0;
};

/// The oplog's documents among the blocks of an archive; none when it holds no oplog.
class ArchiveFeed : public OplogFeed {
 public:
  explicit ArchiveFeed(const Input& input) : reader_(input.open(), input.shown()) {
    reader_.select_oplog();
  }
  Bytes next() override {
    offset_ += document_.size();
    document_.clear();
    const uint32_t size = reader_.next();
    if (size == 0) return {};
    reader_.read(document_.room(size));
    document_.advance(size);
    return document_.view();
  }
  uint64_t offset() const override { return offset_; }

 private:
  ArchiveReader reader_;
  ByteBuffer document_;
  uint64_t offset_ = 0;  // among the oplog's own bytes
};

/// A whole dump holds collections of the database admin; only whole dumps have an oplog.
bool may_hold_oplog(const Input& input) {
  const ArchiveReader reader(input.open(), input.shown());
  return std::any_of(reader.collections().begin(), reader.collections().end(),
                     [](const ArchiveCollection& one) { return one.database == "admin"; });
}

/// mongodump writes the oplog last, so the end of an uncompressed archive shows whether there is
/// one. An archive that was cut lacks the proper end; then only reading it shows.
bool ends_with_oplog(const Input& input) {
  constexpr uint64_t kTail = 512;
  const MappedFile file(input.place());
  const Bytes bytes = file.bytes();
  if (bytes.size() < 4 || load_le<uint32_t>(bytes.last(4).data()) != UINT32_MAX)
    return may_hold_oplog(input);
  const std::string_view tail = as_text(bytes.last(std::min<uint64_t>(bytes.size(), kTail)));
  using namespace std::string_view_literals;
  return tail.find(
             "\x02"
             "db\0\x01\0\0\0\0\x02"
             "collection\0\x06\0\0\0oplog\0"sv) != std::string_view::npos;
}

bool holds_collections(const fs::path& directory) {
  for (const fs::directory_entry& entry : entries_of(directory)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() && stem_of(name, ".metadata.json")) return true;
    if (!entry.is_directory() && name != kFileName && stem_of(name, ".bson")) return true;
  }
  return false;
}

std::optional<std::string> file_in(const fs::path& directory) {
  std::error_code ignored;
  for (std::string_view ending : {"", ".gz"}) {
    const fs::path path = directory / fmt::format("{}{}", kFileName, ending);
    const bool collection = fs::exists(directory / "oplog.metadata.json", ignored) ||
                            fs::exists(directory / "oplog.metadata.json.gz", ignored);
    if (fs::exists(path, ignored) && !collection) return path.string();
  }
  return std::nullopt;
}

OplogPlace only_one(const AllowedPath& oplog) {
  const std::string& found = oplog.text();
  std::error_code ignored;
  if (!found.ends_with(".gz") && fs::exists(found + ".gz", ignored)) {
    throw Error(Code::kConfig, fmt::format("the oplog lies there twice: {0}, {0}.gz", found),
                "remove or move away what is not meant, or name it: oplog = 'FILE'");
  }
  return oplog_file(oplog);
}

fs::path parent_of(const fs::path& path) {
  const fs::path whole = fs::absolute(path).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).parent_path();
}

/// The oplog of the dump that a collection's file lies in.
std::optional<std::string> file_of_dump(const std::string& path) {
  const fs::path directory = parent_of(path);
  std::optional<std::string> found = file_in(directory);
  if (!found) found = file_in(directory.parent_path());
  return found;
}

}  // namespace

bool is_whole_dump(const std::string& directory) { return !holds_collections(directory); }

std::string advice_without_oplog(const std::string& directory) {
  // mongodump writes prelude.json at the top, or into the directory of the only database that it
  // dumped.
  bool one_database = !is_whole_dump(directory);
  for (const fs::directory_entry& entry : entries_of(directory)) {
    std::error_code ignored;
    for (std::string_view name : {"prelude.json", "prelude.json.gz"})
      one_database = one_database || fs::exists(entry.path() / name, ignored);
  }
  return fmt::format(
      "{}: what was written while it was taken may be in one collection and not in another{}",
      one_database ? "a dump of one database has no oplog (mongodump refuses --oplog with --db)"
                   : "the dump has no oplog",
      one_database ? "" : "; mongodump --oplog brings all of them to one moment");
}

void refuse_missing_oplog(std::string_view place) {
  throw Error(
      Code::kConfig, fmt::format("{} has no oplog", place),
      "mongodump --oplog makes one, for whole dumps of a replica set: it refuses --db and a "
      "database in the URI, a standalone server has none, and Atlas keeps it from its shared "
      "tiers (M0, M2, M5, Flex). oplog = 'FILE' names one that lies elsewhere; without the option "
      "the dump is read as it is, and a second dump, loaded with on_conflict = \"update\" and "
      "compared by lugger verify --since, closes the gap");
}

OplogChoice oplog_choice(const Options& options) {
  const auto found = options.values().find("oplog");
  if (found == options.values().end()) return {};
  if (const auto* file = std::get_if<std::string>(&found->second))
    return {OplogChoice::Kind::kFile, *file};
  return {options.flag("oplog") ? OplogChoice::Kind::kYes : OplogChoice::Kind::kNo, {}};
}

OplogPlace oplog_file(const AllowedPath& place) {
  const std::string& path = place.text();
  std::error_code ignored;
  if (!fs::exists(path, ignored) || fs::is_directory(path, ignored)) {
    throw Error(Code::kConfig, fmt::format("there is no oplog in {}", path),
                "oplog = 'FILE' takes the oplog.bson of a dump");
  }
  auto input = std::make_shared<const Input>(place, "auto");
  if (input->kind() != FileKind::kBson) {
    throw Error(Code::kConfig, fmt::format("{} does not hold BSON, so it is not an oplog", path),
                "oplog = 'FILE' takes the oplog.bson of a dump");
  }
  return {path, input->identity().text(),
          [input] { return std::make_unique<FileFeed>(input->open(), input->shown()); }};
}

std::optional<OplogPlace> oplog_of_directory(const std::string& directory, const Options& options) {
  const OplogChoice choice = oplog_choice(options);
  if (choice.kind == OplogChoice::Kind::kNo) return std::nullopt;
  if (choice.kind == OplogChoice::Kind::kFile) return oplog_file(choice.file);
  std::optional<std::string> found = file_in(directory);
  if (!found && holds_collections(directory)) found = file_in(parent_of(directory));
  if (found) return only_one(AllowedPath(directory).belonging(*found));
  if (choice.kind == OplogChoice::Kind::kYes) refuse_missing_oplog(directory);
  return std::nullopt;
}

std::optional<OplogPlace> oplog_of_file(const AllowedPath& place, const Options& options) {
  const std::string& path = place.text();
  const OplogChoice choice = oplog_choice(options);
  if (choice.kind == OplogChoice::Kind::kFile) return oplog_file(choice.file);
  if (choice.kind != OplogChoice::Kind::kYes) return std::nullopt;
  if (is_read_once(path)) refuse_missing_oplog(path == "-" ? "standard input" : path);
  const std::optional<std::string> found = file_of_dump(path);
  if (!found) refuse_missing_oplog(path);
  return only_one(place.belonging(*found));
}

std::string advice_beside_oplog(const std::string& path, const Options& options) {
  if (is_read_once(path) || oplog_choice(options).kind != OplogChoice::Kind::kDefault) return {};
  const std::optional<std::string> found = file_of_dump(path);
  if (!found || fs::equivalent(*found, path)) return {};
  return fmt::format(
      "the dump has an oplog ({}), which a single file is read without: oplog = true replays it",
      *found);
}

std::optional<OplogPlace> oplog_of_archive(std::shared_ptr<const Input> input,
                                           const Options& options) {
  const OplogChoice choice = oplog_choice(options);
  if (choice.kind == OplogChoice::Kind::kNo) return std::nullopt;
  if (choice.kind == OplogChoice::Kind::kFile) return oplog_file(choice.file);
  const bool asked = choice.kind == OplogChoice::Kind::kYes;
  if (input->read_once()) {
    if (!asked) return std::nullopt;
    throw Error(
        Code::kConfig,
        fmt::format("the oplog of an archive comes last, and {} is read only once", input->shown()),
        "write the archive to a file first, and read that");
  }
  const bool there = input->gzip() ? may_hold_oplog(*input) : ends_with_oplog(*input);
  if (!there && !asked) return std::nullopt;
  return OplogPlace{fmt::format("the oplog in {}", input->shown()), input->identity().text(),
                    [input] { return std::make_unique<ArchiveFeed>(*input); }, false};
}

}  // namespace lugger
