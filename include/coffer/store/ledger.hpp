// SPDX-License-Identifier: BSL-1.0
#pragma once
// The ledger concept: where money is held before a send and accounted for after it.

#include <coffer/asio.hpp>
#include <coffer/base/fingerprint.hpp>
#include <coffer/base/key.hpp>
#include <coffer/base/on_use.hpp>
#include <coffer/base/outcome.hpp>
#include <coffer/state/ledger.hpp>
#include <coffer/store/alarm_outbox.hpp>
#include <coffer/store/budget_queue.hpp>
#include <coffer/store/submit.hpp>
#include <coffer/time/clock.hpp>
#include <coffer/time/completion.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coffer::inline COFFER_ABI {

/// An entry of the ledger, with the accounts that it stands in.
struct ledger_entry {
    reservation row;  ///< the reservation, and what became of it
    std::vector<std::string> scopes;   ///< beside `row.holds`
    std::vector<std::string> windows;  ///< likewise, as they are stored
};

/// Which entries to look at.
struct entry_filter {
    std::string scope{};  ///< this one and those inside it; empty: all
    std::optional<reservation_state> state{};  ///< none: all
    std::string request_id{};  ///< the provider's
    wall_time_point from = wall_time_point::min();  ///< made at or after
    wall_time_point to = wall_time_point::max();    ///< and before
    std::size_t limit = 1000;  ///< at most so many, the oldest
};

/// What an entry has really cost, as somebody found out who was told by the provider.
struct correction {
    reservation_id entry{};  ///< its reservation's id
    money actual;  ///< what the provider says that it has cost
};

/// What a ledger does. As with a store, every operation is submitted: it starts at once, is owned by the ledger, may be
/// submitted again, and operations of one ledger are carried out in the order of submission.
///
/// Errors: `store_unavailable` when the ledger cannot do its work; nothing was changed then. What follows a send
/// (`submit_settle`) is tried as long as the ledger lives; if it never succeeds the money is presumed spent. Any thread.
class ledger_backend : public alarm_outbox {
public:
    /// The clock that times reservations and windows. The first one seen stands; `std::logic_error` for another.
    virtual void bind(std::shared_ptr<clock> const& c) = 0;

    /// The name of a piece of work: the same for all requests with that fingerprint. Never fails, does no I/O.
    [[nodiscard]] virtual std::string work_of(fingerprint const& print) const = 0;

    /// The name of a key in its entries, where no journal in the same store gives one. Never fails, does no I/O.
    [[nodiscard]] virtual std::string record_of(key const& k) const = 0;

    /// Holds money in every line, or in none.
    virtual result<reserve_verdict> reserve(reserve_request const& q) = 0;
    /// The end of a reservation's send: what it has cost; none: nobody knows, so all that was held counts as spent.
    virtual result<void> submit_settle(reservation_id const& id, std::optional<money> actual,
                                       std::string const& request_id) = 0;
    /// Nothing was sent, or what was is proven unbilled.
    virtual result<void> submit_release(reservation_id const& id) = 0;
    /// Its owner has let go of it: never sent, it is given back; sent, it is presumed spent.
    virtual result<void> submit_lapse(reservation_id const& id) = 0;

    /// Nothing is held or sent in that scope and inside it; how many sends are under way there. Empty: everything.
    virtual result<std::size_t> freeze(std::string const& scope, std::string const& reason) = 0;
    /// It may be spent there again; false if it was not frozen itself.
    virtual result<bool> thaw(std::string const& scope) = 0;
    /// An operator's limit for one scope and window; none: that of the programs holds again.
    virtual result<void> set_limit(std::string const& scope, window const& over, std::optional<money> limit) = 0;
    /// How many of them were known.
    virtual result<std::size_t> correct(std::vector<correction> const& what) = 0;
    /// How that scope and those inside it stand; the empty one: all.
    virtual result<std::vector<account_status>> accounts(std::string const& scope) = 0;
    /// The sends that explain the money.
    virtual result<std::vector<ledger_entry>> entries(entry_filter const& filter) = 0;
    /// Names of accounts that are not the sum of their entries.
    virtual result<std::vector<std::string>> audit() = 0;

    /// May other processes use it as well? Then money may come back without anybody telling this one.
    [[nodiscard]] virtual bool is_shared() const noexcept = 0;
    /// The same for all backends of one ledger in this process.
    [[nodiscard]] virtual void const* identity() const noexcept = 0;
    /// Those of this process that wait for money (shared by all handles of one file).
    [[nodiscard]] virtual budget_queue& queue() noexcept = 0;
};

namespace detail {

/// Throws for a name that no scope can have: freezing `team/` must not look as if it had stopped `team`.
[[nodiscard]] std::string scope_named(std::string scope);

}  // namespace detail

/// A handle of a ledger: copies share it. What users call directly; `budget` takes the backend.
///
/// All coroutines may be awaited on any executor, and may be left: what was submitted is carried out. They throw
/// `failure` (`store_unavailable`). A scope's name with an empty part (`team/`) is refused with `std::invalid_argument`
/// before anything is done. A well-formed name of which nothing is known is not: a scope may be frozen, or limited, before
/// its first send. Where a name may be misspelt, ask `is_known`.
class ledger {
public:
    /// Of a backend that somebody has made; stores offer their own ledger through `backend()`.
    explicit ledger(std::shared_ptr<ledger_backend> backend) noexcept : backend_{std::move(backend)} {}

