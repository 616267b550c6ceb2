#include "weaviate/cursor.hpp"

#include <algorithm>

#include "base/fields.hpp"
#include "place/step_cursor.hpp"
#include "weaviate/object_reader.hpp"
#include "weaviate/server.hpp"

namespace lugger {
namespace {

// A page is to have about this size. The first one is small, since nobody knows yet.
constexpr size_t kPageBytes = 4 << 20, kFirstPage = 100, kLargestPage = 1000;

class ObjectCursor final : public StepCursor {
 public:
  ObjectCursor(std::shared_ptr<HttpEndpoint> endpoint, const WeaviateClass& of, ObjectRange range,
               const Position& after, std::shared_ptr<const void> tenant)
      : tenant_(std::move(tenant)),
        server_(endpoint),
        name_(of.name),
        range_(std::move(range)),
        reader_(of, range_.tenant),
        begun_(after) {
    if (const auto id = spec_field(after, "after")) {
      last_ = *id;
    } else {
      last_ = range_.from;
    }
    if (!range_.to.empty()) parse_uuid(range_.to, to_.data());
  }

  Position position() const override { return given_ ? "after:" + last_ : begun_; }
  uint64_t bytes() const override { return bytes_; }

 private:
  bool step(Batch& batch) override {
    if (ended_) return false;
    document_.clear();
    while (!reader_.next(document_)) {
      if (!next_page()) return false;
    }
    if (!range_.to.empty() && to_ < reader_.id()) {
      ended_ = true;
      return false;
    }
    give(batch, batch.arena().copy(document_.view()), static_cast<uint32_t>(document_.size()));
    last_ = uuid_text(reader_.id().data());
    ++in_page_;
    given_ = true;
    return true;
  }

  /// False: there are no more objects.
  bool next_page() {
    // Only an empty page is the end: a shorter one may be what the server was ready to give.
    if (paged_ && in_page_ == 0) {
      ended_ = true;
      return false;
    }
    std::string json = server_.page(name_, range_.tenant, last_, limit_);
    if (in_page_ != 0)
      limit_ = std::clamp(kPageBytes * in_page_ / std::max<size_t>(page_bytes_, 1), size_t{10},
                          kLargestPage);
    page_bytes_ = json.size();
    bytes_ += json.size();
    paged_ = true;
    in_page_ = 0;
    reader_.read_page(std::move(json));
    return true;
  }

  const std::shared_ptr<const void> tenant_;
  WeaviateServer server_;
  const std::string name_;
  const ObjectRange range_;
  ObjectReader reader_;
  const Position begun_;
  std::string last_;  // the id of the last object
  Uuid to_{};
  ByteBuffer document_;
  size_t limit_ = kFirstPage, in_page_ = 0, page_bytes_ = 0;
  uint64_t bytes_ = 0;
  bool given_ = false, paged_ = false, ended_ = false;
};

/// The UUID whose first four bytes are i of n parts of all there are.
std::string bound(size_t i, size_t n) {
  Uuid out{};
  const uint64_t first = (uint64_t{1} << 32) * i / n;
  for (size_t byte = 0; byte < 4; ++byte)
    out[byte] = static_cast<unsigned char>(first >> (24 - 8 * byte));
  return uuid_text(out.data());
}

}  // namespace

std::string ObjectRange::spec() const {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format("{}{}:{}", out.empty() ? "" : " ", name, value);
  };
  add("tenant", tenant);
  add("from", from);
  add("to", to);
  return out;
}

ObjectRange ObjectRange::of(std::string_view spec) {
  const auto field = [&](std::string_view name) {
    return std::string(spec_field(spec, name).value_or(""));
  };
  return {field("tenant"), field("from"), field("to")};
}

std::vector<ObjectRange> object_ranges(const std::string& tenant, size_t parts) {
  std::vector<ObjectRange> out;
  for (size_t i = 0; i < parts; ++i) {
    out.push_back(
        {tenant, i == 0 ? "" : bound(i, parts), i + 1 == parts ? "" : bound(i + 1, parts)});
  }
  return out;
}

std::unique_ptr<Cursor> open_objects(std::shared_ptr<HttpEndpoint> endpoint,
                                     const WeaviateClass& of, const ObjectRange& range,
                                     const Position& after, std::shared_ptr<const void> tenant) {
  return std::make_unique<ObjectCursor>(std::move(endpoint), of, range, after, std::move(tenant));
}

}  // namespace lugger
