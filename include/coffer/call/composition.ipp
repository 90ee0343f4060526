// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of composition.hpp.

#include <coffer/call/composition.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE composition& composition::name(std::string_view who) {
    flush();
    name_ = who;
    open_ = true;
    return *this;
}

COFFER_INLINE composition& composition::with(std::string_view option, std::string_view value) {
    return with(std::string{option} + " " + std::string{value});
}

COFFER_INLINE void composition::done() {
    if (!usual_name_.empty()) open_line();
    usual_name_.clear();
    flush();
}

COFFER_INLINE void composition::open_line() {
    if (!open_) name(usual_name_.empty() ? std::string{"policy"} : std::string{usual_name_});
}

COFFER_INLINE composition& composition::add(std::string& to, std::string_view separator, std::string_view words) {
    open_line();
    if (words.empty()) return *this;
    if (!to.empty()) to += separator;
    to += words;
    return *this;
}

COFFER_INLINE void composition::flush() {
    if (!std::exchange(open_, false)) return;
    usual_name_.clear();
    auto line = std::exchange(name_, {});
    if (!set_.empty() || !now_.empty()) line += "(" + set_ + (set_.empty() || now_.empty() ? "" : "; ") + now_ + ")";
    set_.clear(), now_.clear();
    for (auto& c : line)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    text_ += (text_.empty() ? "" : "\n") + (first_.empty() ? indent_ : std::exchange(first_, {}));
    text_ += (std::exchange(arrow_, false) ? "-> " : "") + line;
}

}  // namespace coffer::inline COFFER_ABI
