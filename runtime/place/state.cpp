#include "place/state.hpp"

namespace lugger {
namespace {

[[noreturn]] void refuse() {
  throw Error(Code::kConfig, "this target cannot follow changes: it keeps no keys of them",
              "changes are applied to PostgreSQL");
}

}  // namespace

std::optional<FeedRecord> State::feed(const std::string&) { return {}; }
void State::begin_feed(const FeedRecord&) { refuse(); }
uint64_t State::spool(const std::string&, std::span<const std::string_view>, const std::string&,
                      uint64_t) {
  refuse();
}
SpooledPage State::spooled_page(const std::string&, const std::string&, size_t) { refuse(); }
void State::ask(const std::string&, std::span<const std::string_view>) { refuse(); }
std::vector<SpooledKey> State::asked_keys(const std::string&, size_t) { return {}; }
RefusedPage State::refused_keys(const std::string&, size_t) { return {}; }
void State::tell(const std::string&, const std::string&) { refuse(); }
std::vector<WatchRecord> State::told() { return {}; }

}  // namespace lugger
