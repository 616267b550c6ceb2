#include "pinecone/source.hpp"

#include <algorithm>

#include "base/fields.hpp"
#include "base/url.hpp"
#include "pinecone/cursor.hpp"
#include "pinecone/layout.hpp"
#include "pinecone/manifest.hpp"
#include "pinecone/search.hpp"
#include "place/choose.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr auto kOptions = joined_options(
    kPineconeOptions, std::array<OptionSpec, 1>{{
                          {"collection", Type::kText, "the index, where the URL names none"},
                      }});

constexpr size_t kMostTold = 20;  // namespaces, each with its count

std::vector<CollectionInfo> infos_of(const std::vector<PineconeIndex>& all,
                                     const std::string& shown) {
  std::vector<CollectionInfo> out;
  for (const PineconeIndex& one : all) out.push_back({"", one.name, "collection", shown, 0, ""});
  return out;
}

std::vector<PineconeIndex> indexes_of(const PineconeAddress& address) {
  PineconeControl control(address);
  if (!address.index.empty()) {
    std::vector<PineconeIndex> one;
    if (auto found = control.find_index(address.index)) one.push_back(std::move(*found));
    return one;
  }
  std::vector<PineconeIndex> all = control.indexes();
  std::ranges::sort(all, {}, &PineconeIndex::name);
  return all;
}

/// Its kind is told whole only to who asks for it alone.
PineconeIndex chosen_index(const PineconeAddress& address, Options options) {
  const std::vector<PineconeIndex> all = indexes_of(address);
  if (!options.has("collection") && !address.index.empty())
    options.set("collection", address.index);
  const std::vector<CollectionInfo> infos = infos_of(all, address.shown);
  const CollectionInfo& chosen = choose_collection(infos, options, address.shown);
  std::optional<PineconeIndex> found = PineconeControl(address).find_index(chosen.collection);
  if (!found) raise(Code::kConfig, "Pinecone has no index {}", chosen.collection);
  return std::move(*found);
}

void refuse_pods(const PineconeIndex& index) {
  if (!index.pods) return;
  throw Error(
      Code::kConfig,
      fmt::format("{} is a pod index, and Pinecone does not list the ids of those", index.name),
      "make a serverless index of it (a collection of the pod index, then a new index of the "
      "collection), and read that one; or export a backup and read its files; where the "
      "application knows all ids, fetch them into JSON lines and read these; "
      "metadata that divides the records allows a query for each part, which "
      "gives at most 10,000 records and proves nothing");
}

