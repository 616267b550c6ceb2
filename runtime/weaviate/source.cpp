#include "weaviate/source.hpp"

#include <algorithm>

#include "place/choose.hpp"
#include "weaviate/cursor.hpp"
#include "weaviate/manifest.hpp"
#include "weaviate/object_reader.hpp"
#include "weaviate/search.hpp"
#include "weaviate/server.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr auto kOptions = joined_options(
    kWeaviateOptions, std::array<OptionSpec, 3>{{
                          {"collection", Type::kText, "the class, where the URL names none"},
                          {"tenant", Type::kText,
                           "of a class that has tenants: the one to read; all, when not given"},
                          {"timestamps", Type::kFlag,
                           "documents have `created` and `updated`, as Weaviate keeps them"},
                      }});

constexpr size_t kMostParts = 64;
constexpr size_t kMostTold = 20;  // tenants, each with its count

std::vector<CollectionInfo> infos_of(const std::vector<WeaviateClass>& all,
                                     const std::string& shown) {
  std::vector<CollectionInfo> out;
  for (const WeaviateClass& one : all) out.push_back({"", one.name, "collection", shown, 0, ""});
  return out;
}

std::vector<WeaviateClass> classes_of(WeaviateServer& server, const WeaviateAddress& address) {
  server.version();
  std::vector<WeaviateClass> all = server.classes();
  std::ranges::sort(all, {}, &WeaviateClass::name);
  if (!address.class_name.empty())
    std::erase_if(all, [&](const auto& one) { return one.name != address.class_name; });
  return all;
}

/// Of a chosen class, "docs" is "Docs" as for the server.
Options spelled(const WeaviateAddress& address, Options options) {
  std::string name = options.text("collection", address.class_name);
  if (!name.empty()) options.set("collection", class_name_of(name));
  return options;
}

class WeaviateSource final : public Source {
 public:
  WeaviateSource(const std::string& place, const Options& options)
      : address_(weaviate_address(AllowedUrl(place), options)) {
    WeaviateServer server(address_.endpoint);
    const std::vector<WeaviateClass> all = classes_of(server, address_);
    const std::vector<CollectionInfo> infos = infos_of(all, address_.shown);
    const CollectionInfo& chosen =
        choose_collection(infos, spelled(address_, options), address_.shown);
    class_ = all[static_cast<size_t>(&chosen - infos.data())];
    class_.times = options.flag("timestamps");
    class_.times = options.flag("timestamps");
    find_tenants(server, options.text("tenant"));
    count_ = count(server);
    if (tenants_.size() > 1)
      warnings_.push_back(fmt::format(
          "{} tenants are read: the field `{}` tells them apart, and two of them may have objects "
          "of "
          "one id: take it into a column and into the key, or read one with tenant = '...'",
          tenants_.size(), ObjectFields(class_).tenant));
    if (class_.expires)
      warnings_.push_back("its objects delete themselves after a time, also while they are read");
  }

  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "weaviate";
    out.place = address_.shown;
    out.collection = class_.name;
    out.identity = fmt::format("class {}{} of the Weaviate at {}", class_.name,
                               named_tenant_.empty() ? "" : ", tenant " + named_tenant_,
                               address_.endpoint->settings().base);
    out.documents = count_;
    out.moves = true;
    out.warnings = warnings_;
    out.advice = totals_;
    const ObjectFields fields(class_);
    out.manifests = manifests_of_class(class_);
    for (VectorManifest& one : out.manifests)
      one.column = one.column.empty() ? fields.vector : fields.vectors + "." + one.column;
    if (address_.open_key)
      out.warnings.push_back("the key goes over the network in the open: weaviates:// encrypts");
    return out;
  }

  std::vector<Partition> split(int parts) override {
    const size_t each = std::clamp<size_t>(
        static_cast<size_t>(std::max(parts, 1)) / tenants_.size(), 1, kMostParts);
    std::vector<Partition> out;
    for (const std::string& tenant : tenants_) {
      for (const ObjectRange& range : object_ranges(tenant, each))
        out.push_back({std::to_string(out.size()), range.spec()});
    }
    return out;
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    return open_objects(address_.endpoint, class_, ObjectRange::of(partition.spec), after);
  }

  /// Several tenants are searched one by one, which nobody does.
  std::unique_ptr<Search> search(const SearchSpec& spec) override {
    if (tenants_.size() != 1) return nullptr;
    return make_weaviate_search(address_.endpoint, class_, tenants_[0], spec);
  }

 private:
  void find_tenants(WeaviateServer& server, const std::string& wanted) {
    if (!class_.tenants) {
      if (!wanted.empty())
        raise(Code::kConfig, "the class {} has no tenants, and tenant = '{}' was given",
              class_.name, wanted);
      tenants_ = {""};
      return;
    }
    named_tenant_ = wanted;
    std::vector<std::string> off;
    for (const WeaviateTenant& one : server.tenants(class_.name)) {
      if (!wanted.empty() && one.name != wanted) continue;
      (one.active ? tenants_ : off).push_back(one.name);
    }
    std::ranges::sort(tenants_);
    if (!off.empty()) {
      throw Error(Code::kConfig,
                  fmt::format("{} tenants of {} are not active, and cannot be read: {}", off.size(),
                              class_.name, fmt::join(off, ", ")),
                  "activate them, or read the others one by one with tenant = '...'");
    }
    if (!tenants_.empty()) return;
    if (!wanted.empty()) raise(Code::kConfig, "the class {} has no tenant {}", class_.name, wanted);
    raise(Code::kConfig, "the class {} has no tenants yet: there is nothing to read", class_.name);
  }

  void tell_total(const std::string& tenant, uint64_t objects) {
    if (totals_.size() < kMostTold)
      totals_.push_back(
          fmt::format("tenant {}: {} object{}", tenant, objects, objects == 1 ? "" : "s"));
  }

  std::optional<uint64_t> count(WeaviateServer& server) {
    uint64_t out = 0;
    for (const std::string& tenant : tenants_) {
      const std::optional<uint64_t> one = server.count(class_.name, tenant);
      if (!one) return std::nullopt;
      out += *one;
      if (!tenant.empty()) tell_total(tenant, *one);
    }
    if (tenants_.size() > kMostTold)
      totals_.push_back(fmt::format("and {} tenants more", tenants_.size() - kMostTold));
    return out;
  }

  WeaviateAddress address_;
  WeaviateClass class_;
  std::string named_tenant_;
  std::vector<std::string> tenants_;  // {""} of a class without tenants
  std::optional<uint64_t> count_;
  std::vector<std::string> totals_;  // of tenants, for those who look
  std::vector<std::string> warnings_;
};

}  // namespace

std::span<const OptionSpec> weaviate_source_options() { return kOptions; }

std::unique_ptr<Source> make_weaviate_source(const std::string& place, const Options& options) {
  return std::make_unique<WeaviateSource>(place, options);
}

PlaceInfo look_at_weaviate(const std::string& place, const Options& options) {
  const WeaviateAddress address = weaviate_address(AllowedUrl(place), options);
  WeaviateServer server(address.endpoint);
  PlaceInfo out;
  out.collections = infos_of(classes_of(server, address), address.shown);
  return out;
}

}  // namespace lugger
