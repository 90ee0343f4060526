// SPDX-License-Identifier: BSL-1.0
// The snippet of docs/retry.md, in a test that runs it.

#include <coffer/coffer.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

using namespace std::chrono_literals;

namespace {

//! [rule]
auto const patient =
    coffer::retry{{.attempts = 6, .ambiguous_delay = 10s}, [](coffer::fault const& f, int /* attempts made */) {
                      return f.code() == "engine_warming" ? coffer::retry_decision::yes_after(20s)
                                                          : coffer::retry_decision::by_table();
                  }};
//! [rule]

TEST(docs_retry, a_rule_of_ones_own) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::testing::scripted_operation<int> provider;
    provider
        .fails(coffer::fault{coffer::fault_kind::permanent}
                   .with_code("engine_warming")
                   .with_billing(coffer::knowledge::no))
        .gives(7);
    auto const ask = coffer::pipeline{patient}.wrap(provider);
    int result = 0;
    auto const work = [&]() -> coffer::awaitable<void> {
        auto call = coffer::call::unkeyed();
        result = co_await ask(call);
    };
    auto const start = time.now();
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(result, 7);
    EXPECT_GE(time.now() - start, 20s);
}

}  // namespace
