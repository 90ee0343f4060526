// SPDX-License-Identifier: BSL-1.0
#pragma once
// What makes two requests under one key the same: named fields and their values.

#include <coffer/config.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// Which fields count when two requests are compared. A record keeps all of them, so that the choice may change later.
///
///     coffer::fingerprint_fields::except("sampling")      // another temperature is the same request
///     coffer::fingerprint_fields::only("model", "messages")
class fingerprint_fields {
public:
    /// All of them.
    fingerprint_fields() = default;
    /// These and no others.
    template <std::convertible_to<std::string>... Names>
    [[nodiscard]] static fingerprint_fields only(Names&&... names) {
        return fingerprint_fields{false, {std::string{std::forward<Names>(names)}...}};
    }
    /// All but these.
    template <std::convertible_to<std::string>... Names>
    [[nodiscard]] static fingerprint_fields except(Names&&... names) {
        return fingerprint_fields{true, {std::string{std::forward<Names>(names)}...}};
    }
    /// None: the key alone decides.
    [[nodiscard]] static fingerprint_fields none() { return only(); }

    /// Does a difference in this field make another request?
    [[nodiscard]] bool counts(std::string_view field) const {
        return (std::find(names_.begin(), names_.end(), field) != names_.end()) != others_count_;
    }
    /// False: no field counts, and the key alone decides.
    [[nodiscard]] bool counts_any() const noexcept { return others_count_ || !names_.empty(); }

private:
    fingerprint_fields(bool others_count, std::vector<std::string> names)
        : others_count_{others_count}, names_{std::move(names)} {}

    bool others_count_ = true;
    std::vector<std::string> names_;
};

/// Named fields of a request, in any order, with values or digests of values.
///
/// A record keeps one hash per field, so that a mismatch can name the fields that differ. Long or confidential values
/// are given as digests (`llm::openai` gives SHA-256); a store on disk keeps them only as an HMAC in either case.
/// `version` is that of the canonical form: a record is compared under the version it was made with.
class fingerprint {
public:
    /// One field of a request.
    struct field {
        std::string name;  ///< short, and nothing confidential: it is shown where requests differ
        std::string value;  ///< or a digest of it
        friend bool operator==(field const&, field const&) = default;
    };

    /// Without fields yet. Another version, another canonical form: requests of both differ in `version`.
    explicit fingerprint(std::uint32_t version = 1) noexcept : version_{version} {}

    /// Adds or replaces one field.
    fingerprint& with(std::string name, std::string value) & {
        auto const at = std::lower_bound(fields_.begin(), fields_.end(), name,
                                         [](field const& f, std::string const& n) { return f.name < n; });
        if (at != fields_.end() && at->name == name) at->value = std::move(value);
        else fields_.insert(at, field{std::move(name), std::move(value)});
        return *this;
    }
    /// The same of a temporary.
    fingerprint&& with(std::string name, std::string value) && {
        return std::move(with(std::move(name), std::move(value)));
    }

    /// Of the canonical form.
    [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
    /// Sorted by name.
    [[nodiscard]] std::vector<field> const& fields() const noexcept { return fields_; }

    friend bool operator==(fingerprint const&, fingerprint const&) = default;

    /// All of it as one text, which no other fingerprint has: to make a digest of.
    [[nodiscard]] std::string text() const {
        auto all = std::to_string(version_);
        for (auto const& f : fields_)
            for (auto const* const part : {&f.name, &f.value}) all += " " + std::to_string(part->size()) + ":" + *part;
        return all;
    }

    /// The names of the fields that count and in which two fingerprints differ, sorted; a changed version counts, as
    /// `version`, if any field does.
    [[nodiscard]] static std::vector<std::string> differing(fingerprint const& a, fingerprint const& b,
                                                            fingerprint_fields const& which = {}) {
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

private:
    std::uint32_t version_;
    std::vector<field> fields_;
};

}  // namespace coffer::inline COFFER_ABI
