// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/once.md, in tests that run them.

#include <coffer/coffer.hpp>
#include <coffer/store/attach.hpp>
#include <coffer/store/drain_on_signal.hpp>
#include <coffer/store/memory.hpp>
#include <coffer/testing/scripted_operation.hpp>
#include <coffer/testing/virtual_time.hpp>

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace once_page {
namespace {

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};

coffer::awaitable<std::string> ask_somebody(question const& q) { co_return "an answer to " + q.text; }

auto somebody() {
    return coffer::describe(&ask_somebody).fingerprint([](question const& q) {
        return coffer::fingerprint{}.with("text", q.text);
    });
}

//! [attach]
/// GET /reports/{title}: the job that makes it was started elsewhere. Looks; never sends.
coffer::awaitable<int> report_status(coffer::store db, std::string title, std::string& body) {
    auto const found = co_await coffer::attach<std::string>(db, coffer::key{"report", title}, 5s);
    if (found) {
        body = *found;
        co_return 200;
    }
    if (found.error().kind() == coffer::fault_kind::in_progress) co_return 202;  // ask again later
    co_return coffer::disposition(found.error()).http_status;
}
//! [attach]

//! [of_request]
coffer::awaitable<std::string> answer_cached(coffer::guarded<std::string(question const&)> ask, std::string tenant,
                                             question q) {
    coffer::call call{coffer::key::of_request(coffer::key{"faq", tenant}, 10min), 30s};
    co_return co_await ask(call, q);  // equal questions of this tenant within ten minutes: one send
}
//! [of_request]

//! [drain]
void run_until_told_to_end(asio::io_context& io, coffer::store db) {
    asio::co_spawn(io, coffer::drain_on_signal(db, 25s), [&io](std::exception_ptr, coffer::drain_report left) {
        for (auto const& key : left.sending)
            std::cerr << "not finished: " << coffer::to_text(key) << "; the next run of its job goes on with it\n";
        io.stop();
    });
    io.run();
}
//! [drain]

TEST(docs_once, attach_answers_202_until_there_is_an_answer) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    auto const ask = coffer::pipeline{coffer::once{db}}.wrap(somebody());
    std::vector<int> statuses;
    std::string body;
    auto const work = [&]() -> coffer::awaitable<void> {
        statuses.push_back(co_await report_status(db, "q3", body));
        coffer::call call{coffer::key{"report", "q3"}};
        question const q{"profits"};
        (void)co_await ask(call, q);
        statuses.push_back(co_await report_status(db, "q3", body));
        co_await db.acknowledge(call);
        statuses.push_back(co_await report_status(db, "q3", body));
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(statuses, (std::vector{202, 200, 200}));
    EXPECT_EQ(body, "an answer to profits");
}

TEST(docs_once, equal_requests_share_an_answer) {
    asio::io_context io;
    coffer::testing::virtual_time time{io};
    coffer::memory_store db;
    coffer::guarded<std::string(question const&)> const ask = coffer::pipeline{coffer::once{db}}.wrap(somebody());
    std::vector<std::string> answers;
    auto const work = [&]() -> coffer::awaitable<void> {
        for (auto const* const tenant : {"acme", "acme", "globex"}) {
            question const q{"opening hours"};
            answers.push_back(co_await answer_cached(ask, tenant, q));
        }
    };
    asio::co_spawn(io, work, asio::detached);
    time.run();
    EXPECT_EQ(answers, std::vector<std::string>(3, "an answer to opening hours"));
    EXPECT_EQ((*db.backend()->list({}).get())->size(), 2U);
}

TEST(docs_once, a_program_that_is_told_to_end_ends) {
    asio::io_context io;
    coffer::memory_store const db;
    asio::post(io, [&] { asio::post(io, [] { std::raise(SIGTERM); }); });  // after it has begun to listen
    run_until_told_to_end(io, db);
    EXPECT_TRUE(db.backend()->flights().closed());
}

}  // namespace
}  // namespace once_page
