// SPDX-License-Identifier: BSL-1.0
#pragma once
// Counts ledger lines. It learns from the lines alone, live and after a restart alike, so its totals are always what
// the file says.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>

#include "base/json.hpp"

namespace provider_sim {

struct totals {
    std::int64_t sends = 0;
    std::int64_t partials = 0;
    std::int64_t bills = 0;
    std::int64_t executed = 0;
    std::int64_t delivered_full = 0;
    std::int64_t in_tok = 0;
    std::int64_t cached = 0;
    std::int64_t out_tok = 0;
    std::int64_t billed_pusd = 0;
    std::int64_t billed_nano_usd = 0;

    totals& operator+=(totals const& other) noexcept;
};

json to_json(totals const& t);

/// What to count, and by what to tell it apart.
struct tally_query {
    enum class grouping { none, key, run, pid, mark, fault };

    grouping group = grouping::none;
    std::optional<std::string> mark;
    std::optional<std::string> key;  // a prefix
    std::optional<std::string> run;
};

class tally {
public:
    /// False if it is no ledger record.
    bool apply(record const& line);

    /// How many sends of this key there were.
    [[nodiscard]] std::uint64_t sends_of(std::string const& key) const;
    [[nodiscard]] std::string const& mark() const noexcept { return mark_; }

    /// {"totals": {...}, "keys": n, "groups": {"...": {...}}}
    [[nodiscard]] json count(tally_query const& query) const;

private:
    // mark, key, run, pid, fault
    using cell = std::tuple<std::string, std::string, std::string, std::string, std::string>;

    bool apply_counted(std::string const& kind, record const& line);
    void apply_mark(record const& line);

    std::map<cell, totals> cells_;
    std::unordered_map<std::string, std::uint64_t> sends_;
    std::string mark_;
};

}  // namespace provider_sim
