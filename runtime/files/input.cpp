#include "files/input.hpp"

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/lines.hpp"
#include "base/text.hpp"
#include "files/bson_chain.hpp"
#include "files/gzip.hpp"

namespace lugger {
namespace {

constexpr size_t kHeadBytes = 64 * 1024;

bool named(std::string_view name, std::string_view ending) {
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return name.ends_with(ending);
}

size_t read_up_to(ByteSource& from, ByteBuffer& to, size_t n) {
  const size_t got = from.read(to.room(n), n);
  to.advance(got);
  return got;
}

// Inflates the first bytes after the gzip header. The head is only a part of the file, so its end
// is not an error.
void inflate_head(Bytes head, const std::string& place, ByteBuffer& out) {
  GzipBytes inflated(std::make_unique<MemoryBytes>(head), place);
  try {
    read_up_to(inflated, out, 4096);
  } catch (const Error&) {
    out.clear();
  }
}

constexpr std::pair<std::string_view, FileKind> kFormats[] = {{"bson", FileKind::kBson},
                                                              {"archive", FileKind::kArchive},
                                                              {"json", FileKind::kJson},
                                                              {"csv", FileKind::kCsv}};

FileKind kind_by_format(std::string_view format) {
  for (const auto& [name, kind] : kFormats) {
    if (name == format) return kind;
  }
  return FileKind::kBson;
}

/// Text that is CSV, or JSON written by PowerShell's `>`. The byte order mark alone could be the
/// length of a BSON document.
bool is_utf16(std::string_view text, bool csv) {
  if (text.starts_with("\xFE\xFF") || (csv && text.starts_with("\xFF\xFE"))) return true;
  return text.size() >= 6 && text.starts_with("\xFF\xFE") && text[3] == 0 && text[5] == 0 &&
         std::string_view("{[ \t\r\n").find(text[2]) != std::string_view::npos;
}

void refuse_utf16(std::string_view text, std::string_view name, bool csv) {
  if (!is_utf16(text, csv)) return;
  throw Error(Code::kConfig,
              fmt::format("{} is UTF-16 text", name == "-" ? "standard input" : name),
              csv ? "write it again as UTF-8 (iconv -f UTF-16 -t UTF-8)"
                  : "write it again as UTF-8 (iconv -f UTF-16 -t UTF-8); in PowerShell use "
                    "mongoexport --out instead of >");
}

}  // namespace

std::string_view name_of_kind(FileKind kind) noexcept {
  for (const auto& [name, its_kind] : kFormats) {
    if (its_kind == kind) return name;
  }
  return "auto";
}

FileKind sniff_kind(Bytes head, std::string_view name) {
  const bool csv = named(name, ".csv") || named(name, ".tsv");
  if (head.empty()) {
    if (csv) return FileKind::kCsv;
    return named(name, ".json") || named(name, ".jsonl") ? FileKind::kJson : FileKind::kBson;
  }
  if (head.size() >= 4 && load_le<uint32_t>(head.data()) == 0x8199E26D) return FileKind::kArchive;
  std::string_view text = as_text(head);
  refuse_utf16(text, name, csv);
  if (csv) return FileKind::kCsv;
  if (head.size() >= 5 && check_link(head.data(), kMaxBsonBytes).fault == ChainFault::kNone)
    return FileKind::kBson;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] == '{' || text[first] == '[')
    return FileKind::kJson;
  if (named(name, ".bson") || named(name, ".bin")) return FileKind::kBson;
  if (named(name, ".json") || named(name, ".jsonl")) return FileKind::kJson;
  throw Error(Code::kConfig,
              fmt::format("cannot tell what {} is: it begins with {}",
                          name == "-" ? "standard input" : name,
                          to_hex(head.first(std::min<size_t>(head.size(), 8)))),
              "lugger reads BSON, mongodump archives, JSON and CSV, each gzip or not; set format = "
              "'bson', 'archive', 'json' or 'csv'");
}

Input::Input(AllowedPath path, std::string_view format)
    : place_(std::move(path)),
      shown_(place() == "-" ? "standard input" : place()),
      read_once_(is_read_once(place())),
      rest_(std::make_unique<FileBytes>(place_)) {
  if (!read_once_) bytes_ = std::filesystem::file_size(place());
  read_up_to(*rest_, head_, kHeadBytes);
  gzip_ = looks_like_gzip(head_.view()) || (head_.empty() && place().ends_with(".gz"));
  if (!format.empty() && format != "auto") {
    kind_ = kind_by_format(format);
    if (kind_ == FileKind::kCsv && !gzip_) refuse_utf16(head_.text(), place(), true);
  } else if (gzip_) {
    ByteBuffer inflated;
    inflate_head(head_.view(), shown_, inflated);
    kind_ = sniff_kind(inflated.view(), place());
  } else {
    kind_ = sniff_kind(head_.view(), place());
  }
  if (read_once_) return;
  head_ = ByteBuffer();
  rest_.reset();
}

const SourceIdentity& Input::identity() const {
  std::call_once(identified_, [this] {
    identity_ = read_once_ ? SourceIdentity{shown_, ""} : identify_file(place_);
  });
  return identity_;
}

void Input::check_position(const std::string& after) const {
  if (!read_once_ || after.empty()) return;
  throw Error(Code::kConfig,
              fmt::format("a run that read {} cannot be resumed: its bytes are gone", shown_),
              "run again with --restart and --on-conflict skip, or write the data to a file first");
}

std::unique_ptr<ByteSource> Input::raw() const {
  if (!read_once_) return std::make_unique<FileBytes>(place_);
  if (opened_.exchange(true)) {
    throw Error(Code::kConfig, fmt::format("{} can be read only once", shown_),
                "write it to a file first when it is needed twice (to infer columns, for several "
                "collections, to resume)");
  }
  return std::make_unique<MemoryBytes>(head_.view(), std::move(rest_));
}

std::unique_ptr<ByteStream> Input::open() const {
  if (!gzip_) return std::make_unique<DirectStream>(raw());
  return std::make_unique<ReadAheadStream>(std::make_unique<GzipBytes>(raw(), shown_));
}

std::string read_small_file(const AllowedPath& path, size_t limit) {
  std::unique_ptr<ByteSource> file = std::make_unique<FileBytes>(path);
  ByteBuffer text;
  uint8_t magic[2];
  const size_t got = file->read(magic, sizeof magic);
  file = std::make_unique<FileBytes>(path);
  if (got == 2 && magic[0] == 0x1F && magic[1] == 0x8B) {
    file = std::make_unique<GzipBytes>(std::move(file), path.text());
  }
  while (read_up_to(*file, text, 16 * 1024) != 0) {
    if (text.size() > limit)
      raise(Code::kRead, "{} is larger than {}", path.text(), human_bytes(limit));
  }
  return std::string(text.text());
}

}  // namespace lugger
