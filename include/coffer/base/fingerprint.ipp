// SPDX-License-Identifier: BSL-1.0
#pragma once
// Definitions of fingerprint.hpp.

#include <coffer/base/fingerprint.hpp>

#include <algorithm>

namespace coffer::inline COFFER_ABI {

COFFER_INLINE bool fingerprint_fields::counts(std::string_view field) const {
    return (std::find(names_.begin(), names_.end(), field) != names_.end()) != others_count_;
}

COFFER_INLINE bool fingerprint_fields::counts_any() const noexcept { return others_count_ || !names_.empty(); }

COFFER_INLINE fingerprint_fields::fingerprint_fields(bool others_count, std::vector<std::string> names)
    : others_count_{others_count}, names_{std::move(names)} {}

COFFER_INLINE fingerprint& fingerprint::with(std::string name, std::string value) & {
    auto const at = std::lower_bound(fields_.begin(), fields_.end(), name,
                                     [](field const& f, std::string const& n) { return f.name < n; });
    if (at != fields_.end() && at->name == name) at->value = std::move(value);
    else fields_.insert(at, field{std::move(name), std::move(value)});
    return *this;
}

COFFER_INLINE fingerprint&& fingerprint::with(std::string name, std::string value) && {
    return std::move(with(std::move(name), std::move(value)));
}

COFFER_INLINE std::string fingerprint::text() const {
    auto all = std::to_string(version_);
    for (auto const& f : fields_)
        for (auto const* const part : {&f.name, &f.value}) all += " " + std::to_string(part->size()) + ":" + *part;
    return all;
}

COFFER_INLINE std::vector<std::string> fingerprint::differing(fingerprint const& a, fingerprint const& b,
                                                              fingerprint_fields const& which) {
    std::vector<std::string> names;
    if (a == b) return names;
    if (a.version_ != b.version_ && which.counts_any()) names.emplace_back("version");
    auto i = a.fields_.begin();
    auto j = b.fields_.begin();
    while (i != a.fields_.end() || j != b.fields_.end()) {
        if (j == b.fields_.end() || (i != a.fields_.end() && i->name < j->name)) {
            names.push_back((i++)->name);
        } else if (i == a.fields_.end() || j->name < i->name) {
            names.push_back((j++)->name);
        } else {
            if (i->value != j->value) names.push_back(i->name);
            ++i, ++j;
        }
    }
    std::erase_if(names, [&](auto const& name) { return name != "version" && !which.counts(name); });
    return names;
}

}  // namespace coffer::inline COFFER_ABI
