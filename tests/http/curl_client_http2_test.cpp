// SPDX-License-Identifier: BSL-1.0
// The rows of the table that only HTTP/2 can show.
#include <coffer/http/curl_client.hpp>

#include "support/driver.hpp"
#include "support/h2_peer.hpp"
#include "support/raw_server.hpp"
#include "support/tls_front.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace coffer::inline COFFER_ABI::http::tests::curl_client_http2_test {
namespace {

using enum knowledge;

class http2 : public testing::Test {
protected:
    void SetUp() override {
        if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) == 0)
            GTEST_SKIP() << "this libcurl has no HTTP/2";
        if (!certificate::get().made()) GTEST_SKIP() << "no program openssl to make a certificate";
    }
    /// Each connection answers `good` requests, and `ends` the next.
    raw_server::script after(int good, std::function<void(h2_peer&, std::uint32_t)> ends) {
        return [this, good, ends = std::move(ends)](peer& p) {
            h2_peer h2{p};
            for (int n = 0;; ++n) {
                auto const stream = h2.read_request();
                if (stream == 0) return;
                ++requests;
                if (n < good) {
                    h2.answer(stream);
                    continue;
                }
                ends(h2, stream);
                return;
            }
        };
    }
    void expect(result const& got, fault_kind kind, knowledge execution, knowledge billing, int status = 0) {
        ASSERT_FALSE(got) << "status " << got->status << ", body " << got->body;
        auto const& f = got.error();
        EXPECT_EQ(f.kind(), kind) << f;
        EXPECT_EQ(f.execution(), execution) << f;
        EXPECT_EQ(f.billing(), billing) << f;
        EXPECT_EQ(f.status(), status) << f;
        EXPECT_EQ(text(f).find("canary"), std::string::npos) << f;
    }
    /// One request that meets `ends`, on a fresh connection or on one that has answered before.
    void expect_after(bool reused, std::function<void(h2_peer&, std::uint32_t)> ends, fault_kind kind,
                      knowledge execution, knowledge billing, int status = 0) {
        requests = 0;
        raw_server server{after(reused ? 1 : 0, std::move(ends))};
        tls_front const front{server, "h2"};
        if (!front.works()) GTEST_SKIP() << "no program python3";
        if (reused) {
            auto const first = send(io, c, post(front.url()));
            ASSERT_TRUE(first) << first.error();
        }
        expect(send(io, c, post(front.url())), kind, execution, billing, status);
        EXPECT_EQ(requests, reused ? 2 : 1) << "sends that the server saw";
    }

    std::string const ca = certificate::get().file();
    asio::io_context io;
    client c{io.get_executor(), {.ca_file = ca}};
    std::atomic<int> requests{0};
};

TEST_F(http2, answers) {
    raw_server server{after(100, [](h2_peer&, std::uint32_t) {})};
    tls_front const front{server, "h2"};
    auto const answer = send(io, c, post(front.url()));
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->version, version::http2);
    EXPECT_EQ(answer->body, "ok");
    EXPECT_FALSE(answer->body_terminated_by_close);
    ASSERT_TRUE(send(io, c, request{"GET", front.url()}));
    EXPECT_EQ(server.accepted(), 1);
}

TEST_F(http2, shares_one_connection) {
    raw_server server{after(1000, [](h2_peer&, std::uint32_t) {})};
    tls_front const front{server, "h2"};
    std::vector<std::unique_ptr<sending>> all;
    for (int i = 0; i < 64; ++i)
        all.push_back(std::make_unique<sending>(io.get_executor(), c, post(front.url()), in(20s)));
    io.run();
    for (auto const& s : all) ASSERT_TRUE(s->ended() && s->get()) << s->error();
    EXPECT_EQ(server.accepted(), 1);
    EXPECT_EQ(requests, 64);
}

TEST_F(http2, refused_stream_is_proven_unprocessed_and_not_sent_again) {
    expect_after(
        false,
        [](h2_peer& h2, std::uint32_t stream) {
            h2.reset(stream, h2_error::refused_stream);
            (void)h2.connection().wait_for_close();
        },
        fault_kind::transient, no, no);
}

TEST_F(http2, refused_stream_on_a_kept_connection_is_not_sent_again_either) {
    // libcurl 7.88 does not say there that it was refused, so it counts as ambiguous; a newer one may say so.
    raw_server server{after(1, [](h2_peer& h2, std::uint32_t stream) {
        h2.reset(stream, h2_error::refused_stream);
        (void)h2.connection().wait_for_close();
    })};
    tls_front const front{server, "h2"};
    ASSERT_TRUE(send(io, c, post(front.url())));
    auto const got = send(io, c, post(front.url()));
    ASSERT_FALSE(got);
    EXPECT_TRUE(got.error().kind() == fault_kind::ambiguous || got.error().kind() == fault_kind::transient)
        << got.error();
    EXPECT_EQ(requests, 2);
}

