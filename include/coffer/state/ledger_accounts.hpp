// SPDX-License-Identifier: BSL-1.0
#pragma once
// The accounts of a ledger in memory by scope and window, the limits and freezes that hold for them, and who may take how
// much. Time is passed in; no locks.

#include <coffer/base/later.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/state/ledger_admission.hpp>
#include <coffer/state/ledger_rules.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// An account as it is kept. It stays where it is while entries refer to it.
struct kept_account : account {
    account carried;  ///< of it: what entries explained that are gone
    std::chrono::system_clock::time_point end{};  ///< of its window: it counts no more from then on
    std::chrono::system_clock::time_point forget_at{};  ///< if no entry refers to it any more
    std::size_t entries = 0;  ///< that refer to it
};

/// Accounts by scope and window, and what an operator has said of them. One owner, no locks; what time it is comes from
/// outside.
class ledger_accounts {
public:
    using time_point = std::chrono::system_clock::time_point;  ///< of the wall clock

    /// The accounts of one scope under one kind of window.
    struct series {
        std::string scope;  ///< whose they are
        std::string window_text;  ///< how the window is stored
        money limit;  ///< as last declared
        std::map<time_point, kept_account> parts;  ///< by the beginning of their windows
    };
    /// Where a line's money is counted.
    struct place {
        series* in = nullptr;  ///< null: the scope has no account in such a window yet
        window_span span;  ///< of the window now
    };
    /// Beside the lines of a request.
    using found = std::vector<place>;

    /// Finds the accounts of these lines at that time, and makes those that are missing.
    void look_up(ledger_lines const& lines, time_point wall, found& all);

    /// Why the money is not held: the first line that has not got it.
    [[nodiscard]] std::optional<budget_denial> refusal(reserve_request const& q, found const& all,
                                                       time_point wall) const;

    /// The line's account now, made if there is none. `there` is what was found for it, and filled in.
    [[nodiscard]] kept_account& account_at(ledger_line const& line, place& there, time_point wall);
    /// Forgets scopes of which nothing is left but windows that were over long ago. Costs little: it looks when there are
    /// twice as many as after the last time. What was looked up before is not good any more.
    void forget_old(time_point wall);

    /// An operator's own limit, which comes before a declared one; none: that one holds again.
    void set_limit(std::string scope, std::string window_text, std::optional<money> limit);
    /// Nothing is held or sent in that scope or inside it until it is thawed.
    void freeze(std::string scope, std::string reason);
    /// False if it was not frozen.
    bool thaw(std::string const& scope);
    /// The frozen scope that it is in, if there is one.
    [[nodiscard]] std::optional<frozen_scope> frozen_by(std::string_view scope) const;

    /// How the accounts of that scope and of those inside it stand, by scope, window and time.
    [[nodiscard]] std::vector<account_status> status_of(std::string_view scope) const;
    /// `each(series, start, account)`.
    template <class Each>
    void for_each(Each&& each) const {
        for (auto const& [name, s] : series_)
            for (auto const& [start, kept] : s.parts) each(s, start, kept);
    }
    /// Series of accounts, empty ones included.
    [[nodiscard]] std::size_t size() const noexcept { return series_.size(); }

private:
    // The wall clock may be set back, and a window that is over be the present one again.
    [[nodiscard]] static std::chrono::seconds kept_after(window const& w);
    static constexpr std::size_t fewest_to_forget = 1000;

    [[nodiscard]] std::string const& name_of(ledger_line const& line);
    [[nodiscard]] money limit_of(std::string const& scope, std::string const& window_text, money declared) const;
    /// `each(start, account)` for the parts that count now, by age.
    template <class Each>
    static void for_each_counting(place const& in, window const& w, time_point wall, Each&& each) {
        if (in.in == nullptr) return;
        auto const& parts = in.in->parts;
        if (w.kind() != window_kind::rolling) {
            if (auto const part = parts.find(in.span.start); part != parts.end()) each(part->first, part->second);
            return;
        }
        auto part = parts.lower_bound(wall - (w.length() + 2 * w.bucket()));
        for (; part != parts.end() && part->first <= later(wall, w.length()); ++part)
            if (w.counts(part->first, wall)) each(part->first, part->second);
    }
    [[nodiscard]] static money committed_in(place const& in, window const& w, time_point wall);
    /// The oldest first, up to one that has to stay.
    static void forget_old(series& s, time_point wall);

    std::unordered_map<std::string, series> series_;
    std::size_t look_at_ = fewest_to_forget;
    std::map<std::pair<std::string, std::string>, money> limits_;
    std::map<std::string, std::string> frozen_;
    std::string name_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/state/ledger_accounts.ipp>
#endif
