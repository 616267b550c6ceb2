// A unix socket by which another process of the same user asks a run how it is, pauses it, sets its
// speed, or stops it.
#pragma once
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/stop.hpp"
#include "engine/pace.hpp"
#include "place/state.hpp"

namespace lugger {

/// What is told of a run, in order.
using ControlFacts = std::vector<std::pair<std::string, std::string>>;

class ControlSocket {
 public:
  /// `facts` and `stop` are called from the socket's thread. Error{config} when no socket can be
  /// made; a socket left behind by a killed process is replaced.
  ControlSocket(const std::string& run, Pace& pace, std::function<ControlFacts()> facts,
                std::function<void(StopLevel)> stop);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

 private:
  void serve();
  std::string answer(const std::string& request);

  std::string path_;
  Pace& pace_;
  std::function<ControlFacts()> facts_;
  std::function<void(StopLevel)> stop_;
  int listener_ = -1, wake_[2] = {-1, -1};
  std::jthread thread_;
};

/// What is told of a load.
ControlFacts load_facts(const std::string& run, const std::string& job, const std::string& stage,
                        const Tally& tally, const Pace& pace, double seconds);

/// Runs of this user that listen; sockets that nobody listens on any more are removed.
std::vector<std::string> control_runs();
/// "status", "pause", "resume", "speed 500", "stop", "stop now". Error{config}: no such run
/// listens, or it does not know the request.
ControlFacts control_request(const std::string& run, const std::string& request);

}  // namespace lugger
