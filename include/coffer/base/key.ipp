// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of key.hpp.

#include <coffer/base/key.hpp>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE key key::of_request(key scope, std::chrono::nanoseconds ttl) {
    if (ttl <= ttl.zero())
        throw std::invalid_argument{"coffer::key::of_request: the time to live must be longer than zero"};
    scope.part('q', {});
    scope.ttl_ = ttl;
    return scope;
}

COFFER_INLINE key key::with(fingerprint const& print, fingerprint_fields const& which) const {
    auto completed = *this;
    completed.ttl_.reset();
    completed.part('v', std::to_string(print.version()));
    for (auto const& f : print.fields()) {
        if (!which.counts(f.name)) continue;
        completed.part('n', f.name);
        completed.part('f', f.value);
    }
    return completed;
}

COFFER_INLINE key key::step(std::string_view name) const {
    auto completed = *this;
    completed.part('t', name);
    return completed;
}

COFFER_INLINE std::string_view key::name_space() const noexcept {
    return std::string_view{bytes_}.substr(header_size, namespace_size_);
}

COFFER_INLINE void key::part(char type, std::string_view bytes) {
    bytes_ += type;
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes_ += static_cast<char>((static_cast<std::uint64_t>(bytes.size()) >> shift) & 0xffU);
    bytes_ += bytes;
}

}  // namespace coffer::inline COFFER_ABI
