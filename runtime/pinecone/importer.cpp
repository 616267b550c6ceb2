#include "pinecone/importer.hpp"

#include "store/error_words.hpp"
#include "value/json_writer.hpp"

namespace lugger {
namespace {

// A request is at most 2 MB, whichever megabyte is meant, with what stands around the records.
constexpr size_t kBodyBytes = 1'990'000, kMostRecords = 1000;
constexpr long kBad = 400, kNotFound = 404, kTooLarge = 413, kUnprocessable = 422;

}  // namespace

void WrittenLsns::note(const std::string& name_space, PineconeLsn lsn) {
  if (!lsn) return;
  const std::lock_guard lock(mutex_);
  uint64_t& known = lsns_[name_space];
  known = std::max(known, *lsn);
}

std::map<std::string, uint64_t> WrittenLsns::all() {
  const std::lock_guard lock(mutex_);
  return lsns_;
}

RecordImporter::RecordImporter(const std::shared_ptr<HttpEndpoint>& data,
                               const PineconeIndex& index, std::shared_ptr<WrittenLsns> written)
    : ObjectBatches({kBodyBytes, kMostRecords}),
      data_(data, index.documents),
      index_(index.name),
      documents_(index.documents),
      written_(std::move(written)) {}

ObjectBatches::Posted RecordImporter::post(const std::string& group,
                                           std::span<const size_t> objects) {
  body_ = documents_ ? R"({"documents":[)" : R"({"vectors":[)";
  for (const size_t i : objects) {
    if (i != objects[0]) body_ += ',';
    body_ += object(i);
  }
  body_ += ']';
  if (!group.empty() && !documents_) {
    body_ += R"(,"namespace":)";
    write_json_string(group, body_);
  }
  body_ += '}';
  const HttpAnswer answer = data_.upsert(group, body_);
  if (answer.good()) {
    written_->note(group, data_.committed());
    return {};
  }
  const std::string words = fmt::format("{} {}", answer.status, words_of_error(answer.body));
  if (answer.status == kNotFound)
    throw Error(Code::kConflict, fmt::format("the index {} is gone: {}", index_, words),
                "nothing was written into it since; start the run again with --restart once there "
                "is one");
  const bool divides =
      answer.status == kTooLarge || answer.status == kUnprocessable || answer.status == kBad;
  if (!divides) raise(Code::kRead, "{} takes no records: {}", index_, words);
  const bool too_large = answer.status == kTooLarge || words.find("too large") != std::string::npos;
  return {words, too_large};
}

}  // namespace lugger
