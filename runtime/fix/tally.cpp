#include "fix/tally.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace lugger {

namespace {

constexpr size_t kMostPairs = 2000;   // a field; beyond it new pairs are only counted
constexpr size_t kShownPairs = 5;     // of them in the report
constexpr size_t kPairText = 60;      // bytes of a value that tell it from others in a histogram
constexpr size_t kSampleText = 2000;  // bytes of a value in a sample

std::optional<std::string> cut(const std::optional<std::string>& text, size_t most) {
  if (!text || text->size() <= most) return text;
  std::string out = text->substr(0, most);
  out.resize(valid_utf8_prefix(out));
  return out + "…";
}

}  // namespace

void FixTally::add(const FixRow& row, const RowChange& change) {
  FixSample sample;
  for (size_t f = 0; f < fields_.size(); ++f) {
    if (change.mask[f] != '1') continue;
    Field& field = fields_[f];
    ++field.rows;
    Pair pair{cut(row.before[f], kPairText), cut(change.after[f], kPairText)};
    const auto known = field.pairs.find(pair);
    if (known != field.pairs.end()) {
      ++known->second;
    } else if (field.pairs.size() < kMostPairs) {
      field.pairs.emplace(std::move(pair), 1);
    } else {
      field.more = true;
    }
    if (shown_.size() < limit_)
      sample.cells.push_back(
          {field.name, cut(row.before[f], kSampleText), cut(change.after[f], kSampleText)});
  }
  if (shown_.size() >= limit_) return;
  sample.key = row.shown_key();
  shown_.push_back(std::move(sample));
}

void FixTally::refuse(const RejectRecord& reject) {
  if (++codes_[reject.code] <= limit_)
    refusals_.push_back({reject.document_id, reject.code, reject.message});
}

void FixTally::fill(FixReport& report, RunResult& result) const {
  for (const Field& field : fields_) {
    FixFieldReport out;
    out.field = field.name;
    out.rows = field.rows;
    for (const auto& [pair, rows] : field.pairs)
      out.pairs.push_back({pair.first, pair.second, rows});
    std::stable_sort(out.pairs.begin(), out.pairs.end(),
                     [](const auto& a, const auto& b) { return a.rows > b.rows; });
    out.more = field.more || out.pairs.size() > kShownPairs;
    if (out.pairs.size() > kShownPairs) out.pairs.resize(kShownPairs);
    report.fields.push_back(std::move(out));
  }
  report.samples = shown_;
  report.refusals = refusals_;
  result.reject_codes = codes_;
  result.skip_reasons = skips_;
}

void FixTally::clear() {
  for (Field& field : fields_) field.rows = 0, field.pairs.clear(), field.more = false;
  shown_.clear(), refusals_.clear(), codes_.clear(), skips_.clear();
}

}  // namespace lugger
