#include "weaviate/awake.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/stop.hpp"
#include "base/whole_file.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

// Every version of the server takes these two words.
constexpr std::string_view kOn = "HOT", kOff = "COLD";
constexpr size_t kPrefix = 16;

}  // namespace

class AwakeTenants::Hold {
 public:
  Hold(std::shared_ptr<AwakeTenants> of, std::string tenant)
      : of_(std::move(of)), tenant_(std::move(tenant)) {}
  ~Hold() { of_->end(tenant_); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  const std::shared_ptr<AwakeTenants> of_;
  const std::string tenant_;
};

AwakeTenants::AwakeTenants(std::shared_ptr<HttpEndpoint> endpoint, const std::string& class_name,
                           const fs::path& directory)
    : endpoint_(std::move(endpoint)),
      class_name_(class_name),
      directory_(directory / "tenants"),
      prefix_(sha256_hex(endpoint_->settings().base + " " + class_name).substr(0, kPrefix) + "-") {}

AwakeTenants::~AwakeTenants() {
  if (locked_) settle();
}

void AwakeTenants::settle() noexcept {
  try {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> tenants = left_on();
    std::erase_if(tenants, [this](const auto& one) { return !held_[one].expired(); });
    if (tenants.empty()) return;
    lock_users();
    turn_off(tenants);
  } catch (const std::exception&) {
    // The files stay, and the next run tries again.
  }
}

fs::path AwakeTenants::mark(const std::string& tenant) const {
  return directory_ / (prefix_ + tenant);
}

std::vector<std::string> AwakeTenants::left_on() const {
  std::vector<std::string> out;
  std::error_code none;
  for (const fs::directory_entry& file : fs::directory_iterator(directory_, none)) {
    const std::string name = file.path().filename().string();
    if (name.starts_with(prefix_)) out.push_back(name.substr(prefix_.size()));
  }
  return out;
}

void AwakeTenants::lock_users() {
  if (locked_) return;
  fs::create_directories(AllowedPath(directory_).text());
  users_ = FileLock(directory_ / (prefix_.substr(0, kPrefix) + ".lock"));
  users_.lock_shared();
  locked_ = true;
}

std::shared_ptr<const void> AwakeTenants::hold(const std::string& tenant) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<const Hold>& held = held_[tenant];
  if (std::shared_ptr<const Hold> there = held.lock()) return there;
  lock_users();
  static_cast<void>(write_new_file(mark(tenant), "", 0600));
  WeaviateServer(endpoint_).set_tenant(class_name_, tenant, kOn);
  auto made = std::make_shared<const Hold>(shared_from_this(), tenant);
  held = made;
  return made;
}

void AwakeTenants::end(const std::string& tenant) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    if (held_[tenant].expired()) turn_off({tenant});
  } catch (const std::exception&) {
    // It is turned off when this settles.
  }
}

void AwakeTenants::turn_off(const std::vector<std::string>& tenants) noexcept {
  try {
    if (users_.try_lock_exclusive()) {
      const StopScope to_the_end(kNeverStopped);
      WeaviateServer server(endpoint_);
      for (const std::string& tenant : tenants) {
        server.set_tenant(class_name_, tenant, kOff);
        fs::remove(mark(tenant));
      }
    }
    users_.lock_shared();
  } catch (const std::exception&) {
    // The files stay, and the next run tries again.
  }
}

std::shared_ptr<const void> wake_tenant(const std::shared_ptr<HttpEndpoint>& endpoint,
                                        const std::string& class_name, const std::string& tenant,
                                        const fs::path& directory) {
  if (tenant.empty() || directory.empty()) return nullptr;
  const auto awake = std::make_shared<AwakeTenants>(endpoint, class_name, directory);
  const std::vector<std::string> left = awake->left_on();
  bool wakes = std::ranges::find(left, tenant) != left.end();
  for (const WeaviateTenant& one : WeaviateServer(endpoint).tenants(class_name))
    wakes = wakes || (one.name == tenant && one.off);
  return wakes ? awake->hold(tenant) : nullptr;
}

}  // namespace lugger
