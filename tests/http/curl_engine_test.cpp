// SPDX-License-Identifier: BSL-1.0
// What happens when libcurl itself misbehaves. This program's own curl_multi_socket_action stands before libcurl's.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/raw_server.hpp"

#include <gtest/gtest.h>

#include <dlfcn.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {
enum class fault_of_libcurl { none, fails, does_nothing };
std::atomic<fault_of_libcurl> misbehave{fault_of_libcurl::none};
std::atomic<bool> in_front{false};
std::atomic<int> calls{0};
}  // namespace

// NOLINTNEXTLINE: the name is libcurl's.
extern "C" CURLMcode curl_multi_socket_action(CURLM* multi, curl_socket_t fd, int bits, int* running) {
    using function = CURLMcode (*)(CURLM*, curl_socket_t, int, int*);
    static auto const real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "curl_multi_socket_action"));
    in_front = true;
    ++calls;
    if (misbehave == fault_of_libcurl::fails) return CURLM_INTERNAL_ERROR;
    if (misbehave == fault_of_libcurl::does_nothing && fd != CURL_SOCKET_TIMEOUT) return CURLM_OK;
    return real(multi, fd, bits, running);
}

namespace coffer::inline COFFER_ABI::http::tests::curl_engine_test {
namespace {

using enum knowledge;

class http_engine : public testing::Test {
protected:
    void TearDown() override { misbehave = fault_of_libcurl::none; }

    asio::io_context io;
    client c{io.get_executor()};
    request_log log;
};

TEST_F(http_engine, a_multi_that_fails_is_replaced_and_every_transfer_ends_with_what_is_known) {
    event got;
    raw_server server{[&](peer& p) {
        for (std::string r; !(r = p.read_request()).empty();) {
            bool const stays = r.find("/stays") != r.npos;
            log.add(std::move(r));
            if (!stays) p.write(ok);
            else got.set();
        }
    }};
    ASSERT_TRUE(send(io, c, post(server.url())));
    ASSERT_TRUE(in_front);
    sending sent{io.get_executor(), c, post(server.url("/stays")), in(20s)};
    std::thread other{[&] {
        (void)got.wait();
        asio::post(io, [&] { io.stop(); });
    }};
    io.restart();
    io.run();
    other.join();
    io.restart();
    misbehave = fault_of_libcurl::fails;
    sending unsent{io.get_executor(), c, post("https://127.0.0.1:" + std::to_string(server.port())), in(20s)};
    while (!sent.ended() || !unsent.ended()) io.run_one();
    EXPECT_EQ(sent.error().kind(), fault_kind::ambiguous) << sent.error();
    EXPECT_EQ(sent.error().billing(), maybe);
    EXPECT_EQ(unsent.error().kind(), fault_kind::not_sent) << unsent.error();
    EXPECT_EQ(unsent.error().billing(), no);
    EXPECT_EQ(c.stats().rebuilds, 1U);
    misbehave = fault_of_libcurl::none;
    EXPECT_TRUE(send(io, c, post(server.url())));
    EXPECT_EQ(log.count(), 3U);
}

TEST_F(http_engine, a_libcurl_that_leaves_ready_sockets_alone_takes_no_processor) {
    event got;
    event answered;
    raw_server server{[&](peer& p) {
        if (p.read_request().empty()) return;
        got.set();
        (void)answered.wait();
        p.write(ok);
        (void)p.wait_for_close();
    }};
    sending s{io.get_executor(), c, post(server.url()), in(20s)};
    std::thread other{[&] {
        (void)got.wait();
        misbehave = fault_of_libcurl::does_nothing;
        answered.set();
    }};
    int const before = calls;
    while (c.stats().spins < 10 && !s.ended()) io.run_one();
    ASSERT_TRUE(in_front);
    ASSERT_FALSE(s.ended());
    EXPECT_LT(calls - before, 2000);
    misbehave = fault_of_libcurl::none;
    io.run();
    other.join();
    ASSERT_TRUE(s.ended());
    EXPECT_TRUE(s.get()) << "late, but whole";
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_engine_test
