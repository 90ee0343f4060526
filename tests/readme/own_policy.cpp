// SPDX-License-Identifier: BSL-1.0
// The README's snippets about policies of one's own and virtual time.

#include <coffer/coffer.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace own_policy_page {
namespace {

//! [gate]
// Admits at most `limit` attempts at a time; a gate costs no coroutine.
class at_most {
public:
    explicit at_most(int limit) : free_{std::make_shared<std::atomic<int>>(limit)} {}

    class ticket {
    public:
        explicit ticket(std::shared_ptr<std::atomic<int>> f) : free_{std::move(f)} {}
        ~ticket() { ++*free_; }
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            return coffer::verdict::done();
        }

    private:
        std::shared_ptr<std::atomic<int>> free_;
    };

    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& slot) const {
        if (free_->fetch_sub(1) <= 0) {
            ++*free_;
            return coffer::admission::refused(coffer::fault{coffer::fault_kind::queue_full, "too many at once"});
        }
        slot.emplace(free_);
        return coffer::admission::in();
    }

private:
    std::shared_ptr<std::atomic<int>> free_;
};
//! [gate]

/// The same, which says what it is.
class described_at_most : public at_most {
public:
    explicit described_at_most(int limit) : at_most{limit}, limit_{limit} {}
    void open() { open_ = true; }

    //! [describe]
    void describe(coffer::composition& to) const {
        to.name("at_most").with("limit", limit_).now(open_ ? "open" : "shut");  // at_most(limit 5; open)
    }
    //! [describe]

private:
    int limit_;
    bool open_ = false;
};

//! [layer]
// Stands around what is inside it and runs it zero, one or many times.
struct or_else {
    template <class Next>
    coffer::awaitable<coffer::outcome<typename Next::value_type>> operator()(coffer::call& call, Next next) const {
        auto result = co_await next(call);
        if (!result && result.error().kind() == coffer::fault_kind::queue_full) co_return typename Next::value_type{};
        co_return result;
    }
};
//! [layer]

coffer::awaitable<int> slow(int const& x) {
    co_await coffer::sleep_for(10min);
    co_return x;
}

TEST(readme, own_policies) {
    //! [virtual_time]
    asio::io_context io;
    coffer::testing::virtual_time time{io, /* seed */ 7};  // ten minutes of sleep take microseconds

    auto const ask = coffer::pipeline{or_else{}, coffer::retry{}, at_most{1}}.wrap(&slow);
    std::vector<int> results;
    auto const work = [&](int x) -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed(1h);
        results.push_back(co_await ask(call, x));
    };
    asio::co_spawn(io, work(1), asio::detached);
    asio::co_spawn(io, work(2), asio::detached);
    time.run();
    EXPECT_EQ(results, (std::vector{0, 1}));  // the second was refused at once, the first took its time
    //! [virtual_time]
}

TEST(readme, own_policies_say_what_they_are) {
    described_at_most five{5};
    five.open();
    EXPECT_EQ(to_string(coffer::pipeline{or_else{}, five, at_most{1}}.wrap(&slow)),
              "or_else\nat_most(limit 5; open)\nat_most\n-> a function");
}

}  // namespace
}  // namespace own_policy_page
