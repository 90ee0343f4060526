// SPDX-License-Identifier: BSL-1.0
#pragma once
// Which partition of a `per_key` an attempt belongs to: by a tag of its call, or by whom it asks.
//
//     coffer::by_tag("tenant")        coffer::by_model()        coffer::by_target()
//     [](coffer::attempt const& a) -> std::string { return region_of(a.target().model); }

#include <coffer/call/attempt.hpp>

#include <string>
#include <string_view>

namespace coffer::inline COFFER_ABI {

/// What a function that names partitions returns: a text that lives as long as the attempt, or one of its own.
class partition_name {
public:
    partition_name(std::string_view borrowed) noexcept : borrowed_{borrowed} {}  ///< must live as long as the attempt
    partition_name(char const* literal) noexcept : borrowed_{literal} {}  ///< of static storage, as a rule
    partition_name(std::string own) noexcept;  ///< owned from now on

    /// As long as this lives.
    [[nodiscard]] std::string_view text() const noexcept { return owns_ ? std::string_view{own_} : borrowed_; }

private:
    std::string_view borrowed_;
    std::string own_;
    bool owns_ = false;
};

/// By the value of a call's tag, of several the first one; calls without it share the partition without a name.
class by_tag {
public:
    /// Of this name: `call.tag(name, value)`.
    explicit by_tag(std::string_view tag) : tag_{tag} {}
    /// The tag's value; empty without one.
    [[nodiscard]] std::string_view operator()(attempt const& a) const noexcept;

private:
    std::string tag_;
};

/// By the provider that is asked. The operation says which (`target`); those that do not share the partition without a name.
struct by_provider {
    /// The provider's name; empty if nobody says.
    [[nodiscard]] std::string_view operator()(attempt const& a) const noexcept { return a.target().provider; }
};

/// By the model that is asked.
struct by_model {
    /// The model's name; empty if nobody says.
    [[nodiscard]] std::string_view operator()(attempt const& a) const noexcept { return a.target().model; }
};

/// By both, as "provider/model". A name of more than 15 characters costs an allocation.
struct by_target {
    /// Both names; empty if nobody says.
    [[nodiscard]] std::string operator()(attempt const& a) const;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/policy/partition_name.ipp>
#endif
