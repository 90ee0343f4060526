// SPDX-License-Identifier: BSL-1.0
#pragma once
// What makes two requests under one key the same: named fields and their values.

#include <coffer/base/number_text.hpp>

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
    [[nodiscard]] bool counts(std::string_view field) const;
    /// False: no field counts, and the key alone decides.
    [[nodiscard]] bool counts_any() const noexcept;

private:
    fingerprint_fields(bool others_count, std::vector<std::string> names);

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
    fingerprint& with(std::string name, std::string value) &;
    /// The same of a temporary.
    fingerprint&& with(std::string name, std::string value) &&;
    /// A number as the shortest text that is read as the same one again, the same in every type and locale: `with("n", 7)` is
    /// `with("n", "7")`.
    template <detail::number Number>
    fingerprint& with(std::string name, Number value) & {
        return with(std::move(name), detail::number_text(value));
    }
    /// The same of a temporary.
    template <detail::number Number>
    fingerprint&& with(std::string name, Number value) && {
        return std::move(with(std::move(name), value));
    }

    /// Of the canonical form.
    [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
    /// Sorted by name.
    [[nodiscard]] std::vector<field> const& fields() const noexcept { return fields_; }

    friend bool operator==(fingerprint const&, fingerprint const&) = default;

    /// All of it as one text, which no other fingerprint has: to make a digest of.
    [[nodiscard]] std::string text() const;

    /// The names of the fields that count and in which two fingerprints differ, sorted; a changed version counts, as
    /// `version`, if any field does.
    [[nodiscard]] static std::vector<std::string> differing(fingerprint const& a, fingerprint const& b,
                                                            fingerprint_fields const& which = {});

private:
    std::uint32_t version_;
    std::vector<field> fields_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/base/fingerprint.ipp>
#endif
