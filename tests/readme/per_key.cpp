// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/per_key.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

using namespace std::chrono_literals;

namespace per_key_page {
namespace {

using provider = coffer::testing::scripted_operation<std::string>;

struct docs_per_key : testing::Test {
    template <class Work>
    void run(Work work) {
        std::exception_ptr thrown;
        auto const ended = [&](std::exception_ptr e) { thrown = e; };
        asio::co_spawn(io, std::move(work), ended);
        time.run();
        if (thrown) std::rethrow_exception(thrown);
    }
    asio::io_context io;
    coffer::testing::virtual_time time{io};
};

TEST_F(docs_per_key, tenants_and_models) {
    provider script;
    script.gives("an answer").times(0);
    auto const chat = coffer::describe([script](coffer::attempt& a) { return script(a); }).target([] {
        return coffer::target{"openai", "gpt-4o"};
    });
    //! [declare]
    coffer::per_key const pace{coffer::by_tag{"tenant"},
                               [] { return coffer::rate_limit{{.requests_per_minute = 60}}; }};
    coffer::per_key const health{coffer::by_model{}, [] { return coffer::circuit_breaker{}; }, {.max_keys = 100}};

    auto const ask = coffer::pipeline{coffer::retry{}, health, pace}.wrap(chat);
    //! [declare]
    auto const work = [&]() -> coffer::awaitable<void> {
        //! [call]
        auto call = coffer::call{coffer::key{"report", 17}}.tag("tenant", "acme");
        auto const answer = co_await ask(call);
        //! [call]
        EXPECT_EQ(answer, "an answer");
    };
    run(work);
    EXPECT_TRUE(pace.find("acme"));
    EXPECT_TRUE(health.find("gpt-4o"));

    std::ostringstream log;
    //! [operate]
    health.at("gpt-4o")->isolate("it makes things up");  // made, if nobody has asked it yet
    if (auto const acme = pace.find("acme")) log << acme->waiting() << " of acme wait\n";
    health.for_each([&](std::string_view model, coffer::circuit_breaker const& breaker) {
        log << model << ": " << to_string(breaker.status().state) << '\n';
    });
    //! [operate]
    EXPECT_EQ(log.str(), "0 of acme wait\ngpt-4o: isolated\n");
}

TEST_F(docs_per_key, limits_by_name) {
    provider chat;
    chat.gives("an answer").times(0);
    struct {
        int of(std::string_view tenant) const { return tenant == "acme" ? 600 : 60; }
    } const contracts;
    //! [by_name]
    auto const by_contract = [&](std::string_view tenant) {
        return coffer::rate_limit{{.requests_per_minute = contracts.of(tenant)}};
    };
    coffer::per_key const pace{coffer::by_tag{"tenant"}, by_contract};
    //! [by_name]
    auto const ask = coffer::pipeline{pace}.wrap(chat);
    int answered = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        for (int i = 0; i < 600; ++i) {
            auto call = coffer::call::unkeyed(1s).tag("tenant", "acme");
            if (co_await ask.try_call(call)) ++answered;
        }
    };
    run(work);
    EXPECT_EQ(answered, 600);
}

TEST_F(docs_per_key, what_is_forgotten) {
    provider chat;
    chat.gives("an answer").times(0);
    auto const a_limit = [] { return coffer::rate_limit{{.requests_per_day = 100}}; };
    //! [options]
    coffer::per_key const pace{coffer::by_tag{"tenant"},
                               a_limit,
                               {.max_keys = 1000, .forget_after = 1h, .when_full = coffer::when_full::share}};
    //! [options]
    coffer::per_key const narrow{coffer::by_tag{"tenant"}, a_limit, {.max_keys = 1}};
    auto const ask = coffer::pipeline{pace, narrow}.wrap(chat);
    std::string code;
    auto const work = [&]() -> coffer::awaitable<void> {
        for (auto const* const tenant : {"a", "b"}) {
            auto call = coffer::call::unkeyed(1s).tag("tenant", tenant);
            auto const answer = co_await ask.try_call(call);
            code = answer ? "" : answer.error().code();
        }
    };
    run(work);
    EXPECT_EQ(code, "max_keys");
}

//! [own_gate]
/// At most so many attempts, ever.
class allowance {
public:
    explicit allowance(std::int64_t attempts) : left_{std::make_shared<std::atomic<std::int64_t>>(attempts)} {}

    struct ticket {
        coffer::verdict settle(coffer::attempt_end const&, coffer::attempt&) noexcept {
            return coffer::verdict::done();
        }
    };
    coffer::admission try_enter(coffer::attempt&, coffer::slot<ticket>& s) const {
        if (left_->fetch_sub(1) <= 0) return coffer::admission::refused(coffer::fault{coffer::fault_kind::over_budget});
        s.emplace();
        return coffer::admission::in();
    }
    bool idle(coffer::time_point) const { return false; }  // what is spent is spent: never forget it

private:
    std::shared_ptr<std::atomic<std::int64_t>> left_;
};
//! [own_gate]

TEST_F(docs_per_key, a_gate_of_ones_own) {
    provider chat;
    chat.gives("an answer").times(0);
    coffer::per_key const spent{
        coffer::by_tag{"tenant"}, [] { return allowance{2}; }, {.max_keys = 1, .forget_after = 0s}};
    auto const ask = coffer::pipeline{spent}.wrap(chat);
    std::string said;
    auto const work = [&]() -> coffer::awaitable<void> {
        for (auto const* const tenant : {"a", "a", "a", "b"}) {
            auto call = coffer::call::unkeyed().tag("tenant", tenant);
            auto const answer = co_await ask.try_call(call);
            said += answer ? "ok " : std::string{to_string(answer.error().kind())} + " ";
        }
    };
    run(work);
    EXPECT_EQ(said, "ok ok over_budget queue_full ");
}

}  // namespace
}  // namespace per_key_page
