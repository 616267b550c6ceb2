#include "weaviate/source.hpp"

#include <algorithm>
#include <set>

#include "place/choose.hpp"
#include "weaviate/awake.hpp"
#include "weaviate/cursor.hpp"
#include "weaviate/manifest.hpp"
#include "weaviate/object_reader.hpp"
#include "weaviate/search.hpp"
#include "weaviate/server.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr auto kOptions = joined_options(
    kWeaviateOptions,
    std::array<OptionSpec, 5>{{
        {"collection", Type::kText, "the class, where the URL names none"},
        {"tenant", Type::kText,
         "of a class that has tenants: the one to read; all, when not given"},
        {"inactive", Type::kChoice,
         "what becomes of tenants that are off: they are on while they are read, or left out",
         "activate", "activate|skip|error"},
        {"state", Type::kPath, "directory that remembers which tenants are to be turned off again",
         ".lugger"},
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
  if (!address.class_name.empty()) {
    std::vector<WeaviateClass> one;
    if (auto found = server.find_class(address.class_name)) one.push_back(std::move(*found));
    if (!one.empty()) return one;
  }
  std::vector<WeaviateClass> all = server.classes();
  std::ranges::sort(all, {}, &WeaviateClass::name);
  return all;
}

/// Of a chosen class, "docs" is "Docs" as for the server.
Options spelled(const WeaviateAddress& address, Options options) {
  std::string name = options.text("collection", address.class_name);
  if (!name.empty()) options.set("collection", class_name_of(name));
  return options;
}

/// Of a class that is given by an alias, its own name.
Options resolved(WeaviateServer& server, std::vector<WeaviateClass>& all, Options options) {
  const std::string name = options.text("collection");
  if (name.empty()) return options;
  auto found = std::ranges::find(all, name, &WeaviateClass::alias);
  if (found == all.end() && std::ranges::find(all, name, &WeaviateClass::name) == all.end()) {
    if (const auto there = server.find_class(name)) {
      found = std::ranges::find(all, there->name, &WeaviateClass::name);
      if (found != all.end()) found->alias = name;
    }
  }
  if (found != all.end()) options.set("collection", found->name);
  return options;
}

/// The first of them.
std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t kMost = 10;
  const std::span<const std::string> first(names.data(), std::min(names.size(), kMost));
  return fmt::format("{}{}", fmt::join(first, ", "), names.size() > kMost ? ", ..." : "");
}

class WeaviateSource final : public Source {
 public:
  WeaviateSource(const std::string& place, const Options& options)
      : address_(weaviate_address(AllowedUrl(place), options)) {
    WeaviateServer server(address_.endpoint);
    std::vector<WeaviateClass> all = classes_of(server, address_);
    const Options chooses = resolved(server, all, spelled(address_, options));
    const std::vector<CollectionInfo> infos = infos_of(all, address_.shown);
    const CollectionInfo& chosen = choose_collection(infos, chooses, address_.shown);
    class_ = all[static_cast<size_t>(&chosen - infos.data())];
    class_.times = options.flag("timestamps");
    if (!class_.alias.empty())
      warnings_.push_back(
          fmt::format("{} is an alias: what is read is the class {}", class_.alias, class_.name));
    awake_ = std::make_shared<AwakeTenants>(address_.endpoint, class_.name,
                                            options.text("state", ".lugger"));
    find_tenants(server, options.text("tenant"), options.text("inactive", "activate"));
    count_ = count(server);
    const std::string shards = server.shards(class_);
    identity_ =
        fmt::format("class {}{} of the Weaviate at {}{}", class_.name,
                    named_tenant_.empty() ? "" : ", tenant " + named_tenant_,
                    address_.endpoint->settings().base, shards.empty() ? "" : ", shards " + shards);
    if (class_.expires)
      warnings_.push_back("its objects delete themselves after a time, also while they are read");
  }

  SourceInfo info() const override {
    SourceInfo out;
    out.kind = "weaviate";
    out.place = address_.shown;
    out.collection = class_.name;
    out.identity = identity_;
    out.documents = count_;
    out.moves = true;
    out.warnings = warnings_;
    out.advice = totals_;
    const ObjectFields fields(class_);
    if (class_.tenants) out.apart_by = fields.tenant;
    if (tenants_.size() > 1)
      out.apart_warning = fmt::format(
          "{} tenants are read, and two of them may have objects of one id: take the field `{}` "
          "into a column and into the key, or read one with tenant = '...'",
          tenants_.size(), fields.tenant);
    out.manifests = manifests_of_class(class_);
    for (VectorManifest& one : out.manifests)
      one.column = one.column.empty() ? fields.vector : fields.vectors + "." + one.column;
    if (address_.open_key)
      out.warnings.push_back("the key goes over the network in the open: weaviates:// encrypts");
    return out;
  }