TEST_F(http2, other_resets_prove_nothing) {
    for (bool const reused : {false, true})
        expect_after(
            reused,
            [](h2_peer& h2, std::uint32_t stream) {
                h2.reset(stream, h2_error::internal_error);
                (void)h2.connection().wait_for_close();
            },
            fault_kind::ambiguous, maybe, maybe);
}

TEST_F(http2, goaway_that_excludes_the_request_is_not_told_apart) {
    for (bool const reused : {false, true})
        expect_after(
            reused, [](h2_peer& h2, std::uint32_t stream) { h2.goaway(stream - 1); }, fault_kind::ambiguous, maybe,
            maybe);
}

TEST_F(http2, goaway_that_includes_the_request_and_then_the_end) {
    for (bool const reused : {false, true})
        expect_after(
            reused, [](h2_peer& h2, std::uint32_t stream) { h2.goaway(stream); }, fault_kind::ambiguous, maybe, maybe);
}

TEST_F(http2, connection_cut) {
    for (bool const reused : {false, true}) {
        expect_after(
            reused, [](h2_peer& h2, std::uint32_t) { h2.connection().fin(); }, fault_kind::ambiguous, maybe, maybe);
        expect_after(
            reused, [](h2_peer& h2, std::uint32_t) { h2.connection().rst(); }, fault_kind::ambiguous, maybe, maybe);
    }
}

TEST_F(http2, body_cut) {
    for (bool const reused : {false, true}) {
        expect_after(
            reused,
            [](h2_peer& h2, std::uint32_t stream) {
                h2.head(stream);
                h2.part(stream, "half");
                h2.wait_until_read();
                h2.reset(stream, h2_error::internal_error);
                (void)h2.connection().wait_for_close();
            },
            fault_kind::broken_stream, yes, maybe, 200);
        expect_after(
            reused,
            [](h2_peer& h2, std::uint32_t stream) {
                h2.head(stream);
                h2.part(stream, "half");
                h2.wait_until_read();
            },
            fault_kind::broken_stream, yes, maybe, 200);
        expect_after(
            reused,
            [](h2_peer& h2, std::uint32_t stream) {
                h2.head(stream, "10");
                h2.part(stream, "half");
                h2.wait_until_read();
                h2.reset(stream, h2_error::no_error);
                (void)h2.connection().wait_for_close();
            },
            fault_kind::broken_stream, yes, maybe, 200);
    }
}

TEST_F(http2, body_without_a_length_that_is_reset_without_an_error_is_not_noticed) {
    // A limit of libcurl 7.88: it does not tell this from the stream's end. Readers of streams look for the end in the body.
    raw_server server{after(0, [](h2_peer& h2, std::uint32_t stream) {
        h2.head(stream);
        h2.part(stream, "half");
        h2.wait_until_read();
        h2.reset(stream, h2_error::no_error);
        (void)h2.connection().wait_for_close();
    })};
    tls_front const front{server, "h2"};
    auto const got = send(io, c, post(front.url()));
    if (!got) {
        EXPECT_EQ(got.error().kind(), fault_kind::broken_stream) << got.error();
    }
    EXPECT_EQ(requests, 1);
}

TEST_F(http2, goaway_in_order_lets_the_request_finish_and_the_next_take_another_connection) {
    raw_server server{after(0, [](h2_peer& h2, std::uint32_t stream) {
        h2.goaway(stream);
        h2.answer(stream);
        (void)h2.connection().wait_for_close();
    })};
    tls_front const front{server, "h2"};
    for (int i = 0; i < 3; ++i) {
        auto const answer = send(io, c, post(front.url()));
        ASSERT_TRUE(answer) << answer.error();
    }
    EXPECT_EQ(requests, 3);
}

TEST_F(http2, cancelling_one_stream_harms_no_other) {
    event first;
    event second;
    raw_server server{[&](peer& p) {
        h2_peer h2{p};
        auto const stream = h2.read_request();
        if (stream == 0) return;
        first.set();
        if (h2.read_request() == 0) return;
        second.set();
        // Its reset comes before the third request, on whose arrival the first one is answered.
        auto const third_stream = h2.read_request();
        h2.answer(stream);
        h2.answer(third_stream);
        (void)p.wait_for_close();
    }};
    tls_front const front{server, "h2"};
    auto const run_until = [this](event& e) {
        std::thread other{[&] {
            (void)e.wait();
            asio::post(io, [this] { io.stop(); });
        }};
        io.run();
        io.restart();
        other.join();
    };
    sending stays{io.get_executor(), c, post(front.url()), in(20s)};
    run_until(first);
    sending goes{io.get_executor(), c, post(front.url()), in(20s)};
    run_until(second);
    goes.cancel();
    while (!goes.ended()) io.run_one();
    EXPECT_EQ(goes.error().kind(), fault_kind::cancelled);
    sending third{io.get_executor(), c, post(front.url()), in(20s)};
    io.run();
    EXPECT_TRUE(stays.ended() && stays.get());
    EXPECT_TRUE(third.ended() && third.get());
    EXPECT_EQ(server.accepted(), 1);
}

}  // namespace
}  // namespace coffer::inline COFFER_ABI::http::tests::curl_client_http2_test
