// A unix socket through which another process of the same user asks for the state of a run, pauses
// it, sets its speed, or stops it.
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

/// What the socket reports about a run: names and values, in the order in which they are shown.
using ControlFacts = std::vector<std::pair<std::string, std::string>>;

class ControlSocket {
 public:
  /// `facts` and `stop` are called from the socket's thread. Throws Error{config} when the socket
  /// cannot be made. A socket that a killed process left behind is replaced.
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

/// What the socket reports about a load.
ControlFacts load_facts(const std::string& run, const std::string& job, const std::string& stage,
                        const Tally& tally, const Pace& pace, double seconds);

/// Runs of this user that listen on a socket. Removes sockets on which nobody listens any more.
std::vector<std::string> control_runs();
/// Requests: "status", "pause", "resume", "speed 500", "stop", "stop now". Error{config}: no run of
/// this name listens, or the run does not know the request.
ControlFacts control_request(const std::string& run, const std::string& request);

}  // namespace lugger
