#include "base/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstring>
#include <new>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {
namespace {

// A search that needs more is a pattern that tries everything: about a second of work, where an
// honest pattern needs a few steps a character.
constexpr uint32_t kMatchLimit = 2'000'000;
constexpr uint32_t kHeapLimitKib = 64 * 1024;
constexpr size_t kJitStackLeast = 32 * 1024, kJitStackMost = 1024 * 1024;
// Patterns come from scripts, but also from data (a regex value in a filter).
constexpr size_t kMaxPattern = 64 * 1024;

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const noexcept { Free(object); }
};
template <typename T, void (*Free)(T*)>
using Owned = std::unique_ptr<T, Freed<T, Free>>;

uint32_t option_of(char flag) {
  switch (flag) {
    case 'i': return PCRE2_CASELESS;
    case 'm': return PCRE2_MULTILINE;
    case 's': return PCRE2_DOTALL;
    case 'x': return PCRE2_EXTENDED;
    default:
      throw Error(Code::kConfig,
                  fmt::format("a regular expression has no flag {}", quoted_excerpt({&flag, 1})),
                  "flags are i (ignore case), m (^ and $ at every line), s (a dot matches line "
                  "ends too), x (blanks in the pattern mean nothing)");
  }
}

std::string words_of(int fault) {
  PCRE2_UCHAR text[256];
  if (pcre2_get_error_message(fault, text, sizeof text) < 0) return fmt::format("error {}", fault);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Regex::State {
  std::string pattern, flags;
  Owned<pcre2_code, pcre2_code_free> code;
  Owned<pcre2_match_data, pcre2_match_data_free> match;
  Owned<pcre2_match_context, pcre2_match_context_free> context;
  Owned<pcre2_jit_stack, pcre2_jit_stack_free> stack;
  std::vector<Name> names;
  uint32_t groups = 0;
  size_t found = 0;  // groups that the last match set, group 0 among them

  void compile(uint32_t options);
  void read_names();
};

void Regex::State::compile(uint32_t options) {
  int fault = 0;
  PCRE2_SIZE at = 0;
  // The first character that PCRE2 10.42 works out for `(?=a)b*a` is wrong: it would not find "a".
  options |= PCRE2_NO_START_OPTIMIZE;
  code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                           &fault, &at, nullptr));
  if (!code) {
    throw Error(
        Code::kConfig,
        fmt::format("the regular expression {} cannot be read: {}, at byte {}",
                    quoted_excerpt(pattern), words_of(fault), at + 1),
        "its language is Perl's (PCRE2); in Lua write it in [[ ]], where a backslash is one");
  }
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // without it, it is interpreted
  match.reset(pcre2_match_data_create_from_pattern(code.get(), nullptr));
  context.reset(pcre2_match_context_create(nullptr));
  stack.reset(pcre2_jit_stack_create(kJitStackLeast, kJitStackMost, nullptr));
  if (!match || !context || !stack) throw std::bad_alloc();
  pcre2_set_match_limit(context.get(), kMatchLimit);
  pcre2_set_heap_limit(context.get(), kHeapLimitKib);
  pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  pcre2_pattern_info(code.get(), PCRE2_INFO_CAPTURECOUNT, &groups);
}

void Regex::State::read_names() {
  uint32_t count = 0, size = 0;
  PCRE2_SPTR table = nullptr;
  pcre2_pattern_info(code.get(), PCRE2_INFO_NAMECOUNT, &count);
  pcre2_pattern_info(code.get(), PCRE2_INFO_NAMEENTRYSIZE, &size);
  pcre2_pattern_info(code.get(), PCRE2_INFO_NAMETABLE, &table);
  for (uint32_t i = 0; i < count; ++i, table += size)
    names.push_back({reinterpret_cast<const char*>(table + 2), table[0] * size_t{256} + table[1]});
}

Regex::Regex(std::string_view pattern, std::string_view flags) : state_(std::make_unique<State>()) {
  // An invalid byte of the text ends no search with an error; \C would cut a character.
  uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
  for (const char flag : flags) options |= option_of(flag);
  if (pattern.size() > kMaxPattern)
    raise(Code::kConfig, "a regular expression of {} is too long", human_bytes(pattern.size()));
  state_->pattern = pattern;
  state_->flags = flags;
  state_->compile(options);
  state_->read_names();
}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

int Regex::search(std::string_view text, size_t start, Begin begin) noexcept {
  State& state = *state_;
  state.found = 0;
  if (start > text.size()) return 0;
  const uint32_t options =
      begin == Begin::kHereNotEmpty ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
  const auto* bytes = reinterpret_cast<PCRE2_SPTR>(text.data() != nullptr ? text.data() : "");
  int got = pcre2_match(state.code.get(), bytes, text.size(), start, options, state.match.get(),
                        state.context.get());
  // The interpreter keeps on the heap what was too deep for the compiled code.
  if (got == PCRE2_ERROR_JIT_STACKLIMIT)
    got = pcre2_match(state.code.get(), bytes, text.size(), start, options | PCRE2_NO_JIT,
                      state.match.get(), state.context.get());
  if (got == PCRE2_ERROR_NOMATCH) return 0;
  if (got > 0) state.found = static_cast<size_t>(got);
  return got;
}

bool Regex::found_in(std::string_view text) {
  const int got = search(text);
  if (got >= 0) return got > 0;
  throw Error(Code::kConfig,
              fmt::format("the regular expression {} {}", quoted_excerpt(pattern()), told(got)),
              "write it so that a text can match in one way only: (a+)+ tries all of them");
}

std::optional<Regex::Group> Regex::group(size_t number) const noexcept {
  if (number >= state_->found) return std::nullopt;
  const PCRE2_SIZE* at = pcre2_get_ovector_pointer(state_->match.get()) + 2 * number;
  if (at[0] == PCRE2_UNSET) return std::nullopt;
  return Group{at[0], at[1]};
}

size_t Regex::groups() const noexcept { return state_->groups; }
const std::vector<Regex::Name>& Regex::names() const noexcept { return state_->names; }
const std::string& Regex::pattern() const noexcept { return state_->pattern; }
const std::string& Regex::flags() const noexcept { return state_->flags; }

std::string Regex::told(int fault) {
  switch (fault) {
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_NOMEMORY: return "gave up on a text: it tried too many ways to match";
    default: return "cannot be matched with a text: " + words_of(fault);
  }
}

}  // namespace lugger
