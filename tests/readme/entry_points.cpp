// SPDX-License-Identifier: BSL-1.0
// The snippets of docs/entry_points.md, each in a test that runs it.

#include <coffer/call/blocking_client.hpp>
#include <coffer/call/from_blocking.hpp>
#include <coffer/call/from_callback.hpp>
#include <coffer/coffer.hpp>

#include <gtest/gtest.h>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

namespace entry_points_page {
namespace {

struct question {
    explicit question(std::string t) : text{std::move(t)} {}
    std::string text;
};

/// A client with callbacks, from a thread of its own.
struct callback_client {
    int send(std::string const& text, std::function<void(std::string)> done) {
        thread = std::jthread{[text, done = std::move(done)] { done("an answer to " + text); }};
        return 1;
    }
    void abort(int /*id*/) {}
    std::jthread thread;
};

/// One that blocks.
std::string blocking_chat(std::string const& text, std::chrono::milliseconds /*timeout*/) {
    return "an answer to " + text;
}

/// One with futures.
std::future<std::string> chat_later(std::string const& text) {
    return std::async(std::launch::async, [text] { return "an answer to " + text; });
}

coffer::awaitable<std::string> chat(question const& q) { co_return "an answer to " + q.text; }

TEST(entry_points, a_callback) {
    std::string got;
    //! [async_call]
    asio::io_context io;
    coffer::guarded<std::string(question const&)> const ask = coffer::pipeline{coffer::retry{}}.wrap(&chat);

    coffer::call call = coffer::call::unkeyed(2min);  // must live until the handler is called; or std::move it in
    ask.async_call(call, question{"why?"}, asio::bind_executor(io, [&](coffer::outcome<std::string> answer) {
                       if (answer) got = *answer;
                   }));
    std::future<coffer::outcome<std::string>> other =
        ask.async_call(coffer::call::unkeyed(2min), question{"how?"}, asio::bind_executor(io, asio::use_future));
    io.run();
    //! [async_call]
    EXPECT_EQ(got, "an answer to why?");
    EXPECT_EQ(other.get().value(), "an answer to how?");
}

TEST(entry_points, a_client_that_blocks) {
    //! [blocking]
    coffer::blocking_client client;  // a context and its thread: one for the program, used by all its threads
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(&chat);

    coffer::call call = coffer::call::unkeyed(2min);
    std::string const answer = client.run(ask, call, question{"why?"});  // throws coffer::failure
    auto const other = client.try_run(ask, call, question{"how?"});      // coffer::outcome<std::string>
    //! [blocking]
    EXPECT_EQ(answer, "an answer to why?");
    EXPECT_EQ(other.value(), "an answer to how?");
}

TEST(entry_points, from_a_callback) {
    callback_client library;
    //! [from_callback]
    auto const operation =
        coffer::from_callback<std::string>([&library](question const& q, coffer::callback<std::string> done) {
            auto const id = library.send(q.text, [done](std::string reply) { done(std::move(reply)); });
            done.on_stop([&library, id] { library.abort(id); });  // the caller has left, or the attempt's time is over
        });
    auto const ask = coffer::pipeline{coffer::retry{}}.wrap(operation);
    //! [from_callback]
    coffer::blocking_client client;
    EXPECT_EQ(client.run(ask, coffer::call::unkeyed(2min), question{"why?"}), "an answer to why?");
}

TEST(entry_points, from_a_function_that_blocks) {
    coffer::blocking_client client;
    //! [from_blocking]
    asio::thread_pool threads{16};
    auto const operation =
        coffer::from_blocking(threads.get_executor(), [](coffer::send_terms const& terms, question const& q) {
            return blocking_chat(q.text, std::chrono::floor<std::chrono::milliseconds>(terms.timeout()));
        });
    auto const ask = coffer::pipeline{coffer::retry{}, coffer::bulkhead{{.limit = 16}}}.wrap(operation);
    //! [from_blocking]
    EXPECT_EQ(client.run(ask, coffer::call::unkeyed(2min), question{"why?"}), "an answer to why?");
    //! [from_future]
    auto const later =
        coffer::from_future(threads.get_executor(), [](question const& q) { return chat_later(q.text); });
    //! [from_future]
    auto const ask_later = coffer::pipeline{}.wrap(later);
    EXPECT_EQ(client.run(ask_later, coffer::call::unkeyed(2min), question{"why?"}), "an answer to why?");
}

}  // namespace
}  // namespace entry_points_page