  std::vector<Partition> split(int parts) override {
    const size_t each = std::clamp<size_t>(
        static_cast<size_t>(std::max(parts, 1)) / std::max<size_t>(tenants_.size(), 1), 1,
        kMostParts);
    std::vector<Partition> out;
    for (const std::string& tenant : tenants_) {
      // Turned on once, and off again.
      for (const ObjectRange& range : object_ranges(tenant, asleep_.contains(tenant) ? 1 : each))
        out.push_back({std::to_string(out.size()), range.spec()});
    }
    return out;
  }

  std::unique_ptr<Cursor> open(const Partition& partition, const Position& after) override {
    const ObjectRange range = ObjectRange::of(partition.spec);
    return open_objects(address_.endpoint, class_, range, after, woken(range.tenant));
  }

  void release() noexcept override { awake_->settle(); }

  /// Several tenants are searched one by one, which nobody does.
  std::unique_ptr<Search> search(const SearchSpec& spec) override {
    if (tenants_.size() != 1) return nullptr;
    return make_weaviate_search(address_.endpoint, class_, tenants_[0], spec, woken(tenants_[0]));
  }

 private:
  std::shared_ptr<const void> woken(const std::string& tenant) {
    return asleep_.contains(tenant) ? awake_->hold(tenant) : nullptr;
  }

  void find_tenants(WeaviateServer& server, const std::string& wanted,
                    const std::string& inactive) {
    if (!class_.tenants) {
      if (!wanted.empty())
        raise(Code::kConfig, "the class {} has no tenants, and tenant = '{}' was given",
              class_.name, wanted);
      tenants_ = {""};
      return;
    }
    named_tenant_ = wanted;
    std::vector<std::string> off, unread;
    for (const WeaviateTenant& one : server.tenants(class_.name)) {
      if (!wanted.empty() && one.name != wanted) continue;
      const bool wakes = one.off && inactive == "activate";
      if (wakes) off.push_back(one.name);
      (one.active || wakes ? tenants_ : unread).push_back(one.name);
    }
    std::ranges::sort(tenants_);
    asleep_.insert(off.begin(), off.end());
    tell_asleep(off);
    if (!unread.empty()) tell_unread(unread, inactive);
    if (!tenants_.empty() || !unread.empty()) return;
    if (!wanted.empty()) raise(Code::kConfig, "the class {} has no tenant {}", class_.name, wanted);
    raise(Code::kConfig, "the class {} has no tenants yet: there is nothing to read", class_.name);
  }

  void tell_total(const std::string& tenant, uint64_t objects) {
    if (totals_.size() < kMostTold)
      totals_.push_back(
          fmt::format("tenant {}: {} object{}", tenant, objects, objects == 1 ? "" : "s"));
  }

  void tell_asleep(const std::vector<std::string>& off) {
    if (!off.empty()) {
      warnings_.push_back(
          fmt::format("{} tenants of {} are off: {}; each is turned on while it is read, and off "
                      "again behind it (inactive = 'skip' leaves them out)",
                      off.size(), class_.name, some_of(off)));
    }
    std::vector<std::string> left = awake_->left_on();
    std::erase_if(left, [&](const auto& one) {
      return asleep_.contains(one) || !std::ranges::binary_search(tenants_, one);
    });
    if (left.empty()) return;
    asleep_.insert(left.begin(), left.end());
    warnings_.push_back(fmt::format(
        "{} tenants of {} were turned on by a run that was killed: {}; the next run turns them off",
        left.size(), class_.name, some_of(left)));
  }

  void tell_unread(const std::vector<std::string>& unread, const std::string& inactive) {
    if (inactive == "skip") {
      warnings_.push_back(fmt::format("{} tenants of {} are not active, and left out: {}",
                                      unread.size(), class_.name, some_of(unread)));
      return;
    }
    throw Error(Code::kConfig,
                fmt::format("{} tenants of {} are not active, and cannot be read: {}",
                            unread.size(), class_.name, some_of(unread)),
                inactive == "error" ? "inactive = 'activate' turns them on while they are read, "
                                      "'skip' leaves them out"
                                    : "what is offloaded is not turned on by lugger: activate it, "
                                      "or leave it out, inactive = 'skip'");
  }

  std::optional<uint64_t> count(WeaviateServer& server) {
    uint64_t out = 0;
    if (!asleep_.empty()) return std::nullopt;
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
  std::string identity_;
  std::string named_tenant_;
  std::vector<std::string> tenants_;  // {""} of a class without tenants
  std::set<std::string, std::less<>>
      asleep_;  // of them, those that are on only while they are read
  std::shared_ptr<AwakeTenants> awake_;
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