    /// The kill switch: when this returns, no process begins a send in `scope` or a scope inside it any more (the empty
    /// one is everything) until it is thawed. Replays still work, and what is under way goes on: the number of such
    /// sends is returned.
    ///
    /// A send begins with its permit (without a journal: when its money is held); one whose permit was given before may
    /// still be on its way out. `reason` is kept for whoever looks.
    template <class = on_use>
    awaitable<std::size_t> freeze(std::string scope, std::string reason = {}) const {
        return detail::submitted<std::size_t>(
            backend_, [scope = detail::scope_named(std::move(scope)), reason = std::move(reason)](ledger_backend& b) {
                return b.freeze(scope, reason);
            });
    }
    /// Lets sends begin again, if no scope around it is frozen. False if it was not frozen.
    template <class = on_use>
    awaitable<bool> thaw(std::string scope) const {
        return detail::submitted<bool>(
            backend_, [scope = detail::scope_named(std::move(scope))](ledger_backend& b) { return b.thaw(scope); });
    }
    /// An operator's limit for a scope and window, which comes before the one in the programs' options, in every process
    /// and at once; none: theirs holds again. Lowered below what is committed it refuses from then on.
    template <class = on_use>
    awaitable<void> set_limit(std::string scope, window over, std::optional<money> limit) const {
        return detail::submitted<void>(backend_,
                                       [scope = detail::scope_named(std::move(scope)), over = std::move(over),
                                        limit](ledger_backend& b) { return b.set_limit(scope, over, limit); });
    }
    /// Has money ever been held in that scope or in one inside it (of ended windows: as far as they are kept)? If not, a
    /// freeze of that name stops nobody who has sent so far.
    template <class = on_use>
    awaitable<bool> is_known(std::string scope) const {
        return any_account(backend_, detail::scope_named(std::move(scope)), std::nullopt);
    }
    /// In just that scope, over such a window? If not, a limit of that name and window binds nobody who has sent so far.
    template <class = on_use>
    awaitable<bool> is_known(std::string scope, window over) const {
        return any_account(backend_, detail::scope_named(std::move(scope)), over.text());
    }
    /// What entries have really cost, in bulk. How many of them were known. An amount that cannot be meant (below zero, or
    /// beyond `dearest_send`) is noted in its entry and moves no money.
    template <class = on_use>
    awaitable<std::size_t> correct(std::vector<correction> what) const {
        return detail::submitted<std::size_t>(backend_,
                                              [what = std::move(what)](ledger_backend& b) { return b.correct(what); });
    }
    /// The accounts of a scope and of those inside it, in every window that is kept; the empty name is everything.
    template <class = on_use>
    awaitable<std::vector<account_status>> accounts(std::string scope = {}) const {
        return detail::submitted<std::vector<account_status>>(
            backend_, [scope = detail::scope_named(std::move(scope))](ledger_backend& b) { return b.accounts(scope); });
    }
    /// The entries that explain them, oldest first.
    template <class = on_use>
    awaitable<std::vector<ledger_entry>> entries(entry_filter filter) const {
        return detail::submitted<std::vector<ledger_entry>>(
            backend_, [filter = std::move(filter)](ledger_backend& b) { return b.entries(filter); });
    }
    /// Adds all entries up anew. The names of the accounts that are not their sum: none, or the ledger is damaged.
    template <class = on_use>
    awaitable<std::vector<std::string>> audit() const {
        return detail::submitted<std::vector<std::string>>(backend_, [](ledger_backend& b) { return b.audit(); });
    }

    /// Alarms that rang, newest first. (They are looked for and delivered by `coffer::alarms`.)
    template <class = on_use>
    awaitable<std::vector<kept_alarm>> alarms(alarm_filter filter = {}) const {
        return detail::submitted<std::vector<kept_alarm>>(
            backend_, [filter = std::move(filter)](ledger_backend& b) { return b.alarms(filter); });
    }

    /// For `budget` and for tests.
    [[nodiscard]] std::shared_ptr<ledger_backend> const& backend() const noexcept { return backend_; }

private:
    template <class = on_use>
    static awaitable<bool> any_account(std::shared_ptr<ledger_backend> from, std::string scope,
                                       std::optional<std::string> window_text) {
        auto asking = detail::submitted<std::vector<account_status>>(
            from, [&scope](ledger_backend& b) { return b.accounts(scope); });
        auto const found = co_await std::move(asking);
        co_return std::any_of(found.begin(), found.end(), [&](account_status const& a) {
            return !window_text || (a.scope == scope && a.window == *window_text);
        });
    }

    std::shared_ptr<ledger_backend> backend_;
};

}  // namespace coffer::inline COFFER_ABI

#if !defined(COFFER_SEPARATE_COMPILATION)
#include <coffer/store/ledger.ipp>
#endif
