#include "weaviate/importer.hpp"

#include <algorithm>

namespace lugger {
namespace {

constexpr size_t kMostObjects = 1000;

constexpr long kTooLarge = 413, kUnprocessable = 422, kBad = 400;

bool says(const std::string& words, std::string_view part) {
  return words.find(part) != std::string::npos;
}

}  // namespace

void ObjectImporter::add(std::string_view object) {
  text_ += object;
  ends_.push_back(text_.size());
}

void ObjectImporter::forget() noexcept {
  text_.clear();
  ends_.clear();
  refused_.clear();
  first_ = 0;
  checked_ = false;
}

size_t ObjectImporter::bytes(size_t from, size_t to) const noexcept {
  return ends_[to - 1] - (from == 0 ? 0 : ends_[from - 1]);
}

std::string_view ObjectImporter::object(size_t i) const noexcept {
  const size_t size = bytes(i, i + 1);
  return std::string_view(text_).substr(ends_[i] - size, size);
}

void ObjectImporter::send(bool all) {
  if (!all && text_.size() < most_bytes_ && ends_.size() < kMostObjects) return;
  if (ends_.empty()) return;
  if (!checked_) check_class();
  checked_ = true;
  for (size_t from = 0; from < ends_.size();) {
    size_t to = from + 1;
    while (to < ends_.size() && to - from < kMostObjects && bytes(from, to + 1) <= most_bytes_)
      ++to;
    send(from, to);
    from = to;
  }
  first_ += ends_.size();
  text_.clear();
  ends_.clear();
}

/// With a class that is gone, the server would make one by its own guesses.
void ObjectImporter::check_class() {
  const std::optional<WeaviateClass> now = server_.find_class(class_name_);
  if (now && now->fingerprint() == like_) return;
  throw Error(
      Code::kConflict,
      fmt::format("the class {} {}", class_name_,
                  now ? "was changed while it was loaded" : "is gone"),
      "nothing was written into it since; start the run again with --restart once the class "
      "stands as it should");
}

void ObjectImporter::send(size_t from, size_t to) {
  batch_.clear();
  for (size_t i = from; i < to; ++i) batch_.push_back(object(i));
  const BatchAnswer answer = call_->send(batch_);
  if (answer.good()) return take(answer, from, to);
  const bool divides =
      answer.status == kTooLarge || answer.status == kUnprocessable || answer.status == kBad;
  if (answer.status == kTooLarge) most_bytes_ = std::min(most_bytes_, bytes(from, to) / 2);
  const std::string words = fmt::format("{} {}", answer.status, answer.words);
  if (!divides) raise(Code::kRead, "{} takes no objects: {}", class_name_, words);
  if (to - from == 1) return judge(from, words);
  send(from, from + (to - from) / 2);
  send(from + (to - from) / 2, to);
}

void ObjectImporter::take(const BatchAnswer& answer, size_t from, size_t to) {
  const auto outside = [&](const RefusedObject& one) { return one.object >= to - from; };
  if (!answer.refused || std::ranges::any_of(*answer.refused, outside)) {
    raise(Code::kConnect,
          "{}: the server's answer to a batch of {} objects does not say what became of each",
          class_name_, to - from);
  }
  for (const RefusedObject& refused : *answer.refused) {
    judge(from + refused.object, refused.reason);
    if (takes_back_) take_back(from + refused.object);
  }
}

/// Weaviate stores an object before its indexes take the vectors. Of one that they refuse no search
/// would know, and the class would hold what is a reject. That one of its id is there says nothing:
/// it may be an older one, which stands when the new one was refused before. An object that is taken
/// without its vectors was refused for them, so what is there is it.
void ObjectImporter::take_back(size_t refused) {
  const std::string bare = call_->without_vectors(object(refused));
  if (bare.size() == object(refused).size()) return;
  const std::string_view one(bare);
  const BatchAnswer answer = call_->send({&one, 1});
  if (answer.good() && answer.refused && answer.refused->empty())
    server_.erase(class_name_, tenant_, call_->id_of(object(refused)));
}

/// Most reasons are the object's own. The others would make rejects of everything that follows.
void ObjectImporter::judge(size_t object, std::string reason) {
  if (says(reason, "read-only") || says(reason, "read only")) {
    throw Error(Code::kConnect, fmt::format("{} takes no objects now: {}", class_name_, reason),
                "a disk that is nearly full makes Weaviate read-only "
                "(DISK_USE_READONLY_PERCENTAGE); once there is room, the same command goes on");
  }
  if (says(reason, "tenant not active") || says(reason, "tenant not found")) {
    throw Error(Code::kConflict, fmt::format("{}: {}", class_name_, reason),
                "activate or make the tenant, then run the same command again");
  }
  refused_.push_back({first_ + object, std::move(reason)});
}

}  // namespace lugger
