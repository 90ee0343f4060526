// SPDX-License-Identifier: BSL-1.0
#pragma once
// Where workers do one paid job, one after another or beside each other: a provider that keeps the bill, and a directory.

#include "integration/support/full_disk.hpp"
#include "integration/support/matrix_worker.hpp"
#include "store/child_process.hpp"
#include "store/sqlite_world.hpp"
#include "support/sim_process.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace kill_matrix {

using provider_sim::json;
using provider_sim::test::sim_process;
using store_test::child;
using words = std::vector<std::string>;

inline constexpr auto the_role = "does the job";

// What workers are told.
inline constexpr auto done = "acknowledged";
inline constexpr auto over = "already_done";
inline constexpr auto lost = "unresolved";  // every permitted send is spent, and nobody knows on what
inline constexpr auto refused = "store_unavailable";  // nothing is sent that cannot be journaled
inline constexpr auto given = "unstored answer";  // it is paid, so the caller gets it
inline constexpr auto stored = "answer";

/// A moment is the store's or the worker's own, "answer before", or the provider's, "half_body".
[[nodiscard]] inline bool at_provider(std::string_view moment) { return moment.find(' ') == std::string_view::npos; }

/// The provider, the directory that the workers share, and what they have told.
class job_site {
    template <class Fn>
    [[nodiscard]] auto with_store(Fn fn) const {
        store_test::real_time time;
        coffer::sqlite::store const db{orders_.store()};
        db.backend()->bind(time.clock());
        return fn(time, *db.backend());
    }

public:
    job_site() {
        orders_.directory = sim_.directory();
        orders_.url = "http://127.0.0.1:" + std::to_string(sim_.port());
    }

    /// What workers are told from now on.
    [[nodiscard]] orders& base() noexcept { return orders_; }

    /// Starts a worker that has stopped at the moment when this returns.
    [[nodiscard]] std::unique_ptr<child> stopped_at(std::string const& moment, bool awaits_space = false) {
        auto o = orders_;
        o.awaits_space = awaits_space;
        if (at_provider(moment)) {
            sim_.rules(json::array({{{"times", 1}, {"kill", {{"moment", moment}, {"signal", "STOP"}}}}}));
        } else {
            o.stop_at = moment;
        }
        auto first = std::make_unique<child>(the_role, o.words());
        EXPECT_TRUE(first->wait_stopped()) << "it never came to " << moment;
        if (at_provider(moment)) (void)bills();  // which has then done its part, and takes no more notice of the client
        return first;
    }
    /// What a worker tells from now on, up to its end or to when it waits for space.
    words hear(child& c) {
        words told;
        for (auto line = c.listen(); !line.empty() && line != "waits for space"; line = c.listen()) {
            if (line.starts_with("answer ")) answers_.insert(line.substr(line.rfind(' ') + 1));
            if (line.starts_with("unstored ")) unstored_.insert(line.substr(line.rfind(' ') + 1));
            told.push_back(line);
        }
        if (told.empty()) told.emplace_back("nothing");
        return told;
    }
    /// What a worker tells that nothing strikes.
    words run() {
        child c{the_role, orders_.words()};
        auto told = hear(c);
        EXPECT_EQ(c.wait(), 0);
        return told;
    }
    /// Runs workers, three at most, until one is told how the key ends.
    std::string settle() {
        words told;
        for (int runs = 0; runs < 3; ++runs) {
            told = run();
            if (told.back() == done || told.back() == over || told.back() == lost) break;
        }
        return told.back();
    }

    void fill_disk() const { full_disk::fill(orders_.disk_is_full()); }
    /// What stands where the spool's directory would be keeps it from being made.
    void block_spool() const { std::ofstream{orders_.store().string() + ".spool"} << "no directory\n"; }
    void free_disk() const { full_disk::free(orders_.disk_is_full()); }

    /// By the provider's ledger, once it has done what there was to be done for the requests so far.
    [[nodiscard]] int bills() const {
        (void)sim_.lines("end", sim_.lines("send").size());
        return static_cast<int>(sim_.lines("bill").size());
    }
    /// The ids of the answers that workers were given: of those that were durable then, and of the others.
    [[nodiscard]] std::set<std::string> const& answers() const noexcept { return answers_; }
    [[nodiscard]] std::set<std::string> const& unstored() const noexcept { return unstored_; }

    [[nodiscard]] std::shared_ptr<coffer::record const> record() const {
        return with_store([](auto& time, auto& b) { return time.get(b.peek(b.id_of(the_key()))).value(); });
    }
    [[nodiscard]] bool is_unresolved() const {
        return with_store([](auto& time, auto& b) {
            return time.get(b.list(coffer::record_filter::unresolved())).value().size() == 1;
        });
    }
    [[nodiscard]] bool is_sound() const {
        return store_test::intruder{orders_.store()}.text("PRAGMA integrity_check") == "ok";
    }

private:
    sim_process sim_;
    orders orders_;
    std::set<std::string> answers_;
    std::set<std::string> unstored_;
};

}  // namespace kill_matrix
