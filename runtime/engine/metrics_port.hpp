// Figures for Prometheus, on a port of this machine alone: GET /metrics.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace lugger {

class MetricsPort {
 public:
  /// 0: any port that is free. Error{config} when the library that serves it is not installed, or the
  /// port is taken.
  explicit MetricsPort(uint16_t port);
  ~MetricsPort();
  MetricsPort(const MetricsPort&) = delete;
  MetricsPort& operator=(const MetricsPort&) = delete;
  uint16_t port() const noexcept;
  /// What is answered from now on, in Prometheus' text format.
  void set(std::string text);

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

}  // namespace lugger
