// Tenants that are off are turned on for as long as they are copied.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/file_lock.hpp"
#include "weaviate/server.hpp"

namespace lugger {

/// Of one class. That a tenant is to be turned off again is written down before it is turned on, in
/// an empty file, so that a run that is killed leaves it to the next one. Any thread.
class AwakeTenants : public std::enable_shared_from_this<AwakeTenants> {
 public:
  AwakeTenants(std::shared_ptr<HttpEndpoint> endpoint, const std::string& class_name,
               const std::filesystem::path& directory);
  /// Settles, if anything was held.
  ~AwakeTenants();
  AwakeTenants(const AwakeTenants&) = delete;
  AwakeTenants& operator=(const AwakeTenants&) = delete;

  /// The tenant is on until nobody holds it any more.
  std::shared_ptr<const void> hold(const std::string& tenant);
  /// Tenants that were turned on and not off again: in use, or left so by a run that was killed.
  std::vector<std::string> left_on() const;
  /// Turns off what was left on, unless another process may still need it.
  void settle() noexcept;

 private:
  class Hold;
  std::filesystem::path mark(const std::string& tenant) const;
  void end(const std::string& tenant) noexcept;
  void lock_users();
  void turn_off(const std::vector<std::string>& tenants) noexcept;

  const std::shared_ptr<HttpEndpoint> endpoint_;
  const std::string class_name_;
  const std::filesystem::path directory_;
  const std::string prefix_;  // of the files of this class
  std::mutex mutex_;
  FileLock users_;  // shared by all that hold tenants of the class: the last turns them off
  bool locked_ = false;
  std::map<std::string, std::weak_ptr<const Hold>, std::less<>> held_;
};

/// Holds the tenant if it is off, or was left on; nullptr: it is on by itself, there is none, or
/// there is no directory to remember it in.
std::shared_ptr<const void> wake_tenant(const std::shared_ptr<HttpEndpoint>& endpoint,
                                        const std::string& class_name, const std::string& tenant,
                                        const std::filesystem::path& directory);

}  // namespace lugger