std::string counted(uint64_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

class PineconeSource final : public Source {
 public:
  PineconeSource(const std::string& place, const Options& options)
      : address_(pinecone_address(AllowedUrl(place), options)),
        opening_{nullptr, chosen_index(address_, options),
                 PineconeIds(options.text("ids", "ascii") == "percent"), "",
                 std::make_shared<PineconeReads>()} {
    const PineconeIndex& index = opening_.index;
    refuse_pods(index);
    if (!index.ready)
      raise(Code::kConnect, "the index {} is not ready: {}", index.name, index.state);
    opening_.data = address_.data(index.host, index.documents);
    if (options.has("namespace")) named_ = namespace_name(options.text("namespace"), opening_.ids);
    find_namespaces();
  }

  SourceInfo info() const override {
    const PineconeIndex& index = opening_.index;
    SourceInfo out;
    out.kind = "pinecone";
    out.place = address_.shown;
    out.collection = index.name;
    out.identity = fmt::format("index {}{} of the Pinecone at {}, {}", index.name,
                               named_ ? ", namespace " + shown_namespace(*named_) : "",
                               address_.base(), index.identity());
    out.documents = count_;
    out.moves = true;
    out.apart_by = namespace_field(index);
    if (namespaces_.size() > 1)
      out.apart_warning = fmt::format(
          "{} namespaces are read, and two of them may have records of one id: take the field `{}` "
          "into a column and into the key, or read one with namespace = '...'",
          namespaces_.size(), out.apart_by);
    out.missing = missing_;
    out.advice = totals_;
    out.manifests = manifests();
    return out;
  }

  std::vector<Partition> split(int) override {
    std::vector<Partition> out;
    for (const PineconeNamespace& one : namespaces())  // there may be more by now
      out.push_back({std::to_string(out.size()), "namespace:" + percent_encode(one.name)});
    return out;
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    PineconeOpening opening = opening_;
    opening.name_space = percent_decode(spec_field(partition.spec, "namespace").value_or(""));
    return open_records(opening, after);
  }

  /// Several namespaces are searched one by one, which nobody does.
  std::unique_ptr<Search> search(const SearchSpec& spec) override {
    if (namespaces_.size() != 1) return nullptr;
    return make_pinecone_search(opening_.data, opening_.index, opening_.ids, namespaces_[0].name,
                                spec);
  }

  std::vector<std::string> told_at_end(bool, const StopFlag&) override {
    std::vector<std::string> out;
    if (opening_.reads->gone != 0)
      out.push_back(fmt::format("{} were listed, and gone when they were fetched",
                                counted(opening_.reads->gone, "record")));
    if (opening_.reads->units != 0)
      out.push_back(fmt::format("read units of Pinecone: about {}", opening_.reads->units.load()));
    return out;
  }

 private:
  std::vector<PineconeNamespace> all_namespaces() const {
    return PineconeData(opening_.data, opening_.index.documents).namespaces();
  }

  std::vector<PineconeNamespace> namespaces() const { return wanted(all_namespaces()); }

  std::vector<PineconeNamespace> wanted(std::vector<PineconeNamespace> out) const {
    if (named_)
      std::erase_if(out, [this](const PineconeNamespace& one) { return one.name != *named_; });
    // What was written a moment ago is not counted yet.
    if (out.empty()) out.push_back({named_.value_or(""), 0});
    return out;
  }

  /// What was written a moment ago is listed before it is counted.
  void look_for_named(const std::vector<PineconeNamespace>& all) {
    if (!named_ || std::ranges::find(all, *named_, &PineconeNamespace::name) != all.end()) return;
    PineconeData data(opening_.data, opening_.index.documents);
    if (!data.list(*named_, "").ids.empty()) return;
    std::vector<std::string> names;
    for (const PineconeNamespace& one : all)
      if (names.size() < kMostTold) names.push_back(shown_namespace(one.name));
    const std::string_view more = all.size() > kMostTold ? ", ..." : "";
    missing_ = Error(Code::kConfig,
                     fmt::format("the index {} has no namespace {}", opening_.index.name,
                                 shown_namespace(*named_)),
                     names.empty() ? "it has none at all: nothing was written to it yet"
                                   : fmt::format("it has {}{}", fmt::join(names, ", "), more));
  }

  void find_namespaces() {
    const std::vector<PineconeNamespace> all = all_namespaces();
    look_for_named(all);
    namespaces_ = wanted(all);
    for (const PineconeNamespace& one : namespaces_) {
      count_ += one.records;
      if (totals_.size() < kMostTold)
        totals_.push_back(fmt::format("namespace {}: {}", shown_namespace(one.name),
                                      counted(one.records, "record")));
    }
    if (namespaces_.size() > kMostTold)
      totals_.push_back(fmt::format("and {} namespaces more", namespaces_.size() - kMostTold));
    totals_.push_back(fmt::format(
        "Pinecone counts a read unit for each page of 100 ids and for each 10 records: reading all "
        "of it once is about {} read units",
        (count_ + 99) / 100 + (count_ + 9) / 10 + namespaces_.size()));
  }

  std::vector<VectorManifest> manifests() const {
    const PineconeIndex& index = opening_.index;
    std::vector<VectorManifest> out;
    const auto add = [&](const std::string& column, uint64_t dimension, const std::string& metric) {
      VectorManifest& one = out.emplace_back();
      one.column = column;
      one.dimensions = static_cast<int>(dimension);
      one.metric = metric_of_pinecone(metric);
      one.model = index.model;
    };
    for (const PineconeField& field : index.fields)
      if (field.type == "dense_vector" || field.type == "sparse_vector")
        add(field.name, field.dimension, field.metric);
    if (!index.documents && index.dense) out.push_back(manifest_of_index(index, "values"));
    if (!index.documents && index.sparse) add("sparse_values", 0, "dotproduct");
    return out;
  }

  PineconeAddress address_;
  PineconeOpening opening_;
  std::optional<std::string> named_;  // as Pinecone has it
  std::vector<PineconeNamespace> namespaces_;
  uint64_t count_ = 0;
  std::vector<std::string> totals_;  // of namespaces, for those who look
  std::optional<Error> missing_;
};

}  // namespace

std::span<const OptionSpec> pinecone_source_options() { return kOptions; }

std::unique_ptr<Source> make_pinecone_source(const std::string& place, const Options& options) {
  return std::make_unique<PineconeSource>(place, options);
}

PlaceInfo look_at_pinecone(const std::string& place, const Options& options) {
  const PineconeAddress address = pinecone_address(AllowedUrl(place), options);
  PlaceInfo out;
  out.collections = infos_of(indexes_of(address), address.shown);
  return out;
}

}  // namespace lugger
