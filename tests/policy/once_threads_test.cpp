// SPDX-License-Identifier: BSL-1.0
// One store and one guarded operation under real threads: contexts of one thread each, and one that four threads run. For
// ThreadSanitizer as much as for what it asserts.

#include <coffer/call/pipeline.hpp>
#include <coffer/policy/once.hpp>
#include <coffer/policy/retry.hpp>
#include <coffer/store/memory.hpp>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "policy/support/provider.hpp"
#include "support/seeds.hpp"

namespace once_threads_test {
namespace {

using namespace coffer::literals;
using namespace std::chrono_literals;
using coffer::fault_kind;
using support::caller;
using support::dice;
using support::request;

/// A context and the threads that run it.
class office {
public:
    explicit office(std::size_t threads) {
        for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { io_->run(); });
    }
    office(office const&) = delete;
    office& operator=(office const&) = delete;
    ~office() { finish(); }

    [[nodiscard]] asio::any_io_executor executor() { return io_->get_executor(); }
    /// Until all work is done.
    void finish() {
        work_.reset();
        for (auto& t : threads_)
            if (t.joinable()) t.join();
    }
    /// As it stands.
    void close() {
        io_->stop();
        finish();
        io_.reset();
    }

private:
    std::optional<asio::io_context> io_{std::in_place};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{io_->get_executor()};
    std::vector<std::thread> threads_;
};

/// On the executor of the call that it cancels.
coffer::awaitable<void> leave(caller who, coffer::duration after) {
    co_await coffer::sleep_for(after);
    who.cancel();
}

struct asking {
    caller who;
    int key;
    bool patient;
};

/// Callers of a few keys in all offices at once; some leave.
std::vector<asking> crowd(std::vector<std::unique_ptr<office>>& offices, support::guarded const& ask, dice& d,
                          int first_key, int keys, int count) {
    std::vector<asking> all;
    for (int i = 0; i < count; ++i) {
        auto& where = *offices[d.below(offices.size())];
        auto const k = first_key + d.below(keys);
        auto const kind = d.below(4);
        auto const deadline = kind == 1 ? coffer::duration{d.below(3000) * 1us + 1us} : coffer::duration{1min};
        // Cancellations are emitted where the call runs: on a strand, since several threads may run the context.
        asio::any_io_executor const home =
            kind == 2 ? asio::any_io_executor{asio::make_strand(where.executor())} : where.executor();
        auto const who = caller::begin(home, ask, coffer::call{coffer::key{"test", k}, deadline}, request{});
        if (kind == 2) asio::co_spawn(home, leave(who, d.below(3000) * 1us), asio::detached);
        all.push_back({who, k, kind != 1 && kind != 2});
    }
    return all;
}

TEST(once_threads, callers_on_many_threads_share_their_sends) {
    auto const rounds = static_cast<int>(std::min<std::uint64_t>(support::seeds(50), 400));
    constexpr int keys = 3;
    coffer::memory_store db;
    support::provider provider;
    provider.otherwise([] { return coffer::answer{"hello", 200}; }, 1ms);
    support::guarded const ask =
        coffer::pipeline{coffer::once{db, {.max_sends = 1}}, coffer::retry{}}.wrap(provider.operation());

    dice d{1};
    std::vector<asking> all;
    {
        std::vector<std::unique_ptr<office>> offices;
        for (std::size_t threads : {1U, 1U, 1U, 1U, 4U}) offices.push_back(std::make_unique<office>(threads));
        for (int round = 0; round < rounds; ++round) {
            auto some = crowd(offices, ask, d, round * keys, keys, 24);
            all.insert(all.end(), some.begin(), some.end());
            std::this_thread::yield();
        }
        for (auto const& o : offices) o->finish();
    }
    std::map<int, int> paid;
    for (auto const& a : all) {
        ASSERT_TRUE(a.who->over);
        if (a.patient) {
            EXPECT_EQ(a.who->text(), "hello");
            EXPECT_TRUE(a.who->stored);
        }
        paid[a.key] += a.who->ok() && a.who->origin == coffer::answer_origin::sent ? 1 : 0;
    }
    for (auto const& [k, times] : paid) EXPECT_LE(times, 1) << k;
    EXPECT_LE(provider.sends().size(), paid.size());
    auto const listed = db.backend()->list({});
    for (auto const& s : **listed.get()) EXPECT_EQ(s.state, coffer::record_state::done);
}

TEST(once_threads, a_context_goes_while_others_wait_for_its_flights) {
    auto const rounds = static_cast<int>(std::min<std::uint64_t>(support::seeds(100), 100));
    coffer::memory_store db;
    support::provider provider;
    provider.otherwise([] { return coffer::answer{"hello", 200}; }, 2ms);
    support::guarded const ask =
        coffer::pipeline{coffer::once{db, {.max_sends = 2}}, coffer::retry{{.attempts = 1}}}.wrap(provider.operation());

    dice d{2};
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::unique_ptr<office>> offices;
        for (std::size_t threads : {2U, 1U, 2U}) offices.push_back(std::make_unique<office>(threads));
        auto& doomed = *offices.front();
        // Those in the doomed context come first, so that it is theirs that the flights run on.
        std::vector<asking> all;
        for (int k = 0; k < 4; ++k)
            all.push_back(
                {caller::begin(doomed.executor(), ask, coffer::call{coffer::key{"test", round, k}, 1min}, request{}), k,
                 false});
        std::vector<caller> others;
        for (int i = 0; i < 12; ++i)
            others.push_back(caller::begin(offices[1 + d.below(std::size_t{2})]->executor(), ask,
                                           coffer::call{coffer::key{"test", round, i % 4}, 1min}, request{}));
        if (d.one_in(2)) std::this_thread::sleep_for(d.below(3000) * 1us);  // at any moment: nothing depends on it
        doomed.close();
        offices[1]->finish();
        offices[2]->finish();
        for (auto const& c : others) {
            ASSERT_TRUE(c->over);
            EXPECT_TRUE(c->ok() || c->failed(fault_kind::ambiguous)) << c->text();
        }
    }
    auto const listed = db.backend()->list({});
    for (auto const& s : **listed.get()) {
        EXPECT_NE(s.state, coffer::record_state::claimed);
        EXPECT_NE(s.state, coffer::record_state::sent);
        EXPECT_LE(s.sends, 2);
    }
}

}  // namespace
}  // namespace once_threads_test
