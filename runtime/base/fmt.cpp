// fmt, compiled once. As headers alone it costs every file two seconds to compile; Debian's library
// is a shared one, which a server that only runs lugger need not have.
#include <fmt/format-inl.h>

// The templates that format.h promises are somewhere.
FMT_BEGIN_NAMESPACE
namespace detail {
template auto thousands_sep_impl<char>(locale_ref) -> thousands_sep_result<char>;
template auto thousands_sep_impl<wchar_t>(locale_ref) -> thousands_sep_result<wchar_t>;
template auto decimal_point_impl(locale_ref) -> char;
template auto decimal_point_impl(locale_ref) -> wchar_t;
template auto dragonbox::to_decimal(float) noexcept -> dragonbox::decimal_fp<float>;
template auto dragonbox::to_decimal(double) noexcept -> dragonbox::decimal_fp<double>;
#if FMT_VERSION >= 100000
template void vformat_to(buffer<char>&, string_view, vformat_args<char>::type, locale_ref);
#endif
}  // namespace detail
FMT_END_NAMESPACE
