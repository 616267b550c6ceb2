#include "mongo/fault.hpp"

#include <algorithm>

#include "value/bson_reader.hpp"

namespace lugger {
namespace {

std::vector<std::string> labels_of(Bytes reply) {
  std::vector<std::string> out;
  const Value labels = bson_field(reply, "errorLabels");
  if (labels.type != ValueType::kArray) return out;
  for (BsonReader reader(labels.bytes()); reader.next();) out.push_back(text_of(reader.value()));
  return out;
}

/// Cursors that died, elections, shutdowns, network errors that the server met.
bool number_passes(int32_t number) {
  constexpr int32_t kPass[] = {6,   7,   43,  63,   89,    91,    133,   150,   175,   189,  234,
                               237, 262, 358, 9001, 10107, 11600, 11602, 13388, 13435, 13436};
  return std::ranges::find(kPass, number) != std::end(kPass);
}

/// What passes is as a server that is away: who waits for that waits for this.
Code code_of(int32_t number, bool lost) {
  constexpr int32_t kAuthenticationFailed = 18, kMaxTime = 50;
  if (lost || number_passes(number)) return Code::kConnect;
  if (number == MongoFault::kUnauthorized || number == kAuthenticationFailed) return Code::kAuth;
  return number == kMaxTime ? Code::kTimeout : Code::kRead;
}

/// What to do when no server answered, by the driver's words for why.
std::string hint_of_silence(std::string_view why) {
  const auto says = [&](std::string_view words) { return why.find(words) != why.npos; };
  const bool refused = says("certificate verify failed") || says("certificate verification");
  if (refused && says("mismatch")) {
    return "the server's certificate is another host's: write the host as the certificate names "
           "it (openssl s_client -connect HOST:PORT shows it)";
  }
  if (refused) {
    return "nobody that is trusted here has signed the server's certificate, or it has expired: "
           "name the authority's file in the URL, tlsCAFile=/path/ca.pem";
  }
  if (says("TLS handshake failed")) {
    return "the server may speak no TLS, or want a certificate of the client "
           "(tlsCertificateKeyFile=/path/client.pem in the URL)";
  }
  if (says("connection closed calling hello")) {
    return "the server hung up: one that wants TLS does so without it (tls=true in the URL), and "
           "one that has none does so with it";
  }
  return "check the URL's hosts and replicaSet, TLS, and that the server runs";
}

/// A server repeats the whole command that it denies, with all ids that it is about: its name and
/// collection say enough.
std::string_view without_command(std::string_view message, std::string_view& end) {
  constexpr std::string_view kBefore = " to execute command { ";
  const size_t begin = message.find(kBefore);
  const size_t comma = begin == message.npos ? begin : message.find(',', begin + kBefore.size());
  if (comma == message.npos) return message;
  end = ", ... }";
  return message.substr(0, comma);
}

}  // namespace

MongoFault fault_of(const bson_error_t& error, Bytes reply, const std::string& shown) {
  // Of a connection that is lost meanwhile the driver says that authentication failed, too.
  const bool authentication = error.domain == MONGOC_ERROR_CLIENT &&
                              error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE &&
                              !std::string_view(error.message).starts_with("Failed to send");
  const bool answered = error.domain == MONGOC_ERROR_SERVER || authentication;
  const auto number = answered && !authentication ? static_cast<int32_t>(error.code) : 0;
  const Code code = authentication ? Code::kAuth : code_of(number, !answered);
  std::string_view said = error.message, end;
  if (number == MongoFault::kUnauthorized) said = without_command(said, end);
  std::string message = fmt::format("{}: {}{}", shown, said, end);
  if (const std::string name = text_of(bson_field(reply, "codeName")); !name.empty())
    message += fmt::format(" ({} {})", number, name);
  std::string hint;
  if (authentication)
    hint = "check the user, the password and authSource of the URL";
  else if (number == MongoFault::kUnauthorized)
    hint = "`lugger init --mongo-role` prints a role with the rights that suffice";
  else if (!answered)
    hint = hint_of_silence(error.message);
  const std::string sqlstate = authentication ? "28000" : "";
  return MongoFault(Error(code, std::move(message), std::move(hint), sqlstate), number, !answered,
                    labels_of(reply));
}

bool MongoFault::has_label(std::string_view label) const noexcept {
  return std::ranges::find(labels_, label) != labels_.end();
}

bool MongoFault::passes() const noexcept {
  return lost_ || has_label("ResumableChangeStreamError") || number_passes(number_);
}

}  // namespace lugger
