#include "pinecone/cursor.hpp"

#include <algorithm>

#include "base/fields.hpp"
#include "base/url.hpp"
#include "place/step_cursor.hpp"

namespace lugger {
namespace {

constexpr size_t kMostIds = 100;
// Nobody says how long a URL may be; servers and proxies agree on about 8 KB.
constexpr size_t kMostUrl = 7500;

std::string field_of(std::string_view spec, std::string_view name) {
  return percent_decode(spec_field(spec, name).value_or(""));
}

class RecordCursor final : public StepCursor {
 public:
  RecordCursor(const PineconeOpening& opening, const Position& after)
      : opening_(opening),
        fetcher_(opening),
        begun_(after),
        token_(field_of(after, "token")),
        last_(field_of(after, "after")) {
    resumed_ = !after.empty();
    skips_ = resumed_ && token_.empty();
    next_ = token_;
  }

  Position position() const override {
    if (!given_) return begun_;
    std::string out = "after:" + percent_encode(last_);
    if (!token_.empty()) out += " token:" + percent_encode(token_);
    return out;
  }
  uint64_t bytes() const override { return bytes_; }

 private:
  bool step(Batch& batch) override {
    for (;;) {
      for (; at_ < fetched_; ++at_) {
        const std::optional<Bytes> record = fetcher_.reader().record(page_.ids[at_]);
        last_ = page_.ids[at_];
        given_ = true;
        if (!record) {
          note_gone();
          continue;
        }
        ++at_;
        bytes_ += record->size();
        give(batch, batch.arena().copy(*record), static_cast<uint32_t>(record->size()));
        return true;
      }
      if (fetched_ < page_.ids.size()) {
        fetched_ = fetcher_.fetch(page_.ids, at_);
        note_units();
      } else if (!next_page()) {
        return false;
      }
    }
  }

  /// False: there are no more ids.
  bool next_page() {
    if (listed_ && next_.empty()) return false;
    const bool goes_on = resumed_;
    PineconePage page = list();
    check_progress(page);
    listed_ = true;
    token_ = next_;
    next_ = page.next;
    at_ = fetched_ = 0;
    const size_t before = page.ids.size();
    if (!last_.empty()) page.ids.erase(page.ids.begin(), std::ranges::upper_bound(page.ids, last_));
    if (!page.ids.empty()) skips_ = false;
    if (before != 0 && page.ids.empty() && !goes_on && !skips_) no_progress();
    page_ = std::move(page);
    note_units();
    return true;
  }

  PineconePage list() {
    if (!resumed_) return fetcher_.data().list(opening_.name_space, next_);
    resumed_ = false;
    try {
      return fetcher_.data().list(opening_.name_space, next_);
    } catch (const Error& error) {
      if (error.code() != Code::kRead) throw;
      // The token has grown old: from the first id on, without those that were given.
      next_.clear();
      skips_ = true;
      return fetcher_.data().list(opening_.name_space, next_);
    }
  }

  /// By the order of the ids a run knows what it has read.
  void check_progress(const PineconePage& page) {
    constexpr int kMostEmpty = 1000;
    if (listed_ && !page.next.empty() && page.next == next_) no_progress();
    empty_ = page.ids.empty() ? empty_ + 1 : 0;
    if (empty_ > kMostEmpty) no_progress();
    for (size_t i = 1; i < page.ids.size(); ++i) {
      if (page.ids[i - 1] < page.ids[i]) continue;
      raise(Code::kRead, "the list of ids in {} is not in their order: {} comes behind {}",
            shown_namespace(opening_.name_space), page.ids[i], page.ids[i - 1]);
    }
  }

  [[noreturn]] void no_progress() const {
    raise(Code::kRead,
          "the list of ids in {} goes round behind {}: pages come that hold nothing new",
          shown_namespace(opening_.name_space), last_.empty() ? "its begin" : last_);
  }

  void note_gone() const {
    if (opening_.reads) ++opening_.reads->gone;
  }
  void note_units() {
    const uint64_t now = fetcher_.data().read_units();
    if (opening_.reads) opening_.reads->units += now - units_;
    units_ = now;
  }

  const PineconeOpening opening_;
  RecordFetcher fetcher_;
  const Position begun_;
  std::string token_, next_;  // of the page under way, and of the one behind it
  std::string last_;          // the id of the last record
  PineconePage page_;
  size_t at_ = 0, fetched_ = 0;  // ids of the page that were given, that were fetched
  uint64_t bytes_ = 0, units_ = 0;
  int empty_ = 0;  // pages in a row
  bool given_ = false, listed_ = false, resumed_ = false;
  bool skips_ = false;  // ids are passed over up to the last
};

}  // namespace

RecordFetcher::RecordFetcher(const PineconeOpening& opening)
    : name_space_(opening.name_space),
      by_url_(!opening.index.documents),
      data_(opening.data, opening.index.documents),
      reader_(opening.index, opening.ids),
      most_(kMostIds) {}

size_t RecordFetcher::group_end(std::span<const std::string> ids, size_t from) const {
  size_t to = from, url = name_space_.size() * 3;
  while (to < ids.size() && to - from < most_) {
    url += std::string_view("&ids=").size() + percent_encode(ids[to]).size();
    if (by_url_ && url > kMostUrl && to != from) break;
    ++to;
  }
  return to;
}

size_t RecordFetcher::fetch(std::span<const std::string> ids, size_t from) {
  for (;;) {
    const size_t to = group_end(ids, from);
    std::optional<std::string> json = data_.fetch(name_space_, ids.subspan(from, to - from));
    if (!json) {
      most_ = std::max((to - from) / 2, size_t{1});
      continue;
    }
    reader_.clear();
    reader_.read(std::move(*json), name_space_);
    ask_again(ids.subspan(from, to - from));
    return to;
  }
}

/// A record that was left out is asked for once more: what is gone is gone, and what an answer had no
/// room for is not.
void RecordFetcher::ask_again(std::span<const std::string> ids) {
  missing_.clear();
  for (const std::string& id : ids)
    if (!reader_.record(id)) missing_.push_back(id);
  if (missing_.empty()) return;
  if (missing_.size() == ids.size() && ids.size() == 1) return;
  if (std::optional<std::string> json = data_.fetch(name_space_, missing_))
    reader_.read(std::move(*json), name_space_);
}

std::unique_ptr<Cursor> open_records(const PineconeOpening& opening, const Position& after) {
  return std::make_unique<RecordCursor>(opening, after);
}

}  // namespace lugger
